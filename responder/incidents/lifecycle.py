"""The state machine: what an incident does next, and why. Pure; time comes in as `now`.

Holding -> Cooling -> Closed. An incident asks for its holds from the moment it is stored until the
decision to let go is stored too; it closes once everything is given back.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from responder.incidents.incident import (
    FIRST_TIMELINE,
    MOST_TIMELINE,
    Entry,
    Incident,
    Outcome,
    Phase,
    Reason,
    Request,
    Status,
)
from responder.playbooks.asks import Ask

_MOST_MESSAGE_CHARACTERS: Final = 3000


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the incident itself."""

    given_back: bool = False
    """Since the decision to let go is stored, every object it held was given back, committed."""
    deletion_meant: bool = False
    """The incident's deletion is a person's wish, not the resource definition's end."""


@dataclass(frozen=True, slots=True)
class Transition:
    """The next state; every one has a reason and tells when to look again."""

    status: Status
    reason: Reason


def moment(now: datetime) -> str:
    """Write a time as Kubernetes' MicroTime: UTC, exactly six fractional digits."""
    return now.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_moment(text: str) -> datetime | None:
    """Read a stored time; None where it is none."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def asks_of(incident: Incident) -> tuple[Ask, ...]:
    """Give what the incident asks for at this moment.

    It holds from the moment it is stored until the decision to let go is stored too. A deletion is
    no such decision by itself: it may be the resource definition's, and then holds stay.
    """
    if not incident.acts or incident.closed or incident.status.letting_go is not None:
        return ()
    return incident.plan


def due_at(incident: Incident) -> datetime | None:
    """Give the time at which the incident wants to be looked at again by itself."""
    if incident.status.phase is Phase.COOLING and incident.status.letting_go is None:
        return read_moment(incident.status.cooling_until)
    return None


def noted(timeline: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Append to the timeline; past its bound the middle goes, never the beginning."""
    longer = (*timeline, entry)
    if len(longer) <= MOST_TIMELINE:
        return longer
    return longer[:FIRST_TIMELINE] + longer[FIRST_TIMELINE + 1 :]


def _to(  # noqa: PLR0917 -- private, one meaning each
    incident: Incident, phase: Phase, reason: Reason, message: str, by: str, now: datetime
) -> Transition:
    status, message = incident.status, message[:_MOST_MESSAGE_CHARACTERS]
    changed = phase is not status.phase
    entry = Entry(time=moment(now), what=str(phase), why=f"{reason}: {message}", by=by)
    return Transition(
        replace(
            status,
            phase=phase,
            reason=str(reason),
            message=message,
            since=moment(now) if changed or not status.since else status.since,
            firing=incident.firing,
            timeline=noted(status.timeline, entry),
        ),
        reason,
    )


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
        return _begin(incident, now=now)
    if status.letting_go is not None:
        return _let_go(incident, facts, now=now)
    asked = _asked_to_let_go(incident, facts, now=now)
    if asked is not None:
        return asked
    if status.phase is Phase.COOLING:
        return _cool(incident, now=now)
    return _hold(incident, now=now)


def _begin(incident: Incident, *, now: datetime) -> Transition:
    if not incident.acts:
        message = "watches only: nothing is written"
        return _to(incident, Phase.HOLDING, Reason.OBSERVING, message, "", now)
    if incident.trigger.kind == "manual":
        told = incident.trigger.reason or "no reason given"
        by = incident.trigger.by
        return _to(incident, Phase.HOLDING, Reason.TRIGGERED, told, by, now)
    message = f"{incident.firing} alert(s) firing"
    return _to(incident, Phase.HOLDING, Reason.ALERT_FIRING, message, "alertmanager", now)


def _asked_to_let_go(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    if incident.release is not None:
        why = incident.release.reason or "no reason given"
        return _letting_go(
            incident, Reason.RELEASED_BY_HAND, why, by=incident.release.by or "unknown", now=now
        )
    if incident.deleting and facts.deletion_meant:
        return _letting_go(incident, Reason.DELETED, "the incident was deleted", by="", now=now)
    return None


def _letting_go(
    incident: Incident, reason: Reason, message: str, *, by: str, now: datetime
) -> Transition:
    there = _to(incident, incident.status.phase, reason, message, by, now)
    request = Request(at=moment(now), by=by, reason=str(reason))
    return replace(there, status=replace(there.status, letting_go=request))


def _let_go(incident: Incident, facts: Facts, *, now: datetime) -> Transition | None:
    status = incident.status
    by_itself = status.letting_go is not None and status.letting_go.reason == str(
        Reason.COOL_DOWN_OVER
    )
    if by_itself and incident.firing:
        # Even if all was given back meanwhile: the alert was accepted into this very incident, and
        # its sender has no reason to repeat it soon.
        message = f"{incident.firing} alert(s) firing again before the incident was closed"
        return _holding_again(incident, message, now=now)
    if not facts.given_back:
        return None
    outcome = Outcome.RELEASED if incident.acts else Outcome.OBSERVED
    told = "everything is given back" if incident.acts else "nothing was held"
    by = status.letting_go.by if status.letting_go is not None else ""
    closed = _to(incident, Phase.CLOSED, Reason.GIVEN_BACK, told, by, now)
    return replace(closed, status=replace(closed.status, outcome=outcome, closed_at=moment(now)))


def _hold(incident: Incident, *, now: datetime) -> Transition | None:
    status = incident.status
    if incident.trigger.kind == "manual" or incident.firing:
        if status.reason == Reason.WAITS_FOR_PERSON:
            message = f"{incident.firing} alert(s) firing"
            return _to(incident, Phase.HOLDING, Reason.ALERT_FIRING, message, "alertmanager", now)
        return None
    why = _waits_for_person(incident)
    if why:
        if status.reason == Reason.WAITS_FOR_PERSON:
            return None
        message = f"all alerts resolved; a person must release: {'; '.join(why)}"
        return _to(incident, Phase.HOLDING, Reason.WAITS_FOR_PERSON, message, "", now)
    return _cooling(incident, now=now)


def _waits_for_person(incident: Incident) -> tuple[str, ...]:
    """Tell why the cool-down alone doesn't decide; nothing was held by one that only observes."""
    if not incident.acts:
        return ()
    why = list(incident.resume.needs_person)
    if incident.resume.manual and not why:
        why.append("the playbook resumes by hand")
    if incident.alerts_omitted:
        why.append(f"{incident.alerts_omitted} or more further alerts found no room in it")
    return tuple(why)


def _cooling(incident: Incident, *, now: datetime) -> Transition:
    until = moment(now + timedelta(seconds=incident.resume.after_seconds))
    message = f"all alerts resolved; gives back after {until}"
    cooling = _to(incident, Phase.COOLING, Reason.ALERTS_RESOLVED, message, "alertmanager", now)
    return replace(cooling, status=replace(cooling.status, cooling_until=until))


def _holding_again(incident: Incident, message: str, *, now: datetime) -> Transition:
    again = _to(incident, Phase.HOLDING, Reason.FIRING_AGAIN, message, "alertmanager", now)
    return replace(again, status=replace(again.status, letting_go=None, cooling_until=""))


def _cool(incident: Incident, *, now: datetime) -> Transition | None:
    if incident.firing:
        return _holding_again(incident, f"{incident.firing} alert(s) firing again", now=now)
    until = read_moment(incident.status.cooling_until)
    if until is None:
        return _cooling(incident, now=now)  # nobody can tell how long it has cooled: once more
    if now < until:
        return None
    return _letting_go(
        incident, Reason.COOL_DOWN_OVER, "the cool-down is over", by="campaign-responder", now=now
    )
