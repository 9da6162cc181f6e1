"""The moments that matter in an incident's life, found in the difference of two of its versions.

Pure, and a function of the difference alone: a status that did not change has none, so a restart
tells nothing again. A version that skips several (a watch that was away) has those of all of them.

Conditions are known here by their text: one that nobody writes costs nothing, and one that is not
known here is no moment.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from responder.incidents.incident import Incident
from responder.incidents.status import Condition, Outcome, Phase, Reason, TargetState
from responder.incidents.summary import ALTERED, APPLIED, PAST_REVIEW


class Moment(StrEnum):
    """What a person wants to be told of; the most pressing first."""

    NOT_HELD = "not-held"
    """Nothing of what the playbook asks for could be held."""
    PARTLY_HELD = "partly-held"
    DISARMED = "disarmed"
    """Nothing is held, for the switch that disarms everything is set."""
    NEEDS_APPROVAL = "needs-approval"
    CONTESTED = "contested"
    ALTERED = "altered"
    NOT_CONFIRMED = "not-confirmed"
    """The brake is in, and its effect is not seen."""
    RELAPSED = "relapsed"
    ESCALATED = "escalated"
    NOBODY_DECIDED = "nobody-decided"
    HELD = "held"
    WAITS = "waits"
    """It goes no further by itself: a person must acknowledge, or release."""
    PAST_REVIEW = "past-review"
    COOLING = "cooling"
    STEP = "step"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CLOSED = "closed"
    OBSERVED = "observed"


_DECIDED: Final[Mapping[tuple[str, str], Moment]] = {
    (Phase.PROPOSED, Reason.WAITS_FOR_APPROVAL): Moment.NEEDS_APPROVAL,
    (Phase.PROPOSED, Reason.FIRING_AGAIN): Moment.NEEDS_APPROVAL,
    (Phase.PROPOSED, Reason.DISARMED): Moment.DISARMED,
    (Phase.HOLDING, Reason.NOBODY_DECIDED): Moment.NOBODY_DECIDED,
    (Phase.HOLDING, Reason.ESCALATED): Moment.ESCALATED,
    (Phase.HOLDING, Reason.RELAPSED): Moment.RELAPSED,
    (Phase.HOLDING, Reason.FIRING_AGAIN): Moment.RELAPSED,
    (Phase.HOLDING, Reason.OBSERVING): Moment.OBSERVED,
    (Phase.HOLDING, Reason.WAITS_FOR_PERSON): Moment.WAITS,
    (Phase.COOLING, Reason.WAITS_FOR_ACKNOWLEDGEMENT): Moment.WAITS,
    (Phase.COOLING, Reason.ALERTS_RESOLVED): Moment.COOLING,
    (Phase.COOLING, Reason.ACKNOWLEDGED): Moment.COOLING,
    (Phase.RAMPING, Reason.STEP_OPENED): Moment.STEP,
}
"""By the phase in which an incident then is, and the reason."""
_ENDED: Final[Mapping[Outcome | None, Moment]] = {
    Outcome.REJECTED: Moment.REJECTED,
    Outcome.EXPIRED: Moment.EXPIRED,
}
_BY_CONDITION: Final[Mapping[tuple[str, str], Moment]] = {
    ("Contested", "True"): Moment.CONTESTED,
    (ALTERED, "True"): Moment.ALTERED,
    (PAST_REVIEW, "True"): Moment.PAST_REVIEW,
    ("Confirmed", "False"): Moment.NOT_CONFIRMED,
}
_NOT_YET: Final = frozenset({"Pending", "NotApplied", "LettingGo", "Waiting"})
"""Reasons of a condition that is False only because it is too early, or over."""
_PRESSING: Final = {moment: place for place, moment in enumerate(Moment)}
_IN: Final = frozenset({TargetState.APPLIED, TargetState.GIVEN_BACK})

PASSING: Final = frozenset(
    {
        Moment.NOT_HELD,
        Moment.PARTLY_HELD,
        Moment.CONTESTED,
        Moment.ALTERED,
        Moment.NOT_CONFIRMED,
        Moment.HELD,
    }
)
"""Those that may come and go with another writer, rather than with a decision of our own."""


def moments(before: Incident, after: Incident) -> tuple[Moment, ...]:
    """Give the moments between two versions of one incident, the most pressing first."""
    if before.status == after.status:
        return ()
    found = {*_decided(before, after), *_conditions(before, after)}
    standing = _standing(after)
    if standing is not None and _is_news(before, after, standing):
        found.add(standing)
    if found & {Moment.ALTERED, Moment.CONTESTED}:
        found -= {Moment.PARTLY_HELD, Moment.NOT_HELD}  # the same, told by its cause
    return tuple(sorted(found, key=_PRESSING.__getitem__))


def _decided(before: Incident, after: Incident) -> Iterator[Moment]:
    """Give what our own decisions mean, by the entries that they left in the timeline."""
    known = set(before.status.timeline)
    entries = [entry for entry in after.status.timeline if entry not in known]
    decisions = [(entry.what, entry.why.partition(":")[0]) for entry in entries]
    if after.status.reason != before.status.reason:
        decisions.append((str(after.status.phase), after.status.reason))
    yield from (_DECIDED[decision] for decision in decisions if decision in _DECIDED)
    if after.closed and not before.closed:
        yield _ENDED.get(after.status.outcome, Moment.CLOSED)


def _conditions(before: Incident, after: Incident) -> Iterator[Moment]:
    known = {(told.type, told.status) for told in before.status.conditions if not _is_early(told)}
    for told in after.status.conditions:
        moment = _BY_CONDITION.get((told.type, told.status))
        if moment is not None and not _is_early(told) and (told.type, told.status) not in known:
            yield moment


def _is_early(told: Condition) -> bool:
    return told.status == "False" and told.reason in _NOT_YET


def condition(incident: Incident, kind: str) -> Condition | None:
    """Give an incident's condition of this type, if it has one."""
    return next((told for told in incident.status.conditions if told.type == kind), None)


def _standing(incident: Incident) -> Moment | None:
    """Tell how the brake stands; None where it isn't settled yet, or is being let go."""
    applied = condition(incident, APPLIED)
    targets = incident.status.targets
    if applied is None or applied.status == "Unknown" or incident.closed:
        return None
    if incident.status.letting_go is not None or _is_early(applied):
        return None
    if applied.status == "True":
        return Moment.HELD
    if any(target.state is TargetState.PENDING for target in targets):
        return None
    is_any_in = any(target.state in _IN for target in targets)
    return Moment.PARTLY_HELD if is_any_in else Moment.NOT_HELD


def _is_news(before: Incident, after: Incident, standing: Moment) -> bool:
    """Tell a change for somebody who was told before, from a look that was unsettled in between."""
    earlier = _standing(before)
    if earlier is not None:
        return earlier is not standing
    timeline = before.status.timeline
    waited = [at for at, entry in enumerate(timeline) if entry.what == Phase.PROPOSED]
    since = timeline[waited[-1] + 1 :] if waited else timeline  # then nothing was held
    told = {(entry.what, entry.why.partition(": ")[0]) for entry in since}
    new = [target for target in after.status.targets if (target.state, str(target.key)) not in told]
    if standing is Moment.HELD:
        return bool(new)
    first = before.status.phase is Phase.NEW or not before.status.conditions
    return first or any(target.state not in _IN for target in new)
