"""The state and the words in which an incident's status tells what was found on its targets."""

from typing import Final

from responder.cluster.failures import ApiFailure, Denied, Invalid, TooLarge
from responder.holds.fields import FieldFinding
from responder.holds.ledger import LedgerFinding
from responder.holds.objects import HOLD_ALLOWED, HOLD_LABEL, ObjectKey
from responder.holds.planning import Finding
from responder.holds.subjects import CONFIG_MAP
from responder.holds.workload import AUTOSCALER
from responder.incidents.status import Target, TargetState
from responder.reconcile.other_writers import exception_for
from responder.reconcile.situation import Situation

STATES: Final[dict[FieldFinding | LedgerFinding, TargetState]] = {
    FieldFinding.ALTERED: TargetState.ALTERED,
    FieldFinding.CONTESTED: TargetState.CONTESTED,
    FieldFinding.BASELINE_UNKNOWN: TargetState.BASELINE_UNKNOWN,
    FieldFinding.NO_ROOM: TargetState.NO_ROOM,
    FieldFinding.REFUSED: TargetState.INVALID,
}
"""What an incident is told of; anything else that is found changes nothing for it."""
_TOO_LONG: Final = "Too long: may not be more than"
"""Of all values of a ConfigMap, or of all annotations, together."""


def refusal_state(refusal: ApiFailure) -> TargetState:
    """Give the state of a target that the API server refuses to write."""
    if isinstance(refusal, Denied):
        return TargetState.DENIED if refusal.by_admission else TargetState.FORBIDDEN
    return TargetState.INVALID


def told(finding: Finding | None, key: ObjectKey, situation: Situation) -> tuple[TargetState, str]:
    """Give the state and the message of a target with this finding, while it is to be held."""
    if finding is None:
        return _as_written(key, situation)
    refusal = situation.refusals.get(finding.field)
    if _is_full(finding, refusal):
        return TargetState.NO_ROOM, (
            f"{key} is full: {finding.field} finds no room in it."
            " Hold fewer and wider, e.g. the campaign or its pool, or release what is over"
        )
    if finding.what is FieldFinding.REFUSED and refusal is not None:
        return refusal_state(refusal), refusal.message[:1000]
    if finding.what is FieldFinding.ALTERED:
        message = f"{finding.field} is not what we wrote: an admission policy or webhook alters it"
        return TargetState.ALTERED, message
    if finding.what is FieldFinding.CONTESTED:
        return TargetState.CONTESTED, _contested(finding, situation)
    by_hand = "set or remove" if key.kind == CONFIG_MAP else "set"
    return STATES[finding.what], (
        f"nothing remembers what {finding.field} was before the hold:"
        f" {by_hand} it by hand, and it is given back as you leave it"
    )


def _contested(finding: Finding, situation: Situation) -> str:
    """Tell who keeps undoing the hold, how it stands now, and what would end it."""
    key, field = finding.key, finding.field
    left = {named for kept, named in situation.stood_down if kept == key}
    if key.kind == CONFIG_MAP:
        left &= {field}
    now = "it is not held now, and is tried again every few minutes" if left else "it is held now"
    by = finding.by or "somebody"
    return (
        f"{by} keeps setting {field} of {key} back: {now}. {exception_for(finding.by, key, field)}"
    )


def _as_written(key: ObjectKey, situation: Situation) -> tuple[TargetState, str]:
    if not situation.stripped:
        return TargetState.APPLIED, ""
    message = f"an admission policy or webhook takes our ledger out of what we write to {key}"
    return TargetState.ALTERED, message


def told_of_return(
    finding: Finding, key: ObjectKey, situation: Situation
) -> tuple[TargetState, str]:
    """Give the same while it is to be given back and, for what was found, is not."""
    if _is_full(finding, situation.refusals.get(finding.field)):
        return TargetState.NO_ROOM, (
            f"{key} is full: what {finding.field} was before the hold finds no room in it."
            " Make room, and it is given back"
        )
    return told(finding, key, situation)


def _is_full(finding: Finding, refusal: ApiFailure | None) -> bool:
    """Tell whether there is no room, as far as we know or by the word of the API server.

    What another program keeps in a campaign's own ConfigMap is not known here in full.
    """
    if finding.what is not FieldFinding.REFUSED or refusal is None:
        return finding.what is FieldFinding.NO_ROOM
    too_long = isinstance(refusal, Invalid) and _TOO_LONG in refusal.message
    return too_long or isinstance(refusal, TooLarge)


def left_alone(named: str, situation: Situation, subject: str) -> Target:
    """Tell of an autoscaler that scales what is held and may not be held itself."""
    message = (
        f"{AUTOSCALER}/{named} may raise the replicas again, and is held too"
        f" once it is labelled {HOLD_LABEL}={HOLD_ALLOWED}"
    )
    key = ObjectKey(AUTOSCALER, situation.key.namespace, named)
    return Target(key, TargetState.NOT_ALLOWED, subject, message)
