"""One held object: from the plans of its fields to the next patch, each carrying its ledger.

A plan is a single next step. Its executor applies it, puts the answered object in place of the old
one and plans again until nothing is left, so every interrupted prefix is a state like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from responder.holds import ownership
from responder.holds.fields import Facts, FieldFinding, FieldPlan, FieldState, plan_field
from responder.holds.ledger import Copy, Ledger, LedgerFinding, Raw, standing
from responder.holds.limits import AnyControl, AnyHold
from responder.holds.objects import (
    GIVE_BACK_MANAGER,
    LEDGER_ANNOTATION,
    MANAGER,
    JsonObject,
    ObjectKey,
    annotation,
    resource_version,
    uid,
    value_at,
)


class Purpose(StrEnum):
    """Why a patch is written; also its order: what tightens goes first."""

    HOLD = "Hold"
    RECORD = "Record"
    MOVE = "Move"
    GIVE_BACK = "GiveBack"
    TIDY = "Tidy"


@dataclass(frozen=True, slots=True)
class Change:
    """One field's change, for people."""

    field: str
    before: Raw
    after: Raw


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd that was found on an object."""

    key: ObjectKey
    field: str
    what: FieldFinding | LedgerFinding
    by: str = ""
    """The managers whose value it is, where an edit was found."""


@dataclass(frozen=True, slots=True)
class Write:
    """One patch: a merge patch guarded by resourceVersion, in the name of `manager`."""

    key: ObjectKey
    purpose: Purpose
    patch: JsonObject
    manager: str
    ledger: Ledger | None
    changes: tuple[Change, ...] = ()
    create: bool = False
    """The object does not exist yet: the patch is its whole body."""


@dataclass(frozen=True, slots=True)
class Step:
    """What planning one target came to."""

    write: Write | None
    pending: bool
    """Something waits for the fence: to be loosened, moved or recorded."""
    held: Mapping[ObjectKey, Ledger]
    """The ledger of every object that is held once `write`, if any, is committed."""
    findings: tuple[Finding, ...] = ()
    uids: Mapping[ObjectKey, str] = field(default_factory=dict)


@dataclass(slots=True)
class Draft:
    """One object on its way to its next patch."""

    live: JsonObject
    key: ObjectKey
    paths: Mapping[str, tuple[str, ...]]
    """Every field that we may ever hold on this kind of object, by its name in the ledger."""
    ledger: Ledger | None
    finding: LedgerFinding | None
    witnessed: bool
    """A second copy, or an earlier give-back, shows that what stands in our name was ours."""
    plans: dict[str, FieldPlan] = field(default_factory=dict)
    remembered: dict[str, Raw] = field(default_factory=dict)
    pending: bool = False
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        live: JsonObject,
        *,
        key: ObjectKey,
        paths: Mapping[str, tuple[str, ...]],
        copies: Sequence[Copy],
        facts: Facts,
    ) -> "Draft":
        """Find the ledger that counts for the object."""
        ours = [name for name, path in paths.items() if ownership.is_ours(live, path)]
        mine = [copy for copy in copies if copy.object_uid == uid(live)]
        found = standing(
            annotation(live, LEDGER_ANNOTATION),
            copies=mine,
            object_uid=uid(live),
            open_incidents=facts.open_incidents,
            ours=ours,
        )
        draft = cls(
            live=live,
            key=key,
            paths=paths,
            ledger=found.ledger,
            finding=found.finding,
            witnessed=bool(mine) or found.ledger is not None or ownership.gave_back(live),
            remembered=dict(found.ledger.remembered) if found.ledger else {},
        )
        if found.finding is not None:
            draft.findings.append(Finding(key, "", found.finding))
        return draft

    def state(
        self,
        name: str,
        *,
        control: AnyControl,
        holds: Sequence[AnyHold],
        memory: Raw = None,
        autoscaled: bool = False,
    ) -> FieldState:
        """Give one field as it stands."""
        return FieldState(
            control=control,
            live=value_at(self.live, control.path),
            entry=None if self.ledger is None else self.ledger.fields.get(name),
            ours=ownership.is_ours(self.live, control.path),
            holds=holds,
            autoscaled=autoscaled and ownership.is_autoscaled(self.live, control.path),
            memory=memory,
        )

    def settle(self, name: str, plan: FieldPlan) -> None:
        """Take a field's plan into the object's next patch."""
        self.plans[name] = plan
        self.pending = self.pending or plan.pending
        if plan.finding is not None:
            managers = ownership.owners(self.live, self.paths[name])
            told = ", ".join(sorted({owner.manager for owner in managers}))
            self.findings.append(Finding(self.key, name, plan.finding, by=told))

    def plan(self, name: str, state: FieldState, *, facts: Facts) -> None:
        """Plan a field by the common rules."""
        self.settle(name, plan_field(state, facts=facts))

    def _changes(self, names: Sequence[str]) -> tuple[Change, ...]:
        return tuple(
            Change(name, value_at(self.live, self.paths[name]), self.plans[name].desired)
            for name in names
            if value_at(self.live, self.paths[name]) != self.plans[name].desired
        )

    def _entries(self, *, released: bool) -> dict[str, Any]:
        """Give the ledger's fields with what is released still in it, or out of it."""
        before = self.ledger.fields if self.ledger else {}
        entries = dict(before)
        for name, plan in self.plans.items():
            if plan.entry is not None:
                entries[name] = plan.entry
            elif released:
                entries.pop(name, None)
        return entries

    def ledger_after(self, *, released: bool = True) -> Ledger | None:
        """Give the ledger once this draft's patches are in; None once nothing is held."""
        entries = self._entries(released=released)
        if not entries and not self.remembered:
            return None
        if self.ledger is None:
            first = next(iter(entries.values()))
            return Ledger(epoch=first.uid, sequence=1, fields=entries, remembered=self.remembered)
        after = replace(self.ledger, fields=entries, remembered=self.remembered)
        if after == self.ledger and annotation(self.live, LEDGER_ANNOTATION) == after.to_text():
            return after
        return replace(after, sequence=self._sequence() + 1)

    def _sequence(self) -> int:
        """Never go back behind what is written on the object in the same epoch."""
        found = Ledger.from_text(annotation(self.live, LEDGER_ANNOTATION))
        if self.ledger is None:
            return 0
        if found is None or found.epoch != self.ledger.epoch:
            return self.ledger.sequence
        return max(found.sequence, self.ledger.sequence)

    def _write(
        self, purpose: Purpose, *, manager: str, ledger: Ledger | None, names: Sequence[str]
    ) -> Write:
        text = None if ledger is None else ledger.to_text()
        patch: JsonObject = {
            "metadata": {
                "resourceVersion": resource_version(self.live),
                "annotations": {LEDGER_ANNOTATION: text},
            }
        }
        changes = self._changes(names)
        for change in changes:
            at = patch
            *above, last = self.paths[change.field]
            for step in above:
                at = at.setdefault(step, {})
            at[last] = change.after
        return Write(self.key, purpose, patch, manager, ledger, changes)

    def next_write(self, *, fenced: bool) -> Write | None:
        """Give the next patch of this object: hold or record, then give back, then tidy."""
        text = annotation(self.live, LEDGER_ANNOTATION)
        held = [name for name, plan in self.plans.items() if plan.entry is not None]
        entries = self.ledger.fields if self.ledger else {}
        released = [
            name
            for name, plan in self.plans.items()
            if plan.entry is None
            and (name in entries or plan.desired != value_at(self.live, self.paths[name]))
        ]
        changes = self._changes(held)
        interim = self.ledger_after(released=False)
        if held and (changes or interim is None or interim.to_text() != text):
            purpose = Purpose.HOLD if changes else Purpose.RECORD
            return self._write(purpose, manager=MANAGER, ledger=interim, names=held)
        if not fenced:
            return None
        after = self.ledger_after()
        after_text = None if after is None else after.to_text()
        if self._changes(released) or after_text != text:
            return self._write(
                Purpose.GIVE_BACK, manager=GIVE_BACK_MANAGER, ledger=after, names=released
            )
        return self._tidy(after)

    def waits(self) -> bool:
        """Tell whether something of this object is left to do once the fence allows it."""
        return self.pending or self.next_write(fenced=True) is not None

    def _tidy(self, ledger: Ledger | None) -> Write | None:
        if not self.witnessed:
            return None
        paths = [self.paths[name] for name in (ledger.fields if ledger else {})]
        entries = ownership.tidied(self.live, held=paths)
        if entries is None:
            return None
        patch: JsonObject = {
            "metadata": {
                "resourceVersion": resource_version(self.live),
                # An empty list is taken for "unchanged"; one empty entry empties it.
                "managedFields": entries or [{}],
            }
        }
        return Write(self.key, Purpose.TIDY, patch, MANAGER, ledger)


def next_step(drafts: Sequence[Draft], *, facts: Facts) -> Step:
    """Choose the next patch of one target: what holds comes first, on every object.

    Only once nothing is left to hold on any of them is something let go on one.
    """
    write = None
    for fenced in (False, True) if facts.fenced else (False,):
        for draft in drafts:
            write = write or draft.next_write(fenced=fenced)
    held = {draft.key: after for draft in drafts if (after := draft.ledger_after()) is not None}
    return Step(
        write=write,
        pending=not facts.fenced and any(draft.waits() for draft in drafts),
        held=held,
        findings=tuple(found for draft in drafts for found in draft.findings),
        uids={draft.key: uid(draft.live) for draft in drafts},
    )
