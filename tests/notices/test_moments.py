"""The moments are those of a difference: all of them, each once, and none of no difference."""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.incidents.incident import Incident
from responder.incidents.status import MOST_TIMELINE, Entry, Outcome, Phase, TargetState
from responder.notices.moments import Moment, moments
from tests.incidents.given import told_at
from tests.notices.lives import (
    decided,
    ended,
    fresh,
    holding,
    letting_go,
    standing,
    targets,
    with_condition,
)

APPLIED, DENIED = TargetState.APPLIED, TargetState.DENIED
PENDING, ALTERED = TargetState.PENDING, TargetState.ALTERED
LATER, PROPOSED = Phase.RAMPING, Phase.PROPOSED
ASKED = decided(fresh(mode="approve"), PROPOSED, "WaitsForApproval")
GIVEN_BACK = targets(TargetState.GIVEN_BACK, TargetState.GIVEN_BACK)
STOOD_DOWN = decided(standing(holding(), *GIVEN_BACK, minutes=2), PROPOSED, "Disarmed", minutes=3)

TABLE: dict[str, tuple[Incident, Incident, tuple[Moment, ...]]] = {
    "held at once": (fresh(), holding(), (Moment.HELD,)),
    "not yet written": (
        fresh(),
        decided(fresh(), Phase.HOLDING, "AlertFiring"),
        (),
    ),
    "one is still to come": (fresh(), holding(*targets(APPLIED, PENDING)), ()),
    "the last one comes": (
        holding(*targets(APPLIED, PENDING)),
        standing(holding(*targets(APPLIED, PENDING)), *targets(APPLIED, APPLIED)),
        (Moment.HELD,),
    ),
    "partly": (fresh(), holding(*targets(APPLIED, DENIED)), (Moment.PARTLY_HELD,)),
    "not at all": (fresh(), holding(*targets(DENIED, DENIED)), (Moment.NOT_HELD,)),
    "one is refused by its playbook": (
        fresh(),
        holding(refusals=({"verb": "scale", "reason": "MissingLabel", "message": "no label"},)),
        (Moment.PARTLY_HELD,),
    ),
    "then all of it": (
        holding(*targets(APPLIED, DENIED)),
        standing(holding(*targets(APPLIED, DENIED)), *targets(APPLIED, APPLIED)),
        (Moment.HELD,),
    ),
    "one is lost": (
        holding(),
        standing(holding(), *targets(APPLIED, DENIED)),
        (Moment.PARTLY_HELD,),
    ),
    "an outage begins": (holding(), standing(holding(), *targets(APPLIED, PENDING)), ()),
    "an outage ends": (
        standing(holding(), *targets(APPLIED, PENDING)),
        standing(standing(holding(), *targets(APPLIED, PENDING)), *targets(APPLIED, APPLIED)),
        (),
    ),
    "altered is told by its cause alone": (
        holding(),
        standing(holding(), *targets(APPLIED, ALTERED)),
        (Moment.ALTERED,),
    ),
    "needs approval": (
        fresh(mode="approve"),
        decided(fresh(mode="approve"), PROPOSED, "WaitsForApproval"),
        (Moment.NEEDS_APPROVAL,),
    ),
    "a proposal is on its way out": (ASKED, letting_go(decided(ASKED, PROPOSED, "Rejected")), ()),
    "rejected": (
        letting_go(decided(ASKED, PROPOSED, "Rejected")),
        ended(letting_go(decided(ASKED, PROPOSED, "Rejected")), Outcome.REJECTED),
        (Moment.REJECTED,),
    ),
    "expired": (ASKED, ended(ASKED, Outcome.EXPIRED), (Moment.EXPIRED,)),
    "its alerts resolve before it is approved": (
        ASKED,
        letting_go(decided(ASKED, PROPOSED, "AlertsResolved", minutes=2)),
        (),
    ),
    "disarmed": (fresh(), decided(fresh(), PROPOSED, "Disarmed"), (Moment.DISARMED,)),
    "disarmed, and what was held is given back": (
        holding(),
        letting_go(decided(holding(), Phase.HOLDING, "Disarmed", minutes=2)),
        (),
    ),
    "armed again, not yet written": (
        STOOD_DOWN,
        decided(standing(STOOD_DOWN), Phase.HOLDING, "ArmedAgain", minutes=4),
        (),
    ),
    "armed again, and held again": (
        decided(standing(STOOD_DOWN), Phase.HOLDING, "ArmedAgain", minutes=4),
        standing(
            decided(standing(STOOD_DOWN), Phase.HOLDING, "ArmedAgain", minutes=4),
            *targets(APPLIED, APPLIED),
        ),
        (Moment.HELD,),
    ),
    "acknowledged": (
        holding(kind="manual"),
        decided(holding(kind="manual"), Phase.COOLING, "Acknowledged"),
        (Moment.COOLING,),
    ),
    "waits for evidence, which is nobody's to do": (
        holding(),
        decided(holding(), Phase.COOLING, "WaitsForEvidence"),
        (),
    ),
    "nobody decided": (
        ASKED,
        decided(ASKED, Phase.HOLDING, "NobodyDecided", minutes=2),
        (Moment.NOBODY_DECIDED,),
    ),
    "cools down": (
        holding(),
        decided(holding(), Phase.COOLING, "AlertsResolved"),
        (Moment.COOLING,),
    ),
    "fires again": (
        decided(holding(), Phase.COOLING, "AlertsResolved"),
        decided(
            decided(holding(), Phase.COOLING, "AlertsResolved"),
            Phase.HOLDING,
            "FiringAgain",
            minutes=2,
        ),
        (Moment.RELAPSED,),
    ),
    "waits for a person": (
        holding(),
        decided(holding(), Phase.HOLDING, "WaitsForPerson"),
        (Moment.WAITS,),
    ),
    "waits for an acknowledgement": (
        holding(),
        decided(holding(), Phase.COOLING, "WaitsForAcknowledgement"),
        (Moment.WAITS,),
    ),
    "the second step, for the same reason": (
        decided(holding(), LATER, "StepOpened", message="10%"),
        decided(
            decided(holding(), LATER, "StepOpened", message="10%"),
            LATER,
            "StepOpened",
            message="50%",
            minutes=2,
        ),
        (Moment.STEP,),
    ),
    "relapses": (
        decided(holding(), LATER, "StepOpened"),
        decided(decided(holding(), LATER, "StepOpened"), Phase.HOLDING, "Relapsed", minutes=2),
        (Moment.RELAPSED,),
    ),
    "escalates": (
        holding(),
        decided(holding(), Phase.HOLDING, "Escalated"),
        (Moment.ESCALATED,),
    ),
    "contested": (
        holding(),
        with_condition(holding(), "Contested", "True"),
        (Moment.CONTESTED,),
    ),
    "still contested, while something else happens": (
        with_condition(holding(), "Contested", "True"),
        decided(with_condition(holding(), "Contested", "True"), Phase.HOLDING, "Escalated"),
        (Moment.ESCALATED,),
    ),
    "contested once more": (
        with_condition(holding(), "Contested", "False"),
        with_condition(holding(), "Contested", "True"),
        (Moment.CONTESTED,),
    ),
    "a reason without an entry": (
        holding(),
        dataclasses.replace(
            holding(), status=dataclasses.replace(holding().status, reason="Escalated")
        ),
        (Moment.ESCALATED,),
    ),
    "past review": (
        holding(),
        with_condition(holding(), "PastReview", "True"),
        (Moment.PAST_REVIEW,),
    ),
    "not confirmed within its deadline": (
        holding(),
        with_condition(holding(), "Confirmed", "False", "Overdue"),
        (Moment.NOT_CONFIRMED,),
    ),
    "not confirmed yet": (
        holding(),
        with_condition(holding(), "Confirmed", "False", "Pending"),
        (),
    ),
    "confirmed": (holding(), with_condition(holding(), "Confirmed", "True"), ()),
    "let go": (holding(), letting_go(holding()), ()),
    "given back": (
        letting_go(holding()),
        ended(letting_go(holding()), Outcome.RELEASED),
        (Moment.CLOSED,),
    ),
    "closed already, and recounted": (
        ended(holding(), Outcome.RELEASED),
        dataclasses.replace(
            ended(holding(), Outcome.RELEASED),
            status=dataclasses.replace(ended(holding(), Outcome.RELEASED).status, firing=7),
        ),
        (),
    ),
    "observed": (
        fresh(mode="observe"),
        decided(fresh(mode="observe"), Phase.HOLDING, "Observing"),
        (Moment.OBSERVED,),
    ),
    "several at once, the most pressing first": (
        fresh(),
        with_condition(
            decided(holding(*targets(APPLIED, DENIED)), Phase.HOLDING, "Escalated"),
            "PastReview",
            "True",
        ),
        (Moment.PARTLY_HELD, Moment.ESCALATED, Moment.PAST_REVIEW),
    ),
    "more alerts in it": (
        holding(),
        dataclasses.replace(
            holding(), status=dataclasses.replace(holding().status, firing=9, message="9 alerts")
        ),
        (),
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), TABLE.values(), ids=TABLE)
def test_the_moments_of_a_difference(
    before: Incident, after: Incident, expected: tuple[Moment, ...]
) -> None:
    assert moments(before, after) == expected


def test_the_table_has_every_moment() -> None:
    assert {moment for _, _, expected in TABLE.values() for moment in expected} == set(Moment)


@pytest.mark.parametrize("incident", [after for _, after, _ in TABLE.values()], ids=TABLE)
def test_no_difference_has_no_moment(incident: Incident) -> None:
    """As after a restart, a watch that tells everything again, or a change of `spec`."""
    again = dataclasses.replace(incident, resource_version="8", alerts={})
    assert moments(incident, again) == ()


Step = Callable[[Incident, int], Incident]
REASONS = {
    "StepOpened": Phase.RAMPING,
    "Relapsed": Phase.HOLDING,
    "Escalated": Phase.HOLDING,
    "WaitsForPerson": Phase.HOLDING,
    "AlertsResolved": Phase.COOLING,
    "Unheard": Phase.HOLDING,
}
STATES = st.sampled_from([APPLIED, DENIED, PENDING, ALTERED])
TRUTHS: tuple[Literal["True", "False", "Unknown"], ...] = ("True", "False", "Unknown")


def _decision(reason: str) -> Step:
    return lambda before, at: decided(before, REASONS[reason], reason, minutes=at)


def _look(states: tuple[TargetState, TargetState]) -> Step:
    return lambda before, at: standing(before, *targets(*states), minutes=at)


def _condition(kind: str, status: Literal["True", "False", "Unknown"]) -> Step:
    return lambda before, _at: with_condition(before, kind, status)


STEPS = st.lists(
    st.one_of(
        st.builds(_decision, st.sampled_from(list(REASONS))),
        st.builds(_look, st.tuples(STATES, STATES)),
        st.builds(
            _condition,
            st.sampled_from(["Contested", "PastReview", "Confirmed"]),
            st.sampled_from(TRUTHS),
        ),
    ),
    min_size=1,
    max_size=30,
)
DECISIONS = {
    "StepOpened": Moment.STEP,
    "Relapsed": Moment.RELAPSED,
    "Escalated": Moment.ESCALATED,
    "WaitsForPerson": Moment.WAITS,
    "AlertsResolved": Moment.COOLING,
}


def _versions(steps: list[Step]) -> list[Incident]:
    versions = [fresh()]
    for at, step in enumerate(steps, start=1):
        versions.append(step(versions[-1], at))
    return versions


@given(STEPS)
def test_any_life_tells_each_decision_once_and_each_version_once(steps: list[Step]) -> None:
    versions = _versions(steps)
    told: list[Moment] = []
    for before, after in itertools.pairwise(versions):
        found = moments(before, after)
        assert len(set(found)) == len(found)
        assert moments(after, after) == ()
        told += found
    entries = versions[-1].status.timeline
    if len(versions[-1].status.timeline) < MOST_TIMELINE:
        for reason, moment in DECISIONS.items():
            made = sum(entry.why.startswith(f"{reason}:") for entry in entries)
            assert told.count(moment) == made, reason


@given(STEPS, st.data())
def test_a_watch_that_was_away_misses_no_kind_of_decision(
    steps: list[Step], data: st.DataObject
) -> None:
    """Two versions far apart tell what was decided in between, each kind once."""
    versions = _versions(steps)
    first = data.draw(st.integers(0, len(versions) - 1))
    last = data.draw(st.integers(first, len(versions) - 1))
    expected = {
        moment
        for before, after in itertools.pairwise(versions[first : last + 1])
        for moment in moments(before, after)
    } & set(DECISIONS.values())
    assert set(moments(versions[first], versions[last])) & set(DECISIONS.values()) == expected


def test_a_timeline_that_is_full_tells_only_what_is_new_in_it() -> None:
    before = holding()
    for at in range(2 * MOST_TIMELINE):
        before = decided(before, LATER, "StepOpened", message=f"{at}", minutes=at)
    assert len(before.status.timeline) == MOST_TIMELINE
    after = decided(before, LATER, "Unheard", minutes=1_000)
    assert Entry(told_at(1_000), "Ramping", "Unheard: ") in after.status.timeline
    assert moments(before, after) == ()
