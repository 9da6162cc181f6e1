"""Asking again and again: an answer is about one incident, one question and one time."""

import asyncio
import dataclasses
from dataclasses import dataclass, field
from datetime import datetime

from responder.evidence.prometheus import Prometheus
from responder.evidence.questions import Question
from responder.evidence.verdict import Finding, Truth, Unknown, Verdict
from responder.incidents.evidence import CHECK
from responder.incidents.incident import Incident
from responder.incidents.status import Phase
from responder.incidents.status import Truth as Told
from responder.metrics import Metrics
from responder.playbooks.queries import Query
from responder.reconcile.asking import Asking
from responder.reconcile.looking import Looking
from responder.reconcile.view import IncidentKey, View
from tests.incidents.given import CHECKED, NOW, cooling

QUERY = Query.parse("vector(1)").bind({})
QUESTION = Question(name="query", measure="value", events=QUERY)
RESUME = dataclasses.replace(CHECKED, steps=(), volume=None, check=QUESTION.to_json())


@dataclass
class Played(Prometheus):
    """Says one thing to every question, once `opened`."""

    says: Finding = field(default_factory=lambda: Finding(truth=Truth.YES, message="1"))
    asked: int = 0
    slow: set[int] = field(default_factory=set)
    """Which questions, by their turn, it lets wait for too long."""
    slow_says: Finding = field(default_factory=lambda: Finding.unknown(Unknown.TIMED_OUT, "slow"))
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.opened.set()

    async def verdict(
        self, question: Question, *, now: datetime, since: datetime | None = None
    ) -> Verdict:
        del since
        self.asked += 1
        self.is_asked.set()
        says = self.slow_says if self.asked in self.slow else self.says
        await self.opened.wait()
        return Verdict(question=question.name, finding=says, at=now)


@dataclass
class Desk:
    """A view, and somebody who asks."""

    prometheus: Played = field(default_factory=Played)
    view: View = field(default_factory=View)
    heard: list[IncidentKey] = field(default_factory=list)

    def __post_init__(self) -> None:
        looking = Looking(view=self.view, prometheus=None, attempts=dict, pools=(), now=lambda: NOW)
        self.asking = Asking(
            view=self.view,
            prometheus=self.prometheus,
            metrics=Metrics(),
            now=lambda: NOW,
            on_answer=self.heard.append,
            interval_seconds=15,
            looking=looking,
        )

    def has(self, number: int, *, version: int = 7, name: int = 1, **changes: object) -> Incident:
        one = dataclasses.replace(
            cooling(resume=RESUME),
            uid=f"uid-{number}",
            name=f"high-bounce-rate-{name:016x}-1",
            resource_version=str(version),
            **changes,  # type: ignore[arg-type]
        )
        self.view.put_incident(one)
        return one

    def truth(self, of: Incident) -> Told | None:
        found = self.asking.answers(of).get(CHECK)
        return None if found is None else found.truth


async def test_an_answer_is_not_that_of_the_next_incident_of_the_same_name() -> None:
    desk = Desk()
    first = desk.has(1)
    await desk.asking.round()
    assert desk.truth(first) is Told.YES
    desk.view.drop_incident(IncidentKey(first.namespace, first.name))
    second = desk.has(2, version=9)
    assert desk.truth(second) is None
    desk.prometheus.says = Finding.unknown(Unknown.NO_DATA, "no series")
    await desk.asking.round()
    assert (desk.truth(second), desk.truth(first)) == (Told.UNKNOWN, None)


async def test_an_answer_that_comes_late_is_that_of_whom_it_was_asked_for() -> None:
    desk = Desk()
    first = desk.has(1)
    desk.prometheus.opened.clear()
    running = asyncio.create_task(desk.asking.round())
    await desk.prometheus.is_asked.wait()
    desk.view.drop_incident(IncidentKey(first.namespace, first.name))
    second = desk.has(2, version=9)
    desk.prometheus.opened.set()
    await running
    assert desk.truth(second) is None


async def test_what_is_asked_no_more_is_forgotten() -> None:
    """What was so before an alert fired again says nothing of the time after it."""
    desk = Desk()
    cools = desk.has(1)
    await desk.asking.round()
    status = dataclasses.replace(cools.status, phase=Phase.HOLDING)
    desk.has(1, version=8, status=status)
    await desk.asking.round()
    again = desk.has(1, version=9)
    assert desk.truth(again) is None


async def test_of_a_prometheus_that_is_down_not_everybody_waits_for_its_own_silence() -> None:
    desk = Desk()
    found = [desk.has(number, name=number) for number in range(1, 101)]
    await desk.asking.round()
    desk.prometheus.says, desk.prometheus.asked = Finding.unknown(Unknown.TIMED_OUT, "slow"), 0
    await desk.asking.round()
    assert {desk.truth(one) for one in found} == {Told.UNKNOWN}
    assert {desk.asking.answers(one)[CHECK].reason for one in found} == {"TimedOut"}
    assert desk.prometheus.asked < 20
    desk.prometheus.says = Finding(truth=Truth.YES, message="1")
    await desk.asking.round()
    assert {desk.truth(one) for one in found} == {Told.YES}


async def test_a_few_slow_questions_keep_no_others_from_being_asked_for_ever() -> None:
    """They may be the first ones of every round."""
    desk = Desk()
    found = [desk.has(number, name=number) for number in range(1, 31)]
    desk.prometheus.slow = set(range(1, 9))
    await desk.asking.round()
    assert desk.truth(found[-1]) is Told.UNKNOWN
    desk.prometheus.slow = set(range(23 + 8, 39))
    await desk.asking.round()
    assert desk.truth(found[-1]) is Told.YES
