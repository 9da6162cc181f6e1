"""One held field: from its baseline and every hold to the value it should have.

The rules of the ledger that concern a single field live here: whose edit a strange value is, what
happens to a hold whose incident vanished, and that nothing is loosened without the fence.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from responder.holds.ledger import Entry, Ghost, Raw
from responder.holds.limits import AnyControl, AnyHold, Holder


class FieldFinding(StrEnum):
    """What a held field was found to be, beside what we last wrote."""

    EDITED = "Edited"
    """Somebody else wrote it: their value is the new baseline."""
    CONTESTED = "Contested"
    """Somebody else sets it back again and again: it is stood down from, or was lately."""
    ALTERED = "Altered"
    """The value is ours by managedFields, yet not what we wrote: admission, or an old copy."""
    AUTOSCALED = "Autoscaled"
    """An autoscaler's sync in flight wrote it: neither a baseline nor a contest."""
    BASELINE_UNKNOWN = "BaselineUnknown"
    """Ours, and nothing remembers what was there before: it is not given back by guess."""
    REFUSED = "Refused"
    """The API server refuses what would be written there, whoever else's patch it is part of."""
    NO_ROOM = "NoRoom"
    """The object can't take what would have to be remembered: it is not held."""
    GHOST = "Ghost"
    """Held by an incident that vanished unfinished; a person releases it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What planning may rely on, beyond the objects themselves."""

    present: Collection[str]
    """uids of every incident that exists, closed ones too."""
    open_incidents: Collection[str]
    """uids of those that are not closed."""
    fenced: bool
    """True after a consistent list and a valid lease: only then may anything be loosened."""
    release_ghosts: bool = False
    """A person asked to give back what vanished incidents left behind."""


@dataclass(frozen=True, slots=True)
class FieldState:
    """One field as it stands."""

    control: AnyControl
    live: Raw
    entry: Entry | None
    ours: bool
    holds: Sequence[AnyHold]
    autoscaled: bool = False
    others: bool = False
    """Somebody beside us is known to have set it."""
    unmarked: bool = False
    """Only a second copy tells of it; the object carries no ledger."""
    memory: Raw = None
    """A baseline remembered elsewhere, for a field that is held for the first time."""


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """What the field should become."""

    desired: Raw
    entry: Entry | None
    """What is remembered from now on; None once nothing is held."""
    pending: bool = False
    """Something is to be loosened and must wait for the fence."""
    finding: FieldFinding | None = None
    leaving: bool = False
    """Nobody asks for it any more; it only waits to be given back."""
    loosens: bool = False
    """Writing `desired` lets more through than the live value does."""
    reverted: bool = False
    """Somebody else wrote over what was held; too loosely, where it isn't `desired` already."""


def vanished(entry: Entry, *, control: AnyControl, facts: Facts) -> Ghost | None:
    """Give the hold that stands on this field without an incident to end it, if there is one."""
    if facts.release_ghosts:
        return None
    # An incident that a stale cache merely had not shown is no ghost once it is seen again.
    standing = entry.ghost if entry.ghost and entry.ghost.uid not in facts.present else None
    if entry.uid in facts.present or (standing is not None and standing.uid == entry.uid):
        return standing
    fresh = Ghost(holder=entry.holder, uid=entry.uid, limit=control.abridged(entry.applied))
    if standing is None:
        return fresh
    old, new = control.limit_of(standing.limit), control.limit_of(fresh.limit)
    if old is None or new is None:
        return fresh if old is None else standing
    return fresh if control.strictest([old, new]) == new else standing


def _holder(
    holds: Sequence[AnyHold], *, effective: object, entry: Entry | None, ghost: Ghost | None
) -> Holder:
    """Choose whom the ledger names: the present one while it counts, else the newest.

    The newest, because many incidents of one limit mostly end oldest first, and each change of
    the name is a write.
    """
    counting = [hold.holder for hold in holds if hold.limit == effective]
    candidates = counting or [hold.holder for hold in holds]
    if entry is not None:
        for holder in candidates:
            if holder.uid == entry.uid:
                return holder
    if candidates:
        return max(candidates, key=lambda holder: (holder.since, holder.uid))
    if ghost is not None:
        return Holder(name=ghost.holder, uid=ghost.uid)
    if entry is None:
        raise ValueError("a field without holds has no holder")
    return Holder(name=entry.holder, uid=entry.uid)


@dataclass(frozen=True, slots=True)
class Settled:
    """What the field would be without us, and whose doing its present value is."""

    baseline: Raw
    unknown: bool
    ghost: Ghost | None
    finding: FieldFinding | None
    edited: bool = False
    """Somebody else's value stands there, whatever else was found."""


def baseline_of(state: FieldState, *, facts: Facts) -> Settled:
    """Tell what the field would be without us.

    An edit is somebody else's only if managedFields no longer gives the field to us.
    """
    entry = state.entry
    if entry is None:
        remembered = state.memory is not None
        unknown = state.ours and not remembered
        finding = FieldFinding.BASELINE_UNKNOWN if unknown else None
        return Settled(state.memory if remembered else state.live, unknown, None, finding)
    ghost = vanished(entry, control=state.control, facts=facts)
    baseline, unknown, finding = entry.baseline, entry.unknown, None
    edited = False
    if state.live != entry.applied:
        if state.ours:
            finding = FieldFinding.ALTERED
        elif state.autoscaled:
            finding = FieldFinding.AUTOSCALED
        else:
            baseline, unknown, finding = state.live, False, FieldFinding.EDITED
            edited = True
    elif state.unmarked and state.others and not state.ours and not state.autoscaled:
        # Given back since the copy was made, and set to this very value by somebody else.
        baseline, unknown = state.live, False
    if ghost is not None:
        finding = FieldFinding.GHOST
    elif unknown:
        finding = FieldFinding.BASELINE_UNKNOWN
    return Settled(baseline, unknown, ghost, finding, edited=edited)


def plan_field(state: FieldState, *, facts: Facts) -> FieldPlan:
    """Compute one field; pure and idempotent."""
    if state.entry is None and not state.holds:
        return FieldPlan(state.live, None)
    settled = baseline_of(state, facts=facts)
    if state.holds or settled.ghost is not None:
        return _hold(state, settled, facts=facts)
    if settled.unknown:
        return FieldPlan(state.live, state.entry, finding=settled.finding)
    if not facts.fenced:
        return FieldPlan(
            state.live, state.entry, pending=True, finding=settled.finding, leaving=True
        )
    return FieldPlan(settled.baseline, None, finding=settled.finding)


def _in_step(hold: AnyHold, *, state: FieldState, settled: Settled) -> AnyHold:
    """Give a hold as an open step lets it be; of an unknown baseline no share can be taken."""
    if hold.share is None or settled.unknown:
        return hold
    limit = state.control.relaxed(hold.limit, share=hold.share, baseline=settled.baseline)
    return replace(hold, limit=limit)


def _hold(state: FieldState, settled: Settled, *, facts: Facts) -> FieldPlan:
    entry, control, ghost = state.entry, state.control, settled.ghost
    holds = [_in_step(hold, state=state, settled=settled) for hold in state.holds]
    limits = [hold.limit for hold in holds]
    left = None if ghost is None else control.limit_of(ghost.limit)
    if left is not None:
        limits.append(left)
    # What was there before an unknown baseline can't be learnt: until a person tells it, the live
    # value counts as a limit of its own and is adopted as nothing.
    own = control.limit_of(state.live if settled.unknown else settled.baseline)
    if own is not None:
        limits.append(own)
    if not limits:
        return FieldPlan(state.live, entry, finding=settled.finding)
    effective = control.strictest(limits)
    holder = _holder(holds, effective=effective, entry=entry, ghost=ghost)
    baseline = None if settled.unknown else settled.baseline
    applied = None if entry is None else entry.applied
    desired = control.write(effective, baseline=baseline, applied=applied, holder=holder)
    loosens = control.loosens(desired, live=state.live, effective=effective)
    pending = loosens and not facts.fenced
    if pending:
        live_limit = control.limit_of(state.live)
        tightened = None if live_limit is None else control.strictest([effective, live_limit])
        if tightened is None or tightened == live_limit:
            return FieldPlan(state.live, entry, pending=True, finding=settled.finding)
        desired = control.write(tightened, baseline=baseline, applied=applied, holder=holder)
        loosens = False
    after = Entry(
        baseline=baseline,
        applied=desired,
        holder=holder.name,
        uid=holder.uid,
        unknown=settled.unknown,
        ghost=ghost,
        order=control.order,
    )
    if not facts.fenced and entry is not None and desired == entry.applied == state.live:
        # Who holds, and what vanished, is told from a consistent list, never from a cache alone.
        known = replace(entry, baseline=after.baseline, unknown=after.unknown)
        pending = pending or after != known
        after = known
    return FieldPlan(
        desired,
        after,
        pending=pending,
        finding=settled.finding,
        loosens=loosens,
        reverted=settled.edited,
    )
