import asyncio
import contextlib
import datetime as dt
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from responder.alerts.notification import read_alertmanager
from responder.sandbox.alerting.grouping import Groups, Routing
from responder.sandbox.alerting.notifier import Notifier, Webhook
from responder.sandbox.alerting.samples import labels_of
from responder.sandbox.alerting.webhook import SentAlert, rfc3339
from tests.controlplane.eventually import eventually
from tests.controlplane.go_build import GoMissingError
from tests.controlplane.real_alertmanager import Alertmanager, webhook_configuration
from tests.sandbox.alerting.receiver import Receiver, served

SECOND = 1_000_000_000
ROUTING = Routing(group_wait_seconds=10, group_interval_seconds=60, repeat_interval_seconds=600)
FAST = Routing(group_wait_seconds=0.1, group_interval_seconds=0.3)


def alert(pod: str, *, campaign: str = "sale", ends: int | None = None) -> SentAlert:
    labels = labels_of({"alertname": "High", "campaign": campaign, "pod": pod})
    return SentAlert(labels, {"summary": f"of {campaign}"}, starts_at_ns=0, ends_at_ns=ends)


@contextlib.asynccontextmanager
async def notifying(receiver: Receiver) -> AsyncIterator[tuple[Notifier, str]]:
    """A notifier that runs, with the address of its API."""
    async with served(receiver.routes()) as address:
        notifier = Notifier(Webhook(f"http://{address}/hook", token="secret"), routing=FAST)
        loop = asyncio.create_task(notifier.run())
        try:
            async with served(notifier.routes()) as api:
                yield notifier, f"http://{api}/api/v2/alerts"
        finally:
            loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loop


def test_a_group_waits_then_tells_news_at_its_interval_and_repeats() -> None:
    groups = Groups(ROUTING)
    told: list[tuple[int, int]] = []
    for second in range(800):
        now = second * SECOND
        if second in {0, 20}:
            groups.add(alert("a" if second == 0 else "b"), now_ns=now)
        for flush in groups.due(now_ns=now):
            told.append((second, len(flush.alerts)))
            groups.told(flush, arrived=True)
    assert told == [(10, 1), (70, 2), (670, 2)]


def test_what_did_not_arrive_is_told_again_at_the_next_interval() -> None:
    groups = Groups(ROUTING)
    groups.add(alert("a"), now_ns=0)
    (flush,) = groups.due(now_ns=10 * SECOND)
    assert groups.due(now_ns=75 * SECOND) == []  # while it is being told, nothing else is
    groups.told(flush, arrived=False)
    assert len(groups.due(now_ns=75 * SECOND)) == 1


def test_a_resolve_is_told_once_and_then_forgotten() -> None:
    groups = Groups(ROUTING)
    groups.add(alert("a"), now_ns=0)
    groups.told(groups.due(now_ns=10 * SECOND)[0], arrived=True)
    groups.add(alert("a", ends=20 * SECOND), now_ns=20 * SECOND)
    (flush,) = groups.due(now_ns=70 * SECOND)
    assert flush.alerts[0].is_resolved(flush.at_ns)
    groups.told(flush, arrived=True)
    assert groups.next_due_ns is None
    assert list(groups.open_alerts(now_ns=71 * SECOND)) == []


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "1970-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.000000001Z"),
     (1_500_000_000_120_000_000, "2017-07-14T02:40:00.12Z")],
)  # fmt: skip
def test_times_are_written_as_go_does(nanoseconds: int, text: str) -> None:
    assert rfc3339(nanoseconds) == text


async def test_firing_and_resolved_arrive_and_5xx_is_tried_again() -> None:
    receiver = Receiver(503, 500)
    async with notifying(receiver) as (notifier, _):
        notifier.take([alert("a"), alert("b")])
        await eventually(lambda: len(receiver.bodies) == 3)
        assert receiver.bodies[0] == receiver.bodies[2]
        assert receiver.headers[2]["Authorization"] == "Bearer secret"
        reading = read_alertmanager(json.dumps(receiver.bodies[2]).encode())
        assert [one.labels["pod"] for one in reading.notification.alerts] == ["a", "b"]
        notifier.take([alert("a", ends=time.time_ns())])
        await eventually(lambda: len(receiver.bodies) == 4)
        assert [one["status"] for one in receiver.bodies[3]["alerts"]] == ["resolved", "firing"]


async def test_alerts_are_taken_and_listed_over_http() -> None:
    async with notifying(Receiver()) as (_, api), aiohttp.ClientSession() as session:
        posted = [{"labels": {"alertname": "High"}, "startsAt": "2026-01-02T03:04:05.123456789Z"}]
        async with session.post(api, json=posted) as answer:
            assert answer.status == 200
        async with session.get(api) as answer:
            (listed,) = await answer.json()
        assert listed["startsAt"] == "2026-01-02T03:04:05.123456789Z"
        assert listed["labels"] == {"alertname": "High"}
        async with session.post(api, json=[{"labels": {}}]) as answer:
            assert answer.status == 400


async def test_a_real_alertmanager_says_the_same(tmp_path: Path) -> None:
    theirs, ours = Receiver(), Receiver()
    async with served(theirs.routes()) as address, notifying(ours) as (_, api):
        settings = webhook_configuration(
            f"http://{address}/hook", group_by=("alertname", "campaign"), group_wait="500ms"
        )
        # A group doesn't wait for its second alert once the first began longer ago than it waits.
        starts_at = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
        try:
            real = Alertmanager.start(settings, logs=tmp_path)
        except GoMissingError as error:
            pytest.skip(str(error))
        try:
            posted = [
                {
                    "labels": {"alertname": "High", "campaign": name, "pod": pod, "x": 'ü"\\'},
                    "annotations": {"summary": "s", "pod": pod},
                    "startsAt": starts_at.isoformat(timespec="microseconds"),
                    "generatorURL": "http://prometheus.invalid/graph",
                }
                for name, pod in (("sale", "a"), ("sale", "b"), ('q"uo\\te', "a"))
            ]
            async with aiohttp.ClientSession() as session:
                for url in (f"{real.url}/api/v2/alerts", api):
                    async with session.post(url, json=posted) as answer:
                        assert answer.status == 200
            await eventually(lambda: len(theirs.bodies) >= 2 and len(ours.bodies) >= 2)
        finally:
            real.stop()
    assert _comparable(theirs) == _comparable(ours)


def _comparable(receiver: Receiver) -> list[dict[str, object]]:
    left_out = {"externalURL", "notification_reason", "routeLabels"}
    told = [
        {
            key: sorted(value, key=lambda one: str(one["fingerprint"]))
            if key == "alerts"
            else value
            for key, value in body.items()
            if key not in left_out
        }
        for body in receiver.bodies[:2]
    ]
    return sorted(told, key=lambda body: str(body["groupKey"]))
