"""Resolved is not resume: cool-down, acknowledgement, steps that evidence ends, and relapses.

The first step is opened by time and acknowledgement, for a paused campaign has no samples to
check. Each later one, and the end, by time, by what was sent, and by the check over it.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from responder.incidents.evidence import CHECK, VOLUME, enough_seconds, truth_of
from responder.incidents.incident import Incident
from responder.incidents.policy import RELAPSES_UNTIL_PERSON
from responder.incidents.requests import Request
from responder.incidents.status import Phase, Ramp, Reason, Status, Truth
from responder.incidents.transitions import (
    Arming,
    Facts,
    Transition,
    letting_go,
    moment,
    read_moment,
    to,
)

_ITSELF: Final = "campaign-responder"
_MOST_AHEAD: Final = timedelta(minutes=1)
"""API servers' clocks may differ by this much; a moment further ahead is of a clock that was set
back since."""

_CLOCKS_DIFFER: Final = timedelta(seconds=5)
"""What another replica heard may bear a time that is ahead of ours by so much."""


def waits_for_person(incident: Incident) -> tuple[str, ...]:
    """Tell why a person must release it; nothing was held by one that only observes."""
    if not incident.acts:
        return ()
    why = list(incident.resume.needs_person)
    if incident.resume.manual and not why:
        why.append("the playbook resumes by hand")
    if incident.alerts_omitted:
        why.append(f"{incident.alerts_omitted} or more further alerts found no room in it")
    return tuple(why)


def acknowledgement(incident: Incident) -> Request | None:
    """Give the acknowledgement that counts: one from before the last relapse does not."""
    request, ramp = incident.wishes.acknowledge, incident.status.ramp
    if request is None or not ramp.relapses:
        return request
    at, relapsed = read_moment(request.at), read_moment(ramp.relapsed_at)
    # Nobody can tell which came first: then it does not count, and a person may still release.
    return request if at is not None and relapsed is not None and at > relapsed else None


def needs_acknowledgement(incident: Incident) -> str:
    """Tell why a person must acknowledge the cause before anything resumes; empty if not."""
    if not incident.acts or acknowledgement(incident) is not None:
        return ""
    relapses = incident.status.ramp.relapses
    if relapses >= RELAPSES_UNTIL_PERSON:
        return f"it relapsed {relapses} times"
    return "the playbook asks for it" if incident.resume.acknowledged else ""


def hold(incident: Incident, *, now: datetime) -> Transition | None:
    """Decide about one that holds: what it is held for may be over."""
    waits = incident.status.reason == Reason.WAITS_FOR_PERSON
    if incident.firing:
        message = f"{incident.firing} alert(s) firing"
        by = "alertmanager"
        again = to(incident, Phase.HOLDING, Reason.ALERT_FIRING, message, by=by, now=now)
        return again if waits else None
    reason, told, by = Reason.ALERTS_RESOLVED, "all alerts resolved", "alertmanager"
    if incident.trigger.kind == "manual":
        request = acknowledgement(incident)
        if request is None or not incident.acts:
            return None
        reason, told, by = Reason.ACKNOWLEDGED, request.reason or "no reason given", request.by
    why = waits_for_person(incident)
    if why:
        message = f"{told}; a person must release: {'; '.join(why)}"
        waiting = to(incident, Phase.HOLDING, Reason.WAITS_FOR_PERSON, message, now=now)
        return None if waits else waiting
    return _cooling(incident, reason, told, by=by, now=now)


def _cooling(incident: Incident, reason: Reason, why: str, *, by: str, now: datetime) -> Transition:
    seconds = incident.resume.cool_down_seconds(incident.status.ramp.relapses)
    until = moment(now + timedelta(seconds=seconds))
    then = "opens the first step" if incident.resume.steps and incident.acts else "gives back"
    message = f"{why}; {then} after {until}"
    cooling = to(incident, Phase.COOLING, reason, message, by=by, now=now)
    return replace(cooling, status=replace(cooling.status, cooling_until=until))


def holding_again(incident: Incident, message: str, *, now: datetime) -> Transition:
    """Go back to the hold: an alert fires again before anything was given back."""
    again = to(incident, Phase.HOLDING, Reason.FIRING_AGAIN, message, by="alertmanager", now=now)
    return replace(again, status=replace(again.status, letting_go=None, cooling_until=""))


def armed_again(incident: Incident, *, now: datetime) -> Transition:
    """Go back to the hold: what was given back because of the switch still fires."""
    message = f"armed again before all was given back, and {incident.firing} alert(s) firing"
    again = to(incident, Phase.HOLDING, Reason.ARMED_AGAIN, message, now=now)
    return replace(again, status=afresh(again.status))


def afresh(status: Status) -> Status:
    """Give a status in which nothing is being given back, in steps or at once."""
    ramp = replace(status.ramp, step=0, step_since="")
    return replace(status, letting_go=None, cooling_until="", approve_by="", ramp=ramp)


def cool(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    """Decide about one that cools down."""
    if incident.firing:
        return holding_again(incident, f"{incident.firing} alert(s) firing again", now=now)
    until = read_moment(incident.status.cooling_until)
    seconds = incident.resume.cool_down_seconds(incident.status.ramp.relapses)
    if until is None or until > now + timedelta(seconds=seconds) + _MOST_AHEAD:
        # Nobody can tell how long it has cooled: once more.
        why = "all alerts resolved"
        return _cooling(incident, Reason.ALERTS_RESOLVED, why, by="alertmanager", now=now)
    heard = read_moment(incident.heard_at)
    if heard is not None and until - timedelta(seconds=seconds) + _CLOCKS_DIFFER < heard <= now:
        why = "an alert fired and resolved meanwhile"
        return _cooling(incident, Reason.ALERTS_RESOLVED, why, by="alertmanager", now=now)
    return None if now < until else _cooled(incident, facts, now=now)


def _cooled(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    """Decide about one whose cool-down is over."""
    told, resume = "the cool-down is over", incident.resume
    missing = needs_acknowledgement(incident)
    if missing:
        message = f"{told}; a person must acknowledge the cause: {missing}"
        return _waits(incident, Reason.WAITS_FOR_ACKNOWLEDGEMENT, message, now=now)
    if incident.acts and facts.arming is not Arming.ARMED:
        message = f"{told}; the responder is disarmed: what is held stays until it is armed again"
        return _waits(incident, Reason.DISARMED, message, now=now)
    if incident.acts and resume.steps:
        ramp = replace(incident.status.ramp, step=1, step_since=moment(now), resumed_at=moment(now))
        return _step(incident, ramp, told, now=now)
    if incident.acts and resume.check is not None:
        if truth_of(incident, CHECK, facts.answers, now=now) is not Truth.YES:
            message = f"{told}; the check does not pass yet"
            return _waits(incident, Reason.WAITS_FOR_EVIDENCE, message, now=now)
        told += ", and the check passes"
    return letting_go(incident, Reason.COOL_DOWN_OVER, told, by=_ITSELF, now=now)


def _waits(incident: Incident, reason: Reason, message: str, *, now: datetime) -> Transition | None:
    if incident.status.reason == reason:
        return None
    return to(incident, Phase.COOLING, reason, message, now=now)


def _step(incident: Incident, ramp: Ramp, why: str, *, now: datetime) -> Transition:
    steps = incident.resume.steps
    step = steps[ramp.step - 1]
    message = (
        f"{why}; step {ramp.step} of {len(steps)}: {step.share:.4g} of the normal rate, "
        f"for {step.for_seconds} s and {step.sends} sends at least"
    )
    there = to(incident, Phase.RAMPING, Reason.STEP_OPENED, message, by=_ITSELF, now=now)
    return replace(there, status=replace(there.status, ramp=ramp, cooling_until=""))


def ramp(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    """Decide about one that gives back in steps: a step more, the end, or back to the pause."""
    disarmed = incident.status.reason == Reason.DISARMED
    step = f"step {incident.status.ramp.step} of {len(incident.resume.steps)}"
    if facts.arming is not Arming.ARMED:
        message = f"the responder is disarmed: {step} stays as it is, neither looser nor stricter"
        there = to(incident, Phase.RAMPING, Reason.DISARMED, message, now=now)
        return None if disarmed else there
    why = _why_relapsed(incident, facts, now=now)
    if why:
        return relapsed(incident, why, now=now)
    if not _step_went_well(incident, facts, now=now):
        message = f"armed again: {step} goes on"
        there = to(incident, Phase.RAMPING, Reason.ARMED_AGAIN, message, now=now)
        return there if disarmed else None
    before = incident.status.ramp
    after = replace(before, step=before.step + 1, step_since=moment(now))
    told = f"step {before.step} went well"
    if after.step <= len(incident.resume.steps):
        return _step(incident, after, told, now=now)
    return letting_go(incident, Reason.RAMP_OVER, f"{told}, the last one", by=_ITSELF, now=now)


def _why_relapsed(incident: Incident, facts: Facts, *, now: datetime) -> str:
    fresh = incident.begun_since(incident.status.ramp.resumed_at)
    if fresh:
        return f"{fresh} alert(s) began to fire since it resumed"
    if truth_of(incident, CHECK, facts.answers, now=now) is Truth.NO:
        return f"the check fails since it resumed: {facts.answers[CHECK].message}"
    if enough_seconds(incident) is None:
        return "its open step can't be read"
    resumed = read_moment(incident.status.ramp.resumed_at)
    if resumed is None or resumed > now + _MOST_AHEAD:
        return "the clock was set back, and nobody can tell what came since it resumed"
    return ""


def _step_went_well(incident: Incident, facts: Facts, *, now: datetime) -> bool:
    """Tell whether the open step is over: by time *and* by volume, and the check passes."""
    due, ramp, resume = enough_seconds(incident), incident.status.ramp, incident.resume
    if due is None or now < due:
        return False
    # What must be sent and can't be counted was not sent, as far as is known.
    counts = resume.volume is not None or resume.steps[ramp.step - 1].sends > 0
    gates = {CHECK: resume.check is not None, VOLUME: counts}
    return all(
        truth_of(incident, name, facts.answers, now=now) is Truth.YES
        for name, is_asked_for in gates.items()
        if is_asked_for
    )


def relapsed(incident: Incident, why: str, *, now: datetime) -> Transition:
    """Go back to the hold as it was at first; the next cool-down is twice as long."""
    before, acknowledged = incident.status.ramp, incident.wishes.acknowledge
    # Whatever the clocks say: what was acknowledged by now does not count for what comes.
    known = None if acknowledged is None else read_moment(acknowledged.at)
    after = replace(
        before,
        step=0,
        step_since="",
        relapses=before.relapses + 1,
        relapsed_at=moment(now if known is None else max(now, known)),
    )
    seconds = incident.resume.cool_down_seconds(after.relapses)
    message = f"{why}: held again as at first; the next cool-down takes {seconds} s"
    if after.relapses >= RELAPSES_UNTIL_PERSON:
        message += ", and a person must acknowledge the cause"
    there = to(incident, Phase.HOLDING, Reason.RELAPSED, message, by=_ITSELF, now=now)
    return replace(
        there, status=replace(there.status, ramp=after, cooling_until="", letting_go=None)
    )
