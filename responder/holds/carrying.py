"""A hold document that carries what was there before it, where the ledger has no room for that.

A ledger takes 256 KiB, a ConfigMap 1 MiB: a person's document may be too large to be remembered,
and must be neither lost nor a way around the brake. It goes where it has been already, into the
value, and a sender reads past it. The value and what it carries come and go together, so that the
ledger's rules need nothing new: they see it unladen.
"""

import json
from dataclasses import replace
from typing import Final

from responder.holds.fields import FieldPlan, FieldState
from responder.holds.ledger import Raw

BEFORE: Final = "before"
"""The key in a hold document."""


def laden(plan: FieldPlan) -> FieldPlan | None:
    """Give a plan whose document carries its baseline; None where it has none to carry.

    One that stands as it is, because it is as strict as what is asked for, needs no other.
    """
    entry = plan.entry
    if entry is None or entry.baseline is None or plan.desired in (None, entry.baseline):
        return None
    document = {**json.loads(plan.desired), BEFORE: entry.baseline}
    told = json.dumps(document, ensure_ascii=False)
    return replace(plan, desired=told, entry=replace(entry, baseline=None, carried=True))


def unladen(raw: Raw) -> tuple[str, str] | None:
    """Take a document and what it carries apart; None where it carries nothing."""
    try:
        document = json.loads(raw)
        before = document.pop(BEFORE)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    return (json.dumps(document, ensure_ascii=False), before) if isinstance(before, str) else None


def taken_out(state: FieldState) -> FieldState:
    """Give a field as if its ledger told of the baseline that its document carries.

    Where it is gone with the document that carried it, what stands there is somebody else's, or
    the baseline can't be learnt.
    """
    entry = state.entry
    if entry is None or not entry.carried:
        return state
    found = unladen(state.live)
    if found is None or not (state.ours or found[0] == entry.applied):
        return replace(state, entry=replace(entry, unknown=True, carried=False))
    document, before = found
    return replace(state, live=document, entry=replace(entry, baseline=before, carried=False))
