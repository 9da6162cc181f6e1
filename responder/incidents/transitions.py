"""What the state machine is made of: facts in, a transition out, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from responder.incidents.incident import Incident
from responder.incidents.requests import Request
from responder.incidents.status import (
    FIRST_TIMELINE,
    MOST_TIMELINE,
    Answer,
    Entry,
    Phase,
    Reason,
    Status,
)

_MOST_MESSAGE_CHARACTERS: Final = 3000


class Arming(StrEnum):
    """Whether anything may be held at all: one switch for everything."""

    ARMED = "armed"
    LEAVE = "leave"
    """Nothing new is held; what is held stays as it is."""
    GIVE_BACK = "give-back"
    """Nothing new is held, and what is held is given back."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the incident itself."""

    given_back: bool = False
    """Since the decision to let go is stored, every object it held was given back, committed."""
    deletion_meant: bool = False
    """The incident's deletion is a person's wish, not the resource definition's end."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """The newest answer to each question that the incident has."""
    arming: Arming = Arming.ARMED
    holds: bool = False
    """Something is held for it, though its status does not tell yet."""
    over_budget: str = ""
    """Which budget would be exceeded if one that is proposed began to hold by itself."""


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


def noted(timeline: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Append to the timeline; past its bound the middle goes, never the beginning."""
    longer = (*timeline, entry)
    if len(longer) <= MOST_TIMELINE:
        return longer
    return longer[:FIRST_TIMELINE] + longer[FIRST_TIMELINE + 1 :]


def to(
    incident: Incident, phase: Phase, reason: Reason, message: str, *, by: str = "", now: datetime
) -> Transition:
    """Go to a phase, or stay in it for another reason; the timeline tells of either."""
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


def letting_go(
    incident: Incident, reason: Reason, message: str, *, by: str, now: datetime
) -> Transition:
    """Decide to give everything back; the phase stays until that is done."""
    there = to(incident, incident.status.phase, reason, message, by=by, now=now)
    request = Request(at=moment(now), by=by, reason=str(reason))
    return replace(there, status=replace(there.status, letting_go=request))
