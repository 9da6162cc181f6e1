"""Confirmation: `Applied` says that the write is in, `Confirmed` that its effect is seen. Pure.

What nobody can tell is unknown, whatever the deadline; only evidence that a brake has not taken
hold denies it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal

from responder.holds.subjects import subject_of, told
from responder.incidents.confirmation import (
    CONFIRMED,
    NOT_CONFIRMED,
    NOTHING_KNOWN,
    Confirmation,
    Effect,
    Sight,
)
from responder.incidents.incident import Incident
from responder.incidents.lifecycle import asks_of
from responder.incidents.status import Condition, Phase, Target, TargetState
from responder.incidents.transitions import moment, read_moment
from responder.playbooks.asks import Ask

CONFIRM_WITHIN_SECONDS: Final = 120.0
_LOOKED_AT: Final = (Phase.HOLDING, Phase.COOLING)
_OFTEN: Final = 2
"""So many deadlines long it is looked for in every round."""
_LONGEST_GAP: Final = timedelta(minutes=15)

Told = tuple[str, Literal["True", "False", "Unknown"], str, str]


def turn_of(incident: Incident) -> str:
    """Name what is asked for now, so that whatever tightens it is confirmed anew."""
    status = incident.status
    return f"{status.ramp.relapses}-{len(status.stages)}" if asks_of(incident) else ""


def targets_of(incident: Incident, ask: Ask) -> list[Target]:
    """Give what became of one ask."""
    named = {told(ask), str(subject_of(ask))}
    return [
        target
        for target in incident.status.targets
        if target.subject in named and target.key.namespace == ask.namespace
    ]


def is_written(incident: Incident, ask: Ask) -> bool:
    """Tell whether a hold stands on what was found for it."""
    return any(target.state is TargetState.APPLIED for target in targets_of(incident, ask))


def is_awaited(incident: Incident) -> bool:
    """Tell whether the effect of what is applied is still to be seen."""
    record = incident.status.confirmation
    return (
        incident.status.phase in _LOOKED_AT
        and bool(record.applied_at)
        and not record.confirmed_at
        and bool(record.turn)
    )


def look_again_at(incident: Incident, *, looked_at: datetime, within_seconds: float) -> datetime:
    """Give when to look once more: ever more seldom, the longer nothing was seen."""
    applied = read_moment(incident.status.confirmation.applied_at)
    passed = timedelta() if applied is None else looked_at - applied
    if passed <= _OFTEN * timedelta(seconds=within_seconds):
        return looked_at
    return looked_at + min(passed / 4, _LONGEST_GAP)


def deadline_of(incident: Incident, *, within_seconds: float) -> datetime | None:
    """Give until when the effect must be seen; None where nothing is applied yet."""
    applied = read_moment(incident.status.confirmation.applied_at)
    return None if applied is None else applied + timedelta(seconds=within_seconds)


def confirm_due_at(incident: Incident, *, now: datetime, within_seconds: float) -> datetime | None:
    """Give when a deadline, or the time of a stage that waits for one, wants it looked at."""
    if not is_awaited(incident):
        return None
    times = [deadline_of(incident, within_seconds=within_seconds)]
    since = not_confirmed_since(incident)
    if since is not None:
        times += [
            since + timedelta(seconds=stage.for_seconds)
            for index, stage in enumerate(incident.stages)
            if stage.is_unconfirmed and index not in incident.status.stages
        ]
    return min((time for time in times if time is not None and time > now), default=None)


def not_confirmed_since(incident: Incident) -> datetime | None:
    """Give since when evidence says that the brake has not taken hold; None where it doesn't."""
    found = incident.condition(CONFIRMED)
    if found is None or found.status != "False":
        return None
    return read_moment(found.last_transition_time)


def followed(
    incident: Incident, sights: Sequence[Sight], *, applied: bool, now: datetime
) -> Confirmation:
    """Carry the record on; `applied` is whether every hold of the incident is written."""
    before, turn = incident.status.confirmation, turn_of(incident)
    if not turn:
        return replace(before, turn="")
    record = before
    if before.turn != turn:
        record = Confirmation(turn, begun_at=_begun_at(incident, before, now))
    asks = incident.plan_in_force
    if (
        not record.applied_at
        and all(targets_of(incident, ask) for ask in asks)
        and any(is_written(incident, ask) for ask in asks)
    ):
        record = replace(record, applied_at=moment(now))
    looked = replace(incident, status=replace(incident.status, confirmation=record))
    seen = bool(sights) and all(sight.effect is Effect.SEEN for sight in sights)
    if applied and seen and is_awaited(looked):
        record = replace(record, confirmed_at=moment(now))
    return record


def _begun_at(incident: Incident, before: Confirmation, now: datetime) -> str:
    status = incident.status
    if before.begun_at:
        return moment(now)
    if any(entry.what == Phase.PROPOSED for entry in status.timeline):
        return status.since or moment(now)  # nobody braked while it waited for a person
    return incident.received_at or moment(now)


def confirmed(
    incident: Incident,
    sights: Sequence[Sight],
    *,
    applied: bool,
    before: Sequence[Condition],
    now: datetime,
    within_seconds: float,
) -> Told:
    """Give the condition; the incident's record has been carried on already."""
    if not turn_of(incident):
        return _nothing_asked(incident)
    status, record = incident.status, incident.status.confirmation
    if record.confirmed_at:
        known = [c.message for c in before if c.type == CONFIRMED and c.status == "True"]
        return CONFIRMED, "True", "Seen", known[0] if known else _told(sights)
    if status.phase is Phase.RAMPING:
        return CONFIRMED, "Unknown", "Ramping", "its steps began before its effect was seen"
    deadline = deadline_of(incident, within_seconds=within_seconds)
    if deadline is None:
        return CONFIRMED, "Unknown", "Pending", "not yet written"
    if now < deadline:
        waited = f"its effect is looked for; it should be seen by {moment(deadline)}"
        return CONFIRMED, "Unknown", "Waiting", waited
    return _overdue(sights, applied=applied)


def _nothing_asked(incident: Incident) -> Told:
    if incident.status.letting_go is not None or incident.closed:
        return CONFIRMED, "Unknown", "LettingGo", "the holds of this incident are given back"
    return CONFIRMED, "Unknown", "Proposed", f"nothing is held until {incident.awaited}"


def _overdue(sights: Sequence[Sight], *, applied: bool) -> Told:
    denied = [sight for sight in sights if sight.effect is Effect.DENIED]
    if denied:
        rest = [sight for sight in sights if sight not in denied]
        return CONFIRMED, "False", NOT_CONFIRMED, _told([*denied, *rest])
    unknown = [sight for sight in sights if sight.effect is Effect.UNKNOWN]
    if not unknown and not applied:
        return CONFIRMED, "Unknown", "NotApplied", f"not all is written; {_told(sights)}"
    return CONFIRMED, "Unknown", NOTHING_KNOWN, _told(unknown) or "nothing of it can be seen"


def _told(sights: Sequence[Sight]) -> str:
    return "; ".join(f"{sight.subject}: {sight.message}" for sight in sights)
