"""The state machine: what an incident does next, and why. Pure; time comes in as `now`.

Proposed -> Holding -> Cooling -> Ramping -> Closed. An incident asks for its holds from the moment
it is stored, or approved where it must be, until the decision to let go is stored too; it closes
once everything is given back.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from responder.incidents import escalating, proposing, resuming
from responder.incidents.evidence import enough_seconds
from responder.incidents.incident import Incident
from responder.incidents.status import Outcome, Phase, Reason, Status, TargetState
from responder.incidents.transitions import (
    Arming,
    Facts,
    Transition,
    letting_go,
    moment,
    read_moment,
    to,
)
from responder.playbooks.asks import Ask

_TAKEN_BACK: Final = frozenset(
    map(str, (Reason.COOL_DOWN_OVER, Reason.RAMP_OVER, Reason.ALERTS_RESOLVED, Reason.DISARMED))
)
"""Decisions to let go after which an alert that fires makes it hold again, or wait for that."""


def asks_of(incident: Incident) -> tuple[Ask, ...]:
    """Give what the incident asks for at this moment.

    It holds from the moment it is stored, where nobody must approve it, until the decision to let
    go is stored too. A deletion is no such decision by itself: it may be the resource definition's,
    and then holds stay.
    """
    status = incident.status
    if not incident.acts or incident.closed or status.letting_go is not None:
        return ()
    if incident.waits_for_approval:
        return ()
    return incident.plan_in_force


def share_of(incident: Incident) -> float | None:
    """Give the share of what would be without us that an open step lets through; else None."""
    ramp = incident.status.ramp
    if incident.status.phase is not Phase.RAMPING or not ramp.step:
        return None
    steps = incident.resume.steps
    return steps[ramp.step - 1].share if ramp.step <= len(steps) else None


def review_at(incident: Incident) -> datetime | None:
    """Give when a person should look at what still stands; None where nobody asked for that."""
    put_off = read_moment(incident.wishes.review_at)
    if put_off is not None:
        return put_off
    opened = read_moment(incident.received_at) or read_moment(incident.created_at)
    if not incident.review_after_seconds or opened is None:
        return None
    return opened + timedelta(seconds=incident.review_after_seconds)


def due_at(incident: Incident, *, now: datetime) -> datetime | None:
    """Give the time at which the incident wants to be looked at again by itself."""
    status = incident.status
    if incident.closed or status.letting_go is not None:
        return None
    own: datetime | None = None
    if status.phase is Phase.PROPOSED:
        own = read_moment(status.approve_by)
    elif status.phase is Phase.COOLING:
        own = read_moment(status.cooling_until)
    elif status.phase is Phase.RAMPING:
        own = enough_seconds(incident)
    times = (own, review_at(incident) if incident.acts else None)
    return min((time for time in times if time is not None and time > now), default=None)


def recounted(incident: Incident, status: Status) -> Status:
    """Tell how many alerts fire by now; that alone is no transition and no news."""
    message = status.message
    fires = status.reason in (Reason.ALERT_FIRING, Reason.FIRING_AGAIN)
    if fires and incident.firing and status.firing != incident.firing:
        again = " again" if status.reason == Reason.FIRING_AGAIN else ""
        message = f"{incident.firing} alert(s) firing{again}"
    return replace(status, firing=incident.firing, message=message)


def advance(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    """Give the incident's next transition; None where it stays as it is."""
    status = incident.status
    if status.phase is Phase.CLOSED:
        return None
    if status.phase is Phase.NEW:
        return proposing.begin(incident, facts, now=now)
    if status.letting_go is not None:
        return _held_anew(incident, _let_go(incident, facts, now=now))
    asked = _asked_to_let_go(incident, facts, now=now)
    return asked or _held_anew(incident, _in_phase(incident, facts, now=now))


def _held_anew(incident: Incident, found: Transition | None) -> Transition | None:
    """Of what was given back and is to be held again, nothing is held yet."""
    if found is None or asks_of(incident) or not asks_of(replace(incident, status=found.status)):
        return found
    left = tuple(
        target
        for target in found.status.targets
        if target.state is not TargetState.GIVEN_BACK or target.message
    )
    return replace(found, status=replace(found.status, targets=left))


def _in_phase(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    match incident.status.phase:
        case Phase.PROPOSED:
            return proposing.proposed(incident, facts, now=now)
        case Phase.RAMPING:
            return resuming.ramp(incident, facts, now=now)
        case Phase.COOLING:
            escalated = escalating.escalate(incident, facts, now=now)
            return escalated or resuming.cool(incident, facts, now=now)
        case _:
            escalated = escalating.escalate(incident, facts, now=now)
            return escalated or resuming.hold(incident, now=now)


def _asked_to_let_go(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    wishes = incident.wishes
    for request, reason in (
        (wishes.release, Reason.RELEASED_BY_HAND),
        (incident.rejection, Reason.REJECTED),
    ):
        if request is not None:
            why = request.reason or "no reason given"
            return letting_go(incident, reason, why, by=request.by or "unknown", now=now)
    if incident.deleting and facts.deletion_meant:
        return letting_go(incident, Reason.DELETED, "the incident was deleted", by="", now=now)
    if facts.arming is Arming.GIVE_BACK and asks_of(incident):
        message = "the responder is disarmed, and what is held is given back"
        return letting_go(incident, Reason.DISARMED, message, by="", now=now)
    return None


def _let_go(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    again = _fires_again(incident, facts, now=now)
    if again is not None:
        asked = _asked_to_let_go(incident, facts, now=now)
        holds = incident.acts and again.status.phase is not Phase.PROPOSED
        if asked is not None or facts.arming is Arming.ARMED or not holds:
            return asked or again
        if not incident.deleting:
            return None  # nothing is held anew; but closed, nothing would tell of the alert
    if not facts.given_back:
        return None
    letting_go = incident.status.letting_go
    if letting_go is not None and letting_go.reason == Reason.DISARMED and incident.firing:
        asked = _asked_to_let_go(incident, facts, now=now)
        if asked is not None or not incident.deleting:
            return asked or proposing.disarmed(incident, now=now)
    told = "everything is given back" if _held(incident) else "nothing was held"
    by = letting_go.by if letting_go is not None else ""
    closed = to(incident, Phase.CLOSED, Reason.GIVEN_BACK, told, by=by, now=now)
    outcome = _outcome(incident)
    return replace(closed, status=replace(closed.status, outcome=outcome, closed_at=moment(now)))


def may_yet_hold(incident: Incident) -> bool:
    """Tell whether an alert that fires makes it hold: unless a person decided against that."""
    decided = incident.status.letting_go
    return decided is None or decided.reason in _TAKEN_BACK


def _fires_again(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    """Take the decision back that was made without a person.

    Even if all was given back meanwhile: the alert was accepted into this very incident, and its
    sender has no reason to repeat it soon.
    """
    status = incident.status
    why = "" if status.letting_go is None else status.letting_go.reason
    told = "before the incident was closed"
    if why == Reason.COOL_DOWN_OVER and incident.firing:
        message = f"{incident.firing} alert(s) firing again {told}"
        return resuming.holding_again(incident, message, now=now)
    if why == Reason.ALERTS_RESOLVED and incident.firing:
        message = f"{incident.firing} alert(s) firing again {told}"
        return proposing.proposed_again(incident, facts, message, now=now)
    if why == Reason.DISARMED and incident.firing and facts.arming is Arming.ARMED:
        return resuming.armed_again(incident, now=now)
    fresh = incident.begun_since(status.ramp.resumed_at) if why == Reason.RAMP_OVER else 0
    if fresh:
        return resuming.relapsed(incident, f"{fresh} alert(s) began to fire {told}", now=now)
    return None


def _held(incident: Incident) -> bool:
    proposed = incident.status.phase is Phase.PROPOSED
    return incident.acts and (incident.has_held or not proposed)


def _outcome(incident: Incident) -> Outcome:
    letting_go = incident.status.letting_go
    why = letting_go.reason if letting_go is not None else ""
    if not incident.acts:
        return Outcome.OBSERVED
    if why == Reason.REJECTED:
        return Outcome.REJECTED
    if _held(incident):
        return Outcome.RELEASED
    return Outcome.REJECTED if why == Reason.RELEASED_BY_HAND else Outcome.EXPIRED
