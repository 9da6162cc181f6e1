"""Whatever an Alertmanager does: a listing that is whole, or a reason why there is none."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.evidence.alertmanager import _in_slices, open_alertmanagers
from responder.evidence.listings import (
    AlertState,
    Listing,
    Unheard,
    listed_alerts,
    running,
)
from responder.evidence.transport import Endpoint, Limits
from responder.evidence.verdict import Unknown
from tests.cluster.faulty_server import Exchange, Handler, faulty_server
from tests.evidence import faults
from tests.evidence.faults import QUICK, answering
from tests.evidence.moments import NOW

DATE = "Tue, 24 Nov 2026 18:00:00 GMT"
STATUS: dict[str, Any] = {"uptime": "2026-11-24T17:00:00.000Z", "cluster": {}, "config": {}}


def alert(number: int = 0, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {
        "fingerprint": f"{number:016x}",
        "labels": {"alertname": "HighBounceRate", "campaign": f"c{number}"},
        "annotations": {"summary": "bounces"},
        "startsAt": "2026-11-24T17:00:00.123Z",
        "endsAt": "2026-11-24T18:05:00.000Z",
        "updatedAt": "2026-11-24T18:00:00.000Z",
        "generatorURL": "http://prometheus.invalid/graph",
        "receivers": [{"name": "responder"}, {"name": "people"}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
        **more,
    }


def playing(alerts: object, *, status: object = STATUS, date: str = DATE) -> Handler:
    async def handle(exchange: Exchange) -> None:
        body = alerts if exchange.path == "/api/v2/alerts" else status
        text = body if isinstance(body, str) else json.dumps(body)
        await exchange.respond(200, text, headers={"Date": date} if date else {})

    return handle


async def listing(handle: Handler, *, limits: Limits = QUICK) -> Listing | Unheard:
    async with (
        faulty_server(handle) as server,
        open_alertmanagers([Endpoint(server.url)], limits=limits) as alertmanagers,
    ):
        (answer,) = await alertmanagers.listings(now=NOW)
        return answer


async def test_a_listing_has_every_alert_with_its_state() -> None:
    quiet = {"state": "suppressed", "silencedBy": ["s"], "inhibitedBy": ["f"], "mutedBy": ["m"]}
    found = await listing(playing([alert(), alert(1, status=quiet, new="key")]))
    assert isinstance(found, Listing)
    assert (found.uptime_seconds, found.asked_at) == (3600, NOW)
    first, second = found.alerts.values()
    assert (first.state, first.receivers) == (AlertState.ACTIVE, ("responder", "people"))
    assert first.labels == {"alertname": "HighBounceRate", "campaign": "c0"}
    assert first.starts_at == "2026-11-24T17:00:00.123Z"
    assert (second.state, second.silenced_by, second.inhibited_by, second.muted_by) == (
        *(AlertState.SUPPRESSED, ("s",), ("f",), ("m",)),
    )


async def test_all_states_are_asked_for_and_the_uptime_afterwards() -> None:
    async with (
        faulty_server(playing([])) as server,
        open_alertmanagers([Endpoint(server.url)], limits=QUICK) as alertmanagers,
    ):
        (answer,) = await alertmanagers.listings(now=NOW)
        first, second = server.exchanges
    assert isinstance(answer, Listing)
    assert (first.method, first.path, second.path) == ("GET", "/api/v2/alerts", "/api/v2/status")
    wanted = {"active", "silenced", "inhibited", "unprocessed"}
    assert first.query == dict.fromkeys(wanted, "true")


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        (faults.hang, Unknown.TIMED_OUT),
        (faults.reset_in_the_body, Unknown.DOWN),
        (answering((503, "starting")), Unknown.DOWN),
        (answering((401, "")), Unknown.REFUSED),
        (answering((302, ""), Location="http://login"), Unknown.UNREADABLE),
        (answering((404, "404 page not found")), Unknown.UNREADABLE),
        (playing("<html>"), Unknown.UNREADABLE),
        (playing("null"), Unknown.UNREADABLE),
        (playing("{}"), Unknown.UNREADABLE),
        (playing("[" * 100_000), Unknown.UNREADABLE),
        (playing("[" + json.dumps(alert())), Unknown.UNREADABLE),
        (playing(json.dumps([alert()]) + "[]"), Unknown.UNREADABLE),
        (playing(f"[{json.dumps(alert())} {json.dumps(alert(1))}]"), Unknown.UNREADABLE),
        (playing([alert(), {"fingerprint": "x"}]), Unknown.UNREADABLE),
        (playing([alert(status={"state": "new"})]), Unknown.UNREADABLE),
        (playing([alert(startsAt="yesterday")]), Unknown.UNREADABLE),
        (playing([], status="<html>"), Unknown.UNREADABLE),
        (playing([], status={"uptime": "long"}), Unknown.UNREADABLE),
        (playing([], date=""), Unknown.UNREADABLE),
        (playing([], date="some day"), Unknown.UNREADABLE),
    ],
)
async def test_what_is_not_heard_whole_is_not_heard(handle: Handler, reason: Unknown) -> None:
    found = await listing(handle)
    assert isinstance(found, Unheard)
    assert found.reason is reason
    assert found.message
    assert found.source.startswith("http://127.0.0.1:")


async def test_thousands_of_alerts_leave_others_their_turn() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    body = json.dumps([alert(number) for number in range(20_000)]).encode()
    background = asyncio.create_task(others())
    try:
        found = await _in_slices(body)
    finally:
        background.cancel()
    assert len(found) == 20_000
    assert turns == 20_000 / 500


async def test_a_listing_beyond_all_bounds_is_not_heard() -> None:
    body = json.dumps([alert(number) for number in range(5_000)])
    found = await listing(playing(body))
    assert isinstance(found, Unheard)
    assert "more than 1048576 bytes" in found.message


async def test_each_of_several_answers_for_itself_and_in_order() -> None:
    async with (
        faulty_server(playing([alert()])) as good,
        faulty_server(faults.reset) as bad,
        open_alertmanagers([Endpoint(bad.url), Endpoint(good.url)], limits=QUICK) as alertmanagers,
    ):
        first, second = await alertmanagers.listings(now=NOW)
    assert isinstance(first, Unheard)
    assert first.source == bad.url
    assert isinstance(second, Listing)


async def test_none_configured_give_no_answers() -> None:
    async with open_alertmanagers([]) as alertmanagers:
        assert await alertmanagers.listings(now=NOW) == ()


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=5), st.sampled_from([None, 1]))
def test_however_it_is_spaced_every_alert_is_read(numbers: list[int], indent: int | None) -> None:
    body = json.dumps([alert(number) for number in numbers], indent=indent)
    found = list(listed_alerts(f" \n{body}\n".encode()))
    assert [int(one.fingerprint, 16) for one in found] == numbers


@pytest.mark.parametrize(
    ("uptime", "date", "seconds"),
    [
        ("2026-11-24T17:59:59.500Z", DATE, 0.5),
        ("2026-11-24T19:00:00+01:00", DATE, 0),
        ("2026-11-24T17:00:00Z", "", None),
        ("", DATE, None),
    ],
)
def test_the_uptime_is_by_its_own_clock(uptime: str, date: str, seconds: float | None) -> None:
    found = running(json.dumps({"uptime": uptime}).encode(), date=date)
    assert (None if found is None else found.uptime_seconds) == seconds


async def test_whom_it_works_together_with_is_told() -> None:
    peers = [{"name": "01A", "address": "10.0.0.1:9094"}, {"name": "01B", "address": "x"}]
    found = await listing(playing([], status=STATUS | {"cluster": {"name": "01A", "peers": peers}}))
    assert isinstance(found, Listing)
    assert (found.peer, found.peers) == ("01A", frozenset({"01A", "01B"}))
