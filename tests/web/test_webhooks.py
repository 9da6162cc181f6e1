"""The webhook: 2xx once it is stored, 503 while it can't be, 400 if it never can."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from responder.cluster.failures import ApiFailure, Denied, Invalid, unavailable
from tests.controlplane.eventually import eventually
from tests.e2e.process import alert, notification
from tests.web.conftest import Web, opened

HOOK = "/webhooks/alertmanager"
Json = dict[str, Any]


async def notify(site: Web, *alerts: Json, **top: Any) -> aiohttp.ClientResponse:  # noqa: ANN401
    return await site.ask("POST", HOOK, json=notification(*alerts, **top))


async def test_the_same_a_hundred_times_is_one_write(site: Web) -> None:
    """To the byte, and written otherwise as well."""
    firing = alert(fingerprint="00000000000000aa")
    for number in range(50):
        assert (await notify(site, firing)).status == 200
        assert (await notify(site, firing, groupKey=str(number))).status == 200
    assert len(site.door.server.writes) == 1


async def test_firing_resolved_firing_to_the_byte_is_seen_each_time(site: Web) -> None:
    """What was known once may be news again."""
    firing, over = alert(alertname="HighBounceRate"), alert(status="resolved")
    await notify(site, firing)
    await notify(site, firing)
    for _ in range(3):
        answer = await notify(site, over)
        assert (await answer.json())["incidents"][0]["outcome"] == "Change"
        answer = await notify(site, firing)
        assert (await answer.json())["incidents"][0]["outcome"] == "Change"
        answer = await notify(site, firing)
        assert (await answer.json())["incidents"][0]["outcome"] == "Known"


async def test_that_alerts_were_left_out_is_told_each_time(site: Web) -> None:
    """To the byte as well: the ones that are left out may be others each time."""
    await notify(site, alert())
    assert site.cut_short == []
    for _ in range(3):
        await notify(site, alert(), truncatedAlerts=3, receiver=r"mail\.ops")
    assert site.cut_short == [r"mail\.ops"] * 3


async def test_of_what_is_not_stored_nothing_is_told(site: Web) -> None:
    site.door.server.fail(unavailable("overloaded"))
    assert (await notify(site, alert(), truncatedAlerts=3)).status == 503
    assert site.cut_short == []


async def test_one_bad_alert_of_fifty_drops_none_of_the_others(site: Web) -> None:
    batch = [alert(campaign=f"c{n}", fingerprint=f"{n:016x}") for n in range(50)]
    batch[20] = {**batch[20], "labels": {"alertname": 7}}
    answer = await notify(site, *batch)
    told = await answer.json()
    assert len(told["incidents"]) == len(site.door.server.stored) == 49
    assert [each["index"] for each in told["rejected"]] == [20]
    assert "alerts[20].labels.alertname" in told["rejected"][0]["errors"][0]
    assert site.counted("responder_alerts_total", outcome="Open") == 49
    assert site.counted("responder_alerts_total", outcome="rejected") == 1


@pytest.mark.parametrize(
    ("body", "field", "fix"),
    [
        pytest.param(b"junk", "", "payload", id="junk"),
        pytest.param(b"", "", "payload", id="nothing"),
        pytest.param(b"[]", "", "payload", id="a list"),
        pytest.param(b"\xff\xfe", "", "payload", id="not UTF-8"),
        pytest.param(b"[" * 100_000, "", "version", id="nested without end"),
        pytest.param(b'{"text": "down"}', "version", "payload", id="a custom payload"),
        pytest.param(
            json.dumps(notification(alert(), version="3")).encode(),
            "version",
            '"4"',
            id="another version",
        ),
        pytest.param(
            json.dumps(notification(alert(), orgId=1, version="1")).encode(),
            "",
            "/webhooks/grafana",
            id="Grafana's",
        ),
        pytest.param(
            json.dumps({**notification(), "alerts": {}}).encode(),
            "alerts",
            "webhook",
            id="alerts are no list",
        ),
        pytest.param(
            json.dumps(notification({**alert(), "fingerprint": "x"})).encode(),
            "alerts[0].fingerprint",
            "16",
            id="no alert is right",
        ),
    ],
)
async def test_what_can_never_be_accepted_is_told_by_field_and_fix(
    site: Web, body: bytes, field: str, fix: str
) -> None:
    answer = await site.ask("POST", HOOK, data=body)
    assert answer.status == 400
    assert answer.content_type == "application/problem+json"
    told = (await answer.json(content_type=None))["errors"][0]
    assert told["field"] == field
    assert told["message"]
    assert fix in told["fix"]
    assert site.door.server.writes == []
    status = site.counted("responder_notifications_total", sender="alertmanager", status="400")
    assert status == 1


async def test_what_is_too_large_is_not_read_to_its_end(token_file: Path) -> None:
    async with opened(token=token_file, most_body_bytes=1000) as site:
        answer = await site.ask("POST", HOOK, data=io.BytesIO(b"x" * 10_000_000))
        assert answer.status == 413
        assert "max_alerts" in (await answer.json(content_type=None))["detail"]
        counted = site.counted("responder_notifications_total", sender="alertmanager", status="413")
        assert counted == 1


async def test_while_it_is_not_ready_the_sender_is_asked_to_come_again(site: Web) -> None:
    site.waiting.append("the watch of incidents in mail is not in sync")
    answer = await notify(site, alert())
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "watch of incidents" in await answer.text()
    assert (await site.ask("GET", "/readyz")).status == 503
    assert (await site.ask("GET", "/healthz")).status == 200
    site.waiting.clear()
    assert (await notify(site, alert())).status == 200


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [(unavailable("refused"), 5), (Denied("exceeded quota", status=403), 5)],
)
async def test_what_can_not_be_stored_now_is_put_off(
    site: Web,
    failure: ApiFailure,
    seconds: int,
) -> None:
    site.door.server.fail(failure)
    answer = await notify(site, alert())
    assert (answer.status, answer.headers["Retry-After"]) == (503, str(seconds))
    assert (await notify(site, alert())).status == 200


async def test_the_servers_own_wish_to_be_left_alone_is_passed_on(site: Web) -> None:
    failure = unavailable("busy")
    failure.retry_after = 17.0
    site.door.server.fail(failure)
    assert (await notify(site, alert())).headers["Retry-After"] == "17"


async def test_one_incident_that_can_never_be_stored_is_told_and_is_no_failure(site: Web) -> None:
    """Else its neighbours would be sent again for ever."""
    site.door.server.fail(Invalid("spec.x: too long", status=422))
    answer = await notify(
        site, alert(campaign="a"), alert(campaign="b", fingerprint="00000000000000bb")
    )
    assert answer.status == 200
    told = await answer.json()
    assert [each.get("error") for each in told["incidents"]] == ["spec.x: too long", None]
    assert site.counted("responder_alerts_total", outcome="not_storable") == 1


async def test_what_no_playbook_is_for_is_counted(site: Web) -> None:
    answer = await notify(site, alert(alertname="Other"), alert(fingerprint="0" * 16))
    assert answer.status == 200
    assert site.counted("responder_alerts_total", outcome="unmatched") == 1
    assert site.counted("responder_alerts_total", outcome="Open") == 1


# -- bounded work in flight


class Gate:
    """Holds up every write until it is opened."""

    def __init__(self, site: Web) -> None:
        self.open = asyncio.Event()
        self.waiting = 0
        self._create = site.door.server.create
        site.door.server.create = self._held_up  # type: ignore[method-assign]

    async def _held_up(self, *given: Any, **named: Any) -> Json:  # noqa: ANN401 -- as create's
        self.waiting += 1
        await self.open.wait()
        return await self._create(*given, **named)


async def test_beyond_what_may_be_under_way_the_sender_is_asked_to_come_again(
    token_file: Path,
) -> None:
    async with opened(token=token_file, most_requests=3) as site:
        gate = Gate(site)
        batch = [alert(campaign=f"c{n}", fingerprint=f"{n:016x}") for n in range(4)]
        under_way = [asyncio.create_task(notify(site, batch[n])) for n in range(3)]
        await eventually(lambda: gate.waiting == 3)
        answer = await notify(site, batch[3])
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        gate.open.set()
        assert {(await task).status for task in under_way} == {200}
        assert (await notify(site, batch[3])).status == 200
        assert len(site.door.server.stored) == 4


async def test_what_takes_too_long_is_put_off_and_gives_its_place_back(token_file: Path) -> None:
    """In less than the sender's own time-out, which would say nothing."""
    async with opened(token=token_file, most_requests=1, request_seconds=0.1) as site:
        gate = Gate(site)
        for _ in range(3):
            answer = await notify(site, alert())
            assert answer.status == 503
            assert "0.1 s" in await answer.text()
        gate.open.set()
        assert (await notify(site, alert())).status == 200


async def test_a_sender_that_goes_away_gives_its_place_back(token_file: Path) -> None:
    async with opened(token=token_file, most_requests=1, request_seconds=0.5) as site:
        port = int(site.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = (
            f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a-token-for-tests-alone\r\n"
        )
        writer.write(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

        async def accepted() -> bool:
            return (await notify(site, alert())).status == 200

        await eventually(accepted)


async def test_a_fault_of_ours_is_an_answer_like_any_other_and_tells_no_secrets(site: Web) -> None:
    def stumble() -> None:
        raise RuntimeError("secret detail")

    site.door.server.before_write = stumble
    answer = await notify(site, alert())
    assert answer.status == 500
    assert answer.content_type == "application/problem+json"
    assert "secret" not in await answer.text()
    site.door.server.before_write = lambda: None
    assert (await notify(site, alert())).status == 200
