"""One destination: what happens together is told together, tried again, bounded, not for ever."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from responder.metrics import Metrics
from responder.notices.couriers import Answer, Outcome
from responder.notices.destinations import Address, Destination
from responder.notices.outbox import MOST_PENDING, MOST_SINGLY, Outbox, Pace
from responder.notices.samples import sample_notice

QUICK = Pace(
    gather_seconds=0.0, every_seconds=0.0, first_retry_seconds=0.001, longest_retry_seconds=0.002
)
Told = tuple[str, Mapping[str, Any]]


@dataclasses.dataclass
class Place:
    """Where messages arrive, or don't, by the answers given beforehand."""

    answers: list[Outcome] = dataclasses.field(default_factory=list)
    arrived: list[Told] = dataclasses.field(default_factory=list)
    tried: "asyncio.Queue[Told]" = dataclasses.field(default_factory=asyncio.Queue)
    seconds: float = 1_000.0

    async def deliver(self, template: str, facts: Mapping[str, Any]) -> Answer:
        outcome = self.answers.pop(0) if self.answers else Outcome.SENT
        if outcome is Outcome.SENT:
            self.arrived.append((template, facts))
        self.tried.put_nowait((template, facts))
        return Answer(outcome, why="" if outcome is Outcome.SENT else "no")

    def clock(self) -> float:
        return self.seconds

    @property
    def names(self) -> list[str]:
        return [facts.get("name", f"digest of {facts.get('count')}") for _, facts in self.arrived]


def outbox(place: Place, *, metrics: Metrics | None = None, pace: Pace = QUICK) -> Outbox:
    address = Address("json://127.0.0.1/x")
    return Outbox(
        Destination(name="on-call", url=address),
        place.deliver,
        metrics=metrics or Metrics(),
        pace=pace,
        namespace="mail",
        clock=place.clock,
    )


def facts(number: int, *, moment: str = "held", playbook: str = "storm") -> dict[str, Any]:
    return sample_notice()[0] | {"name": f"n-{number}", "moment": moment, "playbook": playbook}


@asynccontextmanager
async def running(box: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(box.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def value(metrics: Metrics, name: str, **labels: str) -> float:
    found = metrics.registry.get_sample_value(
        f"responder_{name}", {"destination": "on-call", **labels}
    )
    return found or 0.0


async def test_one_is_told_by_itself_and_none_is_told_twice() -> None:
    place, metrics = Place(), Metrics()
    box = outbox(place, metrics=metrics)
    async with running(box):
        box.put(facts(1))
        await place.tried.get()
        box.put(facts(2))
        await place.tried.get()
    assert place.names == ["n-1", "n-2"]
    assert box.waiting == 0
    assert value(metrics, "notices_sent_total") == 2
    assert value(metrics, "notice_seconds_count") == 2


async def test_a_few_are_told_singly_and_more_in_one() -> None:
    place = Place()
    box = outbox(place)
    for number in range(MOST_SINGLY):
        box.put(facts(number))
    assert await box.flush()
    for number in range(MOST_SINGLY + 1):
        box.put(facts(number))
    assert await box.flush()
    assert place.names == ["n-0", "n-1", "n-2", "digest of 4"]


async def test_a_storm_is_one_message_that_counts_them_all_and_keeps_a_bounded_number() -> None:
    place = Place()
    box = outbox(place)
    for number in range(5_000):
        box.put(facts(number, moment="not-held" if number == 4_999 else "held"))
    assert box.waiting == 5_000
    assert len(box._pending) == MOST_PENDING
    assert await box.flush()
    ((template, digest),) = place.arrived
    assert template == "digest"
    assert digest["count"] == 5_000
    assert [(each["moment"], each["total"]) for each in digest["groups"]] == [
        ("not-held", 1),
        ("held", 4_999),
    ]
    assert box.waiting == 0


async def test_kinds_beyond_those_that_are_counted_are_dropped_and_that_is_counted() -> None:
    place, metrics = Place(), Metrics()
    box = outbox(place, metrics=metrics)
    for number in range(MOST_PENDING + 1_500):
        box.put(facts(number, playbook=f"p-{number}"))
    assert box.waiting == MOST_PENDING + 1_000
    assert value(metrics, "notices_dropped_total") == 500


async def test_what_comes_in_during_a_delivery_is_told_next() -> None:
    place = Place()
    box = outbox(place)

    async def and_another(template: str, told: Mapping[str, Any]) -> Answer:
        if not place.arrived:
            box.put(facts(99))
        return await place.deliver(template, told)

    box.change(box.destination, and_another, every_seconds=0.0)
    for number in range(MOST_SINGLY + 1):
        box.put(facts(number))
    async with running(box):
        await place.tried.get()
        await place.tried.get()
    assert place.names == ["digest of 4", "n-99"]


async def test_what_fails_is_tried_again_until_it_arrives_and_the_others_go_first() -> None:
    place, metrics = Place([Outcome.REFUSED, Outcome.TIMED_OUT]), Metrics()
    box = outbox(place, metrics=metrics)
    box.put(facts(1))
    box.put(facts(2))
    async with running(box):
        for _ in range(4):
            await place.tried.get()
    assert place.names == ["n-1", "n-2"]
    assert value(metrics, "notices_failed_total", outcome="refused") == 1
    assert value(metrics, "notices_failed_total", outcome="timed-out") == 1
    assert value(metrics, "notices_dropped_total") == 0


async def test_one_that_is_never_taken_does_not_keep_the_others_back() -> None:
    place = Place()
    box = outbox(place)

    async def refuses_one(template: str, told: Mapping[str, Any]) -> Answer:
        if told["name"] == "n-1":
            return Answer(Outcome.REFUSED)
        return await place.deliver(template, told)

    box.change(box.destination, refuses_one, every_seconds=0.0)
    box.put(facts(1))
    box.put(facts(2))
    assert not await box.flush()
    assert not await box.flush()
    assert place.names == ["n-2"]
    assert box.waiting == 1


async def test_a_digest_that_fails_is_told_with_what_came_in_since() -> None:
    place = Place([Outcome.REFUSED])
    box = outbox(place)
    for number in range(500):
        box.put(facts(number))
    assert not await box.flush()
    for number in range(500, 600):
        box.put(facts(number))
    assert await box.flush()
    assert place.names == ["digest of 600"]


async def test_after_an_hour_it_is_news_no_more_and_that_is_counted() -> None:
    place, metrics = Place([Outcome.REFUSED] * 2), Metrics()
    box = outbox(place, metrics=metrics)
    for number in range(MOST_PENDING + 50):
        box.put(facts(number))
    assert not await box.flush()
    place.seconds += QUICK.give_up_seconds / 2
    box.put(facts(900, moment="closed"))
    assert not await box.flush()
    place.seconds += QUICK.give_up_seconds / 2
    assert await box.flush()
    assert place.names == []
    assert value(metrics, "notices_dropped_total") == MOST_PENDING + 51


async def test_what_came_late_outlives_what_came_first() -> None:
    place = Place([Outcome.REFUSED])
    box = outbox(place)
    box.put(facts(1))
    assert not await box.flush()
    place.seconds += QUICK.give_up_seconds - 1
    box.put(facts(2))
    place.seconds += 1
    assert await box.flush()
    assert place.names == ["n-2"]


async def test_an_interruption_loses_nothing() -> None:
    place = Place()
    box = outbox(place)
    reached = asyncio.Event()

    async def hangs(_template: str, _facts: Mapping[str, Any]) -> Answer:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    for number in range(MOST_PENDING + 7):
        box.put(facts(number))
    box.change(box.destination, hangs, every_seconds=0.0)
    async with running(box):
        await reached.wait()
        box.put(facts(999))
    box.change(box.destination, place.deliver, every_seconds=0.0)
    assert await box.flush()
    assert place.names == [f"digest of {MOST_PENDING + 8}"]


async def test_between_two_deliveries_the_time_that_was_asked_for_passes() -> None:
    place = Place()
    box = outbox(place, pace=dataclasses.replace(QUICK, every_seconds=3_600.0))
    async with running(box):
        box.put(facts(1))
        await place.tried.get()
        for number in range(2, 500):
            box.put(facts(number))
        for _ in range(100):
            await asyncio.sleep(0)
        assert place.names == ["n-1"]
        assert box.waiting == 498


def test_drops_are_counted_from_none_on() -> None:
    """Of a series that begins with its first drops Prometheus sees no increase."""
    metrics = Metrics()
    outbox(Place(), metrics=metrics)
    labels = {"destination": "on-call"}
    assert metrics.registry.get_sample_value("responder_notices_dropped_total", labels) == 0
