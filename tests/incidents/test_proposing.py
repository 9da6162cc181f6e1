"""Proposed: who or what decides, by when, and what happens where nobody does."""

import dataclasses

import pytest

from responder.incidents.incident import Incident
from responder.incidents.lifecycle import asks_of
from responder.incidents.policy import Approval
from responder.incidents.status import Outcome, Phase, Reason
from responder.incidents.transitions import Arming, Facts
from tests.incidents.given import (
    PAUSE,
    SCALE,
    advanced,
    alerts,
    incident,
    proposed,
    stays,
    told_at,
    wished,
    wishing,
)

OVER = alerts(resolve=1)
BACK = Facts(given_back=True)
LEAVE = Facts(arming=Arming.LEAVE)
DISARMED = proposed(approval=None, alerts=OVER, status={"reason": str(Reason.DISARMED)})


@pytest.mark.parametrize(
    ("approval", "until", "told"),
    [
        (Approval("it asks"), "", "it asks: nothing is held until a person approves it"),
        (Approval("it asks", 600, "act"), told_at(16), "it is held"),
        (Approval("it asks", 600), told_at(16), "it expires"),
    ],
    ids=["for ever", "act", "expire"],
)
def test_a_proposal_tells_by_when_and_what_then(approval: Approval, until: str, told: str) -> None:
    waits = advanced(incident(phase=Phase.NEW, approval=approval))
    assert (waits.status.approve_by, asks_of(waits)) == (until, ())
    assert waits.status.message.endswith(told)


@pytest.mark.parametrize(
    "decided",
    [wishing(proposed(until=10), approve=wished()), proposed(until=5, otherwise="act")],
    ids=["approved", "nobody decided"],
)
def test_what_is_decided_holds_and_waits_no_more(decided: Incident) -> None:
    held = advanced(decided)
    assert asks_of(held) == (PAUSE, SCALE)
    assert held.status.approve_by == ""
    assert stays(held)


def test_a_deadline_is_met_to_the_microsecond() -> None:
    waits = proposed(until=10)
    assert stays(waits, minutes=10 - 1 / 60_000_000)
    assert advanced(waits, minutes=10).status.reason == Reason.EXPIRED


def test_a_deadline_that_cannot_be_read_is_none() -> None:
    assert stays(proposed(until=5, status={"approve_by": "soon"}))


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (proposed(until=5), Outcome.EXPIRED),
        (proposed(alerts=OVER), Outcome.EXPIRED),
        (wishing(proposed(), reject=wished()), Outcome.REJECTED),
        (wishing(proposed(), release=wished()), Outcome.REJECTED),
        (wishing(proposed(), approve=wished(4), reject=wished()), Outcome.REJECTED),
        (wishing(proposed(), reject=wished(4), approve=wished()), Outcome.REJECTED),
    ],
    ids=["expired", "resolved", "rejected", "released", "changed their mind", "two disagree"],
)
def test_how_what_was_never_held_ends(given: Incident, outcome: Outcome) -> None:
    closed = advanced(advanced(given), BACK)
    assert (closed.status.phase, closed.status.outcome) == (Phase.CLOSED, outcome)
    assert closed.status.message == "nothing was held"


def test_who_approves_and_rejects_before_it_is_looked_at_holds_nothing() -> None:
    new = incident(phase=Phase.NEW, approval=Approval("it asks"))
    both = wishing(new, approve=wished(), reject=wished())
    assert asks_of(both) == ()
    waits = advanced(both)
    assert waits.status.phase is Phase.PROPOSED
    assert advanced(waits).status.reason == Reason.REJECTED


def test_an_approval_is_remembered_while_disarmed_past_its_deadline() -> None:
    approved = wishing(proposed(until=5), approve=wished(4))
    assert stays(approved, LEAVE)
    assert stays(approved, Facts(arming=Arming.GIVE_BACK))
    assert advanced(approved).status.reason == Reason.APPROVED


@pytest.mark.parametrize("arming", [Arming.LEAVE, Arming.GIVE_BACK])
def test_disarmed_nothing_new_is_held_until_it_is_armed_again(arming: Arming) -> None:
    waits = advanced(incident(phase=Phase.NEW), Facts(arming=arming))
    assert (waits.status.reason, asks_of(waits)) == (Reason.DISARMED, ())
    assert stays(waits, Facts(arming=arming))
    assert advanced(waits).status.reason == Reason.ARMED_AGAIN


def test_what_is_held_already_is_not_given_back_by_disarming_alone() -> None:
    """The brake is quicker than the status that tells of it."""
    new = incident(phase=Phase.NEW)
    assert asks_of(advanced(new, Facts(arming=Arming.LEAVE, holds=True))) == (PAUSE, SCALE)


@pytest.mark.parametrize(
    ("gone", "facts", "phase", "reason"),
    [
        (proposed(until=10, alerts=OVER), BACK, Phase.PROPOSED, Reason.WAITS_FOR_APPROVAL),
        (DISARMED, LEAVE, Phase.PROPOSED, Reason.DISARMED),
        (DISARMED, BACK, Phase.HOLDING, Reason.FIRING_AGAIN),
        (DISARMED, Facts(over_budget="all"), Phase.PROPOSED, Reason.WAITS_FOR_APPROVAL),
    ],
    ids=["it asks again", "disarmed", "armed again", "over budget"],
)
def test_what_fires_again_before_it_was_closed_begins_anew(
    gone: Incident, facts: Facts, phase: Phase, reason: Reason
) -> None:
    """Whatever it waited for before: it must not wait for something that never comes."""
    fires = dataclasses.replace(advanced(gone, LEAVE, minutes=9), alerts=alerts(fire=1))
    again = advanced(fires, facts, minutes=12)
    assert (again.status.phase, again.status.reason) == (phase, reason)
    assert again.status.letting_go is None
    assert again.status.approve_by == (told_at(22) if gone.approval is not None else "")
    if reason is Reason.DISARMED:
        assert advanced(again).status.phase is Phase.HOLDING


def test_over_budget_a_person_is_asked_and_nobody_else_decides() -> None:
    full = Facts(over_budget="2 of 2 targets are held already")
    waits = advanced(proposed(until=5, otherwise="act"), full)
    assert (waits.status.reason, waits.status.approve_by) == (Reason.WAITS_FOR_APPROVAL, "")
    assert stays(waits, full)
    assert stays(waits)
    assert asks_of(advanced(wishing(waits, approve=wished()), full)) == (PAUSE, SCALE)
