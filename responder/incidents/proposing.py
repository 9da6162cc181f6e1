"""Proposed: nothing is held until a person approves it, or until nobody has for long enough."""

from dataclasses import replace
from datetime import datetime, timedelta

from responder.incidents.incident import Incident
from responder.incidents.policy import Approval
from responder.incidents.resuming import afresh
from responder.incidents.status import Phase, Reason
from responder.incidents.transitions import (
    Arming,
    Facts,
    Transition,
    letting_go,
    moment,
    read_moment,
    to,
)


def begin(incident: Incident, facts: Facts, *, now: datetime) -> Transition:
    """Take the first look at an incident."""
    if not incident.acts:
        message = "watches only: nothing is written"
        return to(incident, Phase.HOLDING, Reason.OBSERVING, message, now=now)
    if incident.approval is not None and incident.waits_for_approval:
        return _proposed(incident, incident.approval, now=now)
    if facts.arming is not Arming.ARMED and not facts.holds:
        message = "the responder is disarmed: nothing new is held until it is armed again"
        return to(incident, Phase.PROPOSED, Reason.DISARMED, message, now=now)
    return _approved(incident, facts, now=now) or _hold(incident, now=now)


def _hold(incident: Incident, *, now: datetime) -> Transition:
    trigger = incident.trigger
    if trigger.kind == "manual":
        told = trigger.reason or "no reason given"
        return to(incident, Phase.HOLDING, Reason.TRIGGERED, told, by=trigger.by, now=now)
    message = f"{incident.firing} alert(s) firing"
    return to(incident, Phase.HOLDING, Reason.ALERT_FIRING, message, by="alertmanager", now=now)


def _proposed(incident: Incident, approval: Approval, *, now: datetime) -> Transition:
    until, what = "", "nothing is held until a person approves it"
    if approval.within_seconds:
        until = moment(now + timedelta(seconds=approval.within_seconds))
        otherwise = "it is held" if approval.otherwise == "act" else "it expires"
        what = f"{what}; if nobody decides by {until}, {otherwise}"
    message = f"{approval.why}: {what}"
    there = to(incident, Phase.PROPOSED, Reason.WAITS_FOR_APPROVAL, message, now=now)
    return replace(there, status=replace(there.status, approve_by=until))


def proposed(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    """Decide about one that waits for approval."""
    return (
        _approved(incident, facts, now=now)
        or _resolved(incident, now=now)
        or _armed_again(incident, facts, now=now)
        or _overdue(incident, facts, now=now)
    )


def _approved(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    approve = incident.wishes.approve
    if approve is None or facts.arming is not Arming.ARMED:
        return None
    why = approve.reason or "no reason given"
    return _decided(incident, Reason.APPROVED, why, by=approve.by, now=now)


def _resolved(incident: Incident, *, now: datetime) -> Transition | None:
    if incident.trigger.kind == "manual" or incident.firing:
        return None
    disarmed = incident.status.reason == Reason.DISARMED
    what = "the responder was armed again" if disarmed else "it was approved"
    message = f"all alerts resolved before {what}"
    return letting_go(incident, Reason.ALERTS_RESOLVED, message, by="alertmanager", now=now)


def _armed_again(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    if incident.status.reason != Reason.DISARMED or facts.arming is not Arming.ARMED:
        return None
    if facts.over_budget:
        return _over_budget(incident, facts, now=now)
    return to(incident, Phase.HOLDING, Reason.ARMED_AGAIN, "armed again", now=now)


def _overdue(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    until, approval = read_moment(incident.status.approve_by), incident.approval
    if approval is None or until is None or now < until:
        return None
    if incident.wishes.approve is not None:
        return None  # somebody did decide; it only waits to be armed
    if approval.otherwise == "expire":
        message = f"nobody approved it by {moment(until)}: nothing was held"
        return letting_go(incident, Reason.EXPIRED, message, by="campaign-responder", now=now)
    if facts.arming is not Arming.ARMED:
        return None
    if facts.over_budget:
        return _over_budget(incident, facts, now=now)
    message = f"nobody decided by {moment(until)}: it is held, as was configured"
    return _decided(incident, Reason.NOBODY_DECIDED, message, by="campaign-responder", now=now)


def _over_budget(incident: Incident, facts: Facts, *, now: datetime) -> Transition:
    message = f"a budget is used up: {facts.over_budget}: it waits until a person approves it"
    there = to(incident, Phase.PROPOSED, Reason.WAITS_FOR_APPROVAL, message, now=now)
    return replace(there, status=replace(there.status, approve_by=""))


def proposed_again(incident: Incident, facts: Facts, message: str, *, now: datetime) -> Transition:
    """Begin anew: an alert fires again before an incident that held nothing was closed."""
    again = replace(incident, status=replace(incident.status, letting_go=None, approve_by=""))
    if incident.approval is not None and incident.wishes.approve is None:
        return _proposed(again, replace(incident.approval, why=message), now=now)
    if facts.arming is not Arming.ARMED:
        message = f"{message}, and the responder is disarmed"
        return to(again, Phase.PROPOSED, Reason.DISARMED, message, now=now)
    approved = _approved(again, facts, now=now)
    if approved is not None:
        return approved
    if facts.over_budget:
        return _over_budget(again, facts, now=now)
    return to(again, Phase.HOLDING, Reason.FIRING_AGAIN, message, by="alertmanager", now=now)


def disarmed(incident: Incident, *, now: datetime) -> Transition:
    """Wait for the switch: all was given back because of it, and something still fires.

    Closed, nothing would tell of the alert once the responder is armed again.
    """
    message = (
        f"{incident.firing} alert(s) firing, and the responder is disarmed: everything is given "
        "back, and nothing is held until it is armed again"
    )
    there = to(incident, Phase.PROPOSED, Reason.DISARMED, message, now=now)
    return replace(there, status=afresh(there.status))


def _decided(
    incident: Incident, reason: Reason, message: str, *, by: str, now: datetime
) -> Transition:
    there = to(incident, Phase.HOLDING, reason, message, by=by, now=now)
    return replace(there, status=replace(there.status, approve_by=""))
