"""What an incident tells of its targets: conditions for machines, timeline entries for people."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

from responder.incidents.confirmation import Sight
from responder.incidents.confirming import CONFIRM_WITHIN_SECONDS, confirmed
from responder.incidents.incident import Incident
from responder.incidents.lifecycle import review_at
from responder.incidents.status import Condition, Entry, Target, TargetState
from responder.incidents.transitions import moment

APPLIED: Final = "Applied"
ALTERED: Final = "Altered"
CONTESTED: Final = "Contested"
PAST_REVIEW: Final = "PastReview"
NO_TARGET: Final = "NoTarget"

_LONGEST_REASON: Final = 64
_STANDING: Final = frozenset({TargetState.APPLIED, TargetState.GIVEN_BACK})
_REFUSED: Final = frozenset({TargetState.DENIED, TargetState.FORBIDDEN, TargetState.INVALID})


def is_applied(incident: Incident, targets: Sequence[Target]) -> bool:
    """Tell whether every hold of an incident is written."""
    return _applied(incident, targets)[1] == "True"


def conditions(
    incident: Incident,
    targets: Sequence[Target],
    *,
    before: Sequence[Condition],
    now: datetime,
    sights: Sequence[Sight] = (),
    confirm_within_seconds: float = CONFIRM_WITHIN_SECONDS,
) -> tuple[Condition, ...]:
    """Give the conditions; each keeps its time for as long as its status stays."""
    if not incident.acts:
        return ()
    found = [
        _applied(incident, targets),
        confirmed(
            incident,
            sights,
            applied=is_applied(incident, targets),
            before=before,
            now=now,
            within_seconds=confirm_within_seconds,
        ),
        _altered(targets),
        _contested(targets),
        _no_target(incident, targets),
        *_past_review(incident, now),
    ]
    known = {condition.type: condition for condition in before}
    return tuple(
        Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message[:1000],
            last_transition_time=known[kind].last_transition_time
            if kind in known and known[kind].status == status
            else moment(now),
        )
        for kind, status, reason, message in found
    )


_Told = tuple[str, Literal["True", "False", "Unknown"], str, str]


def _applied(incident: Incident, targets: Sequence[Target]) -> _Told:
    if incident.waits_for_approval and all(
        target.state is TargetState.GIVEN_BACK for target in targets
    ):
        return APPLIED, "Unknown", "Proposed", f"nothing is held until {incident.awaited}"
    failed = [target for target in targets if target.state not in _STANDING]
    if incident.status.letting_go is not None:
        return _letting_go(targets)
    if failed or incident.refusals:
        reasons = [str(target.state) for target in failed]
        reasons += [_reason(refusal.get("reason", "")) for refusal in incident.refusals]
        told = [f"{target.subject or target.key}: {target.message}" for target in failed]
        told += [refusal.get("message", "") for refusal in incident.refusals]
        return APPLIED, "False", reasons[0], "; ".join(told)
    if not targets:
        return APPLIED, "Unknown", "Pending", "not yet written"
    remarks = dict.fromkeys(target.message for target in targets if target.message)
    return APPLIED, "True", "Committed", "; ".join([f"{len(targets)} object(s) held", *remarks])


def _past_review(incident: Incident, now: datetime) -> list[_Told]:
    """Flag what still stands past its date; it is there only where somebody asked for a review."""
    due = review_at(incident)
    if due is None:
        return []
    if now < due or incident.closed:
        return [(PAST_REVIEW, "False", "InTime", f"to be looked at by {moment(due)}")]
    told = f"it should have been looked at by {moment(due)}, and still stands"
    return [(PAST_REVIEW, "True", "StillOpen", told)]


def _letting_go(targets: Sequence[Target]) -> _Told:
    """Tell what keeps the incident from closing, if something does."""
    stuck = [target for target in targets if _is_stuck(target)]
    if not stuck:
        return APPLIED, "False", "LettingGo", "the holds of this incident are given back"
    told = dict.fromkeys(_not_returned(target) for target in stuck)
    return APPLIED, "False", "NotGivenBack", f"not given back: {'; '.join(told)}"


def _is_stuck(target: Target) -> bool:
    """Tell whether what an incident holds there, or may, can't be given back for now.

    What it wanted to hold and never did is none of it.
    """
    if target.state in _REFUSED or target.state is TargetState.NO_ROOM:
        return target.ledger is not None
    return target.state is TargetState.BASELINE_UNKNOWN


def _not_returned(target: Target) -> str:
    again = "; tried again by itself every half minute" if target.state in _REFUSED else ""
    named = str(target.key)
    if target.subject not in ("", named):
        named = f"{target.subject} ({named})"
    return f"{named}: {target.message}{again}"


def _reason(told: str) -> str:
    # Kubernetes refuses a whole status for one reason that is no word, e.g. a hand-made one.
    return told if told.isascii() and told.isalpha() and len(told) <= _LONGEST_REASON else "Refused"


def _altered(targets: Sequence[Target]) -> _Told:
    for target in targets:
        if target.state is TargetState.ALTERED:
            return ALTERED, "True", "AnotherWriter", target.message
    return ALTERED, "False", "AsWritten", ""


def _contested(targets: Sequence[Target]) -> _Told:
    told = dict.fromkeys(
        target.message for target in targets if target.state is TargetState.CONTESTED
    )
    if told:
        return CONTESTED, "True", "AnotherWriter", "; ".join(told)
    return CONTESTED, "False", "Uncontested", ""


def _no_target(incident: Incident, targets: Sequence[Target]) -> _Told:
    held = any(target.ledger is not None or target.state in _STANDING for target in targets)
    if incident.status.letting_go is not None or held:
        return NO_TARGET, "False", "Held", ""
    if not incident.plan:
        told = "; ".join(refusal.get("message", "") for refusal in incident.refusals)
        return NO_TARGET, "True", "NothingToHold", told or "the plan is empty"
    if targets and all(target.state is TargetState.NO_TARGET for target in targets):
        return NO_TARGET, "True", "NothingFound", "; ".join(target.message for target in targets)
    return NO_TARGET, "False", "Found", ""


def entries_about(
    before: Iterable[Target], after: Iterable[Target], *, now: str
) -> tuple[Entry, ...]:
    """Give a timeline entry for every target whose state changed."""
    known = {(target.key, target.subject): target for target in before}
    return tuple(
        Entry(
            time=now,
            what=str(target.state),
            why=f"{target.key}{f': {target.message}' if target.message else ''}"[:1000],
            by="campaign-responder",
        )
        for target in after
        if (was := known.get((target.key, target.subject))) is None or was.state != target.state
    )
