"""Looking for effects: nothing is missed, nothing is asked for ever, nobody waits for the dead."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from responder.evidence.answers import Answer, NoAnswer, Sample
from responder.evidence.loading import load_metrics
from responder.evidence.prometheus import Prometheus
from responder.evidence.questions import Question
from responder.evidence.verdict import Finding, Truth, Unknown, Verdict
from responder.holds.objects import HOLD_KEY, ObjectKey
from responder.incidents.confirmation import Confirmation, Effect, Sight
from responder.incidents.incident import Incident
from responder.incidents.status import Target, TargetState
from responder.playbooks.asks import Ask
from responder.reconcile.looking import Looking
from responder.reconcile.view import IncidentKey, View
from tests.incidents.given import NOW, PAUSE, SCALE, incident, told_at
from tests.reconcile.objects import autoscaler, config_map, deployment

METRICS = load_metrics(Path(__file__).parents[2] / "rules" / "metrics").metrics
DEPLOYMENT = ObjectKey("Deployment", "mail", "email-sender")
CAMPAIGN = ObjectKey("ConfigMap", "mail", "spring-sale")
ZERO = replace(SCALE, limit={"replicas": 0})
HALF = replace(PAUSE, limit={"share": 0.5}, verb="throttle")
KEY = replace(
    PAUSE, control="keys", limit={"key": "state", "order": ["active", "paused"], "value": "paused"}
)
WITHIN = 120.0


class Answering(Prometheus):
    """Says what a test wants to be said, and counts how often it is asked."""

    def __init__(self) -> None:
        self.facts: dict[str, float] | NoAnswer = {}
        self.sent: float | NoAnswer = 0.0
        self.sent_before: float | NoAnswer = 1000.0
        self.asked: list[str] = []
        self._least_seconds = 60.0

    async def query(self, promql: str, *, at: datetime, most_series: int = 0) -> Answer | NoAnswer:
        del at, most_series
        self.asked.append(promql)
        if "fact" not in promql:
            found = self.sent_before
            return found if isinstance(found, NoAnswer) else Answer((Sample({}, found),))
        if isinstance(self.facts, NoAnswer):
            return self.facts
        return Answer(tuple(Sample({"fact": key}, value) for key, value in self.facts.items()))

    async def verdict(
        self, question: Question, *, now: datetime, since: datetime | None = None
    ) -> Verdict:
        del since
        self.asked.append(question.name)
        if isinstance(self.sent, NoAnswer):
            finding = Finding.unknown(self.sent.reason, self.sent.message)
        else:
            finding = Finding(truth=Truth.NO, value=self.sent)
        return Verdict(question=question.name, finding=finding, at=now)


@dataclass
class Desk:
    """A view and somebody who looks, at a time of the test's own."""

    prometheus: Answering | None = field(default_factory=Answering)
    view: View = field(default_factory=View)
    now: datetime = NOW + timedelta(minutes=1)

    def __post_init__(self) -> None:
        self.looking = Looking(
            view=self.view,
            prometheus=self.prometheus,
            attempts=lambda: METRICS,
            pools=(),
            now=lambda: self.now,
            within_seconds=WITHIN,
        )
        self._version = 10

    def hold(self, *plan: Ask, number: int = 1, **changes: Any) -> Incident:  # noqa: ANN401
        """One incident whose plan is written, from its first minute on."""
        targets = tuple(
            Target(
                DEPLOYMENT if ask.target_kind == "Deployment" else CAMPAIGN,
                TargetState.APPLIED,
                f"{ask.target_kind}/{ask.target}",
            )
            for ask in plan
        )
        record = Confirmation("0-0", told_at(0), told_at(1))
        status = {"targets": targets, "confirmation": record, **changes}
        one = incident(
            plan=plan, status=status, uid=f"uid-{number}", name=f"high-bounce-rate-aa-{number}"
        )
        self.view.put_incident(one)
        return one

    def deploy(self, replicas: int = 0, pods: int = 0) -> None:
        self._version += 1
        live = deployment(replicas=replicas, version=self._version)
        live["status"] = {"observedGeneration": 1, "replicas": pods, "terminatingReplicas": 0}
        self.view.put_object("Deployment", live)
        self.looking.note(DEPLOYMENT)

    def autoscale(self, reason: str) -> None:
        self._version += 1
        live = autoscaler(bounds=(1, 1), version=self._version)
        live["status"] = {"conditions": [{"type": "ScalingActive", "reason": reason}]}
        self.view.put_object("HorizontalPodAutoscaler", live)
        self.looking.note(DEPLOYMENT)

    def document(self, told: Mapping[str, Any] | None) -> None:
        self._version += 1
        data = {} if told is None else {HOLD_KEY: json.dumps(told)}
        self.view.put_object(
            "ConfigMap", config_map(campaign="spring-sale", data=data, version=self._version)
        )

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def round(self) -> int:
        due = self.looking.due()
        for key, one in due:
            await self.looking.look(key, one)
        return len(due)

    async def sight(self, one: Incident) -> Sight:
        await self.round()
        (found,) = self.looking.sights(one)
        return found


PAUSED = {"share": 0.0, "incident": "x", "id": "5f1c9a"}
DOWN = NoAnswer(Unknown.DOWN, "no route")


def desk_with(facts: dict[str, float] | None = None, *, sent: float | NoAnswer = 0.0) -> Desk:
    desk = Desk()
    assert desk.prometheus is not None
    desk.prometheus.facts = facts or {}
    desk.prometheus.sent = sent
    desk.document(PAUSED)
    return desk


# -- workloads


def test_a_workload_is_looked_at_in_the_view_and_nobody_is_asked() -> None:
    desk = Desk(prometheus=None)
    one = desk.hold(SCALE)
    desk.deploy(2, pods=5)
    (found,) = desk.looking.sights(one)
    assert found == Sight(
        "Deployment/email-sender", Effect.DENIED, "5 pod(s) are left, and 2 may be"
    )
    desk.deploy(2, pods=2)
    assert desk.looking.sights(one)[0].effect is Effect.SEEN


def test_a_raise_that_is_undone_between_two_looks_begins_the_time_at_zero_anew() -> None:
    desk = Desk(prometheus=None)
    one = desk.hold(ZERO)
    desk.autoscale("ValidMetricFound")
    desk.deploy()
    assert desk.looking.sights(one)[0].effect is Effect.UNKNOWN
    desk.passes(20)
    desk.deploy(1)
    desk.deploy(0)
    desk.passes(20)
    assert desk.looking.sights(one)[0].effect is Effect.UNKNOWN
    desk.passes(10)
    assert desk.looking.sights(one)[0].effect is Effect.SEEN


def test_the_word_of_an_autoscaler_counts_if_it_comes_after_the_zero() -> None:
    desk = Desk(prometheus=None)
    one = desk.hold(ZERO)
    desk.autoscale("ValidMetricFound")
    desk.deploy()
    assert desk.looking.sights(one)[0].effect is Effect.UNKNOWN
    desk.passes(1)
    desk.autoscale("ScalingDisabled")
    assert desk.looking.sights(one)[0].effect is Effect.SEEN


def test_holds_of_several_limits_on_one_workload_are_told_apart() -> None:
    desk = Desk(prometheus=None)
    mild, strict = desk.hold(SCALE), desk.hold(ZERO, number=2)
    desk.deploy(2, pods=2)
    assert desk.looking.sights(mild)[0].effect is Effect.SEEN
    assert desk.looking.sights(strict)[0].effect is Effect.DENIED


def test_what_is_not_written_is_not_looked_at() -> None:
    desk = Desk()
    one = desk.hold(PAUSE)
    refused = replace(one.status.targets[0], state=TargetState.NOT_ALLOWED)
    one = replace(one, status=replace(one.status, targets=(refused,)))
    assert desk.looking.sights(one) == ()


# -- senders


@pytest.mark.parametrize(
    ("facts", "sent", "effect", "message"),
    [
        pytest.param(
            {"observed": 2},
            5000,
            Effect.SEEN,
            "all 2 exporter(s) say that they keep to 5f1c9a",
            id="all say that they keep to it, whatever is under way",
        ),
        pytest.param(
            {"observed": 1, "blind": 1},
            5000,
            Effect.UNKNOWN,
            "attempts have not been seen to fall to it",
            id="one doesn't say so, and sends: not yet the deadline",
        ),
        pytest.param({}, 0, Effect.SEEN, "nothing is sent any more", id="attempts end"),
        pytest.param(
            {"silent": 1},
            0,
            Effect.UNKNOWN,
            "1 exporter(s) of its senders can't be scraped",
            id="attempts end because one can't be scraped",
        ),
        pytest.param(
            {"observed": 1, "silent": 1},
            0,
            Effect.UNKNOWN,
            "1 exporter(s) of its senders can't be scraped",
            id="the other one says so",
        ),
        pytest.param(
            {},
            NoAnswer(Unknown.NO_DATA, "gives no series"),
            Effect.UNKNOWN,
            "NoData: gives no series",
            id="nobody counts",
        ),
    ],
)
async def test_the_mildest_evidence_that_suffices(
    facts: dict[str, float], sent: float | NoAnswer, effect: Effect, message: str
) -> None:
    desk = desk_with(facts, sent=sent)
    assert await desk.sight(desk.hold(PAUSE)) == Sight("campaign/spring-sale", effect, message)


async def test_only_what_is_sent_after_the_deadline_denies_a_pause() -> None:
    """The window is of 60 s: at 120 s after the write it begins where the sender had time still."""
    desk = desk_with(sent=5000)
    one = desk.hold(PAUSE)
    desk.passes(WITHIN + 59)
    assert (await desk.sight(one)).effect is Effect.UNKNOWN
    desk.passes(1)
    assert await desk.sight(one) == Sight(
        "campaign/spring-sale", Effect.DENIED, "mail is still sent"
    )
    assert desk.prometheus is not None
    desk.prometheus.sent = 0.0
    desk.passes(60)
    assert (await desk.sight(one)).effect is Effect.SEEN


async def test_a_plain_key_is_confirmed_by_attempts_that_end_and_denied_by_none() -> None:
    desk = desk_with(sent=5000)
    one = desk.hold(KEY)
    desk.passes(3600)
    assert (await desk.sight(one)).effect is Effect.UNKNOWN
    assert desk.prometheus is not None
    desk.prometheus.sent = 0.0
    desk.passes(1000)
    assert (await desk.sight(one)).effect is Effect.SEEN


@pytest.mark.parametrize(
    ("sent", "effect"), [(500, Effect.SEEN), (700, Effect.UNKNOWN), (1000, Effect.DENIED)]
)
async def test_a_share_is_compared_with_what_was_sent_before(sent: float, effect: Effect) -> None:
    desk = desk_with(sent=sent)
    desk.document({**PAUSED, "share": 0.5})
    one = desk.hold(HALF)
    desk.passes(300)
    assert (await desk.sight(one)).effect is effect


async def test_where_another_incident_holds_it_too_nobody_knows_the_rate_before() -> None:
    desk = desk_with(sent=1000)
    one = desk.hold(HALF)
    desk.hold(PAUSE, number=2)
    desk.passes(300)
    assert (await desk.sight(one)).effect is Effect.UNKNOWN


@pytest.mark.parametrize("told", [None, {**PAUSED, "share": 0.5}], ids=["gone", "looser"])
async def test_a_document_that_does_not_stand_confirms_nothing(told: dict[str, Any] | None) -> None:
    desk = desk_with({"observed": 1})
    desk.document(told)
    found = await desk.sight(desk.hold(PAUSE))
    assert (found.effect, found.message) == (
        Effect.UNKNOWN,
        "it does not stand where it was written",
    )


@pytest.mark.parametrize("id_", ['x"} or vector(1)', "", 7, None, "5f1c9a0"])
async def test_an_id_that_is_none_of_ours_is_asked_for_by_nobody(id_: object) -> None:
    desk = desk_with()
    desk.document({**PAUSED, "id": id_})
    await desk.sight(desk.hold(PAUSE))
    assert desk.prometheus is not None
    assert 'id="none"' in desk.prometheus.asked[0]


async def test_without_prometheus_it_is_unknown() -> None:
    desk = Desk(prometheus=None)
    desk.document(PAUSED)
    found = await desk.sight(desk.hold(PAUSE))
    assert (found.effect, found.message) == (Effect.UNKNOWN, "no Prometheus is configured")


# -- how often


async def test_what_was_seen_is_not_asked_for_again_while_the_rest_is_waited_for() -> None:
    desk = desk_with({"observed": 1})
    desk.deploy(2, pods=5)
    one = desk.hold(PAUSE, SCALE)
    await desk.round()
    assert desk.prometheus is not None
    asked = len(desk.prometheus.asked)
    desk.prometheus.facts = DOWN
    assert await desk.round() == 1
    assert len(desk.prometheus.asked) == asked
    assert desk.looking.sights(one)[0].effect is Effect.SEEN


async def test_one_that_is_confirmed_is_not_looked_at_any_more() -> None:
    desk = desk_with({"observed": 1})
    record = Confirmation("0-0", told_at(0), told_at(1), told_at(1))
    desk.hold(PAUSE, confirmation=record)
    assert await desk.round() == 0
    assert desk.prometheus is not None
    assert not desk.prometheus.asked


async def test_a_prometheus_that_is_down_is_asked_once_in_a_round() -> None:
    """Each look would wait for its time-outs, and the questions of everybody else behind it."""
    desk = desk_with()
    assert desk.prometheus is not None
    desk.prometheus.facts = DOWN
    incidents = [desk.hold(PAUSE, number=number) for number in range(1, 51)]
    assert await desk.round() == 50
    assert len(desk.prometheus.asked) == 1
    assert {desk.looking.sights(one)[0].effect for one in incidents} == {Effect.UNKNOWN}
    desk.prometheus.facts = {"observed": 1}
    await desk.round()
    assert {desk.looking.sights(one)[0].effect for one in incidents} == {Effect.SEEN}


async def test_ten_thousand_that_nobody_can_confirm_are_a_few_looks_in_a_round() -> None:
    desk = desk_with(sent=NoAnswer(Unknown.NO_DATA, "gives no series"))
    for number in range(1, 1001):
        desk.hold(PAUSE, number=number)
    desk.passes(24 * 3600)
    rounds = []
    for _ in range(120):
        desk.passes(15)
        rounds.append(await desk.round())
    # In half an hour each is looked at twice or three times, not 120 times.
    assert sum(rounds) <= 3 * 1000


async def test_a_new_turn_is_looked_for_anew() -> None:
    desk = desk_with({"observed": 1})
    one = desk.hold(PAUSE)
    assert (await desk.sight(one)).effect is Effect.SEEN
    again = replace(
        one,
        resource_version="8",
        status=replace(
            one.status,
            ramp=replace(one.status.ramp, relapses=1),
            confirmation=Confirmation("1-0", told_at(5), told_at(5)),
        ),
    )
    desk.view.put_incident(again)
    assert desk.looking.sights(again)[0].effect is Effect.UNKNOWN
    assert desk.prometheus is not None
    desk.prometheus.facts = {}
    desk.prometheus.sent = 5.0
    assert (await desk.sight(again)).effect is Effect.UNKNOWN


async def test_what_is_gone_is_forgotten() -> None:
    desk = desk_with({"observed": 1})
    one = desk.hold(PAUSE, SCALE)
    desk.deploy(2)
    await desk.round()
    desk.looking.sights(one)
    desk.view.drop_incident(IncidentKey(one.namespace, one.name))
    assert await desk.round() == 0
    assert not desk.looking._known
    assert not desk.looking._quiet


async def test_what_was_seen_is_not_that_of_the_next_incident_of_the_same_name() -> None:
    """Nor of a later turn of its own, e.g. after the responder was disarmed and armed again."""
    desk = Desk()
    desk.document({"share": 0.0, "id": "5f1c9a"})
    one = desk.hold(PAUSE)
    desk.passes(600)
    before = await desk.sight(one)
    assert before.message != "nobody has looked yet"
    for changes in ({"uid": "uid-2"}, {}):
        record = Confirmation("0-0", told_at(8 if not changes else 0), told_at(9))
        status = dataclasses.replace(one.status, confirmation=record)
        other = dataclasses.replace(one, status=status, **changes)  # type: ignore[arg-type]
        (found,) = desk.looking.sights(other)
        assert found.message == "nobody has looked yet"
