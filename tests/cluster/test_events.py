"""Events reach the server in the end, are counted when they repeat, and never disturb anybody."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest

from responder.cluster.api import KubernetesApi
from responder.cluster.event_series import reference
from responder.cluster.events import EventRecorder
from tests.cluster.clocks import Clock
from tests.cluster.faulty_server import (
    Exchange,
    FaultyServer,
    Handler,
    connected,
    faulty_server,
)
from tests.controlplane.eventually import eventually
from tests.controlplane.kube import Kube

DEPLOYMENT = {"kind": "Deployment", "namespace": "mail", "name": "sender", "uid": "u1"}


@dataclass
class Recording:
    recorder: EventRecorder
    server: FaultyServer
    clock: Clock
    pauses: list[float] = field(default_factory=list)

    def record(self, *, note: str = "held", uid: str = "u1") -> None:
        self.recorder.record(
            regarding=DEPLOYMENT | {"uid": uid},
            type="Normal",
            reason="Held",
            action="Hold",
            note=note,
        )

    async def drain(self) -> None:
        await self.recorder.drain(within_seconds=10.0)

    @property
    def sent(self) -> list[tuple[str, int]]:
        """The method and the count of each request."""
        bodies = [(each.method, json.loads(each.body)) for each in self.server.exchanges]
        return [(method, body.get("series", {}).get("count", 1)) for method, body in bodies]


@contextlib.asynccontextmanager
async def recording(handle: Handler) -> AsyncIterator[Recording]:
    clock = Clock()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with faulty_server(handle) as server, connected(server.url) as connection:
        recorder = EventRecorder(
            KubernetesApi(connection),
            field_manager="me",
            instance="pod-1",
            monotonic=clock,
            pause=pause,
        )
        running = asyncio.create_task(recorder.run())
        try:
            yield Recording(recorder, server, clock, pauses)
        finally:
            running.cancel()
            await asyncio.wait([running])


def answering(*statuses: int) -> Handler:
    """Each in turn; the last one for ever."""
    left = list(statuses)

    async def handle(exchange: Exchange) -> None:
        status = left.pop(0) if len(left) > 1 else left[0]
        reason = {409: "AlreadyExists", 404: "NotFound"}.get(status, "")
        body: Mapping[str, object] = {"kind": "Status", "reason": reason}
        await exchange.respond(status, dict(body))

    return handle


async def test_a_repetition_is_told_at_once_and_further_ones_now_and_then() -> None:
    async with recording(answering(200)) as it:
        it.record()
        await eventually(lambda: it.sent == [("POST", 1)])
        it.record()
        await eventually(lambda: it.sent[1:] == [("PATCH", 2)])
        for _ in range(50):
            it.record()
        it.record(note="another")
        await eventually(lambda: it.sent[2:] == [("POST", 1)])
        it.clock.advance(10)
        it.record(note="wakes it up")
        await eventually(lambda: it.sent[3:] == [("POST", 1), ("PATCH", 52)])
        assert set(json.loads(it.server.exchanges[-1].body)) == {"series"}


async def test_repetitions_before_the_first_is_sent_go_with_it() -> None:
    async with recording(answering(200)) as it:
        for _ in range(3):
            it.record()
        await it.drain()
        assert it.sent == [("POST", 3)]


async def test_draining_sends_what_would_have_waited() -> None:
    async with recording(answering(200)) as it:
        it.record()
        await it.drain()
        it.record()
        await it.drain()
        for _ in range(5):
            it.record()
        it.record(note="another")
        await eventually(lambda: len(it.sent) == 3)
        await it.drain()
        assert it.sent == [("POST", 1), ("PATCH", 2), ("POST", 1), ("PATCH", 7)]


async def test_what_repeats_while_it_is_being_sent_is_counted() -> None:
    release = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await release.wait()
        await exchange.respond(200, {})

    async with recording(slow) as it:
        it.record()
        await eventually(lambda: it.server.exchanges)
        it.record()
        release.set()
        await it.drain()
        assert it.sent == [("POST", 1), ("PATCH", 2)]


async def test_an_unavailable_server_is_tried_again_and_what_came_through_is_not_doubled() -> None:
    async with recording(answering(503, 409)) as it:
        it.record()
        await it.drain()
        names = {json.loads(each.body)["metadata"]["name"] for each in it.server.exchanges}
        assert len(it.server.exchanges) == 2
        assert len(names) == 1
        assert len(it.pauses) == 1
        assert it.recorder.dropped == 0
        it.server.handle = answering(200)
        it.record()
        await it.drain()
        assert it.sent[2:] == [("PATCH", 2)]


async def test_an_event_that_the_server_forgot_is_made_again() -> None:
    async with recording(answering(200, 404, 200)) as it:
        it.record()
        await it.drain()
        it.record()
        await it.drain()
        assert it.sent == [("POST", 1), ("PATCH", 2), ("POST", 2)]
        first, _, second = it.server.exchanges
        names = [json.loads(each.body)["metadata"]["name"] for each in (first, second)]
        assert names[0] != names[1]


@pytest.mark.parametrize("status", [403, 404, 422, 400])
async def test_a_refused_one_is_dropped_and_the_next_one_sent(status: int) -> None:
    async with recording(answering(status, 200)) as it:
        it.record(note="refused")
        it.record(note="taken")
        await it.drain()
        assert it.sent == [("POST", 1), ("POST", 1)]
        assert it.recorder.dropped == 1
        it.record(note="refused")  # may be tried again later
        await it.drain()
        assert it.sent[2:] == [("POST", 2)]


async def test_a_server_that_stays_away_costs_events_and_nothing_else() -> None:
    async with recording(answering(503)) as it:
        it.record()
        await it.drain()
        assert it.recorder.dropped == 1
        assert len(it.server.exchanges) == 5


async def test_recording_never_waits_and_never_grows_without_bound() -> None:
    release = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await release.wait()
        await exchange.respond(200, {})

    async with recording(slow) as it:
        it.record(uid="first")
        await eventually(lambda: it.server.exchanges)
        for number in range(1500):
            it.record(uid=f"u{number}")
        assert it.recorder.dropped == 500
        await it.recorder.drain(within_seconds=0.05)  # gives up in time
        release.set()
        await it.drain()
        assert len(it.server.exchanges) == 1001


async def test_odd_references_are_no_problem() -> None:
    async with recording(answering(200)) as it:
        for regarding in ({}, {"name": None}, {"name": "..."}):
            it.recorder.record(
                regarding=dict(regarding), type="Warning", reason="R", action="A", note=""
            )
        await it.drain()
        assert len(it.server.exchanges) >= 1


async def test_describe_shows_them_on_a_real_server(api: KubernetesApi, kube: Kube) -> None:
    kube.create("v1", "configmaps", {"metadata": {"name": "a"}})
    regarding = reference(kube.get("v1", "configmaps", "a"))
    recorder = EventRecorder(api, field_manager="campaign-responder", instance="pod-1" * 50)
    running = asyncio.create_task(recorder.run())

    def record(note: str, *, reason: str = "Held") -> None:
        recorder.record(
            regarding=regarding, type="Warning", reason=reason, action="Hold", note=note
        )

    record("held by bounces-1")
    record("é" * 2000, reason="R" * 500)
    await recorder.drain(within_seconds=10.0)
    record("held by bounces-1")
    await recorder.drain(within_seconds=10.0)
    record("held by bounces-1")
    record("twice before it was sent")
    record("twice before it was sent")
    await recorder.drain(within_seconds=10.0)
    assert recorder.dropped == 0
    running.cancel()
    await asyncio.wait([running])

    text = kube.kubectl("describe", "configmap", "a")
    held = next(line for line in text.splitlines() if "bounces-1" in line)
    assert "Warning  Held" in held
    assert "(x3 over" in held
    assert "(x2 over" in next(line for line in text.splitlines() if "twice before" in line)
    events = kube.items("events.k8s.io/v1", "events")
    assert {
        event["reportingController"] for event in events if event["regarding"] == regarding
    } == {"campaign-responder.dev/responder"}
