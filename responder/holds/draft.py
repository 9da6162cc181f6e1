"""One held object: from the plans of its fields to the next patch, each carrying its ledger.

The change and the ledger that tells of it are one patch. What tightens goes first, on every object
of a target; what loosens waits until all of that is committed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from responder.holds import ownership
from responder.holds.carrying import unladen
from responder.holds.fields import Facts, FieldFinding, FieldPlan, FieldState, plan_field
from responder.holds.ledger import Copy, Ledger, LedgerFinding, Raw, standing
from responder.holds.limits import AnyControl, AnyHold
from responder.holds.objects import (
    API_VERSIONS,
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
from responder.holds.planning import Change, Finding, Purpose, Revert, Step, Write
from responder.holds.room import Kept
from responder.holds.soundness import is_sound


@dataclass(slots=True)
class Draft:
    """One object on its way to its next patch."""

    live: JsonObject
    key: ObjectKey
    paths: Mapping[str, tuple[str, ...]]
    """Every field that we may ever hold on this kind of object, by its name in the ledger."""
    ledger: Ledger | None
    finding: LedgerFinding | None
    witnessed: frozenset[str]
    """Fields of which a ledger, a copy or a give-back on its way tells: if such a one still stands
    in our name, that it was ours is no riddle."""
    plans: dict[str, FieldPlan] = field(default_factory=dict)
    remembered: dict[str, Raw] = field(default_factory=dict)
    pending: bool = False
    findings: list[Finding] = field(default_factory=list)
    reverts: list[Revert] = field(default_factory=list)
    _is_told: bool | None = None
    """Whether the annotation has the ledger that counts as we write it; None: not looked yet."""

    @classmethod
    def of(
        cls,
        live: JsonObject,
        *,
        key: ObjectKey,
        paths: Mapping[str, tuple[str, ...]],
        value_type: type[int] | type[str],
        copies: Sequence[Copy],
        facts: Facts,
        whole: bool = True,
    ) -> "Draft":
        """Find the ledger that counts for the object; `value_type` is that of all its fields.

        `whole` tells whether each copy tells of all the fields of the object that are held.
        """

        def sound(ledger: Ledger) -> bool:
            return is_sound(ledger, paths=paths, value_type=value_type)

        written = ("metadata", "annotations", LEDGER_ANNOTATION)
        ours = [name for name, path in paths.items() if ownership.is_ours(live, path)]
        mine = [copy for copy in copies if copy.object_uid == uid(live) and sound(copy.ledger)]
        found = standing(
            annotation(live, LEDGER_ANNOTATION),
            copies=mine,
            object_uid=uid(live),
            present=facts.present,
            open_incidents=facts.open_incidents,
            ours=ours,
            signed=ownership.is_of(live, written, managers=(MANAGER, GIVE_BACK_MANAGER)),
            unmanaged=ownership.is_unmanaged(live),
            sound=sound,
        )
        draft = cls(
            live=live,
            key=key,
            paths=paths,
            ledger=found.ledger,
            finding=found.finding,
            witnessed=_witnessed(live, paths=paths, copies=mine, ledger=found.ledger, whole=whole),
            remembered=dict(found.ledger.remembered) if found.ledger else {},
        )
        if found.finding is not None:
            draft.findings.append(Finding(key, "", found.finding))
        if all(copy.leaving for copy in mine):
            # `release --all` gives back ghosts as well, of which who lets go beside it still knows.
            for name, entry in dict(found.ledger.fields if found.ledger else {}).items():
                if entry.ghost is not None or entry.uid not in facts.present:
                    draft.drop_returned(name)
        return draft

    def drop_returned(self, name: str, *, most: int | None = None) -> None:
        """Forget a field that nobody asks for and only a second copy tells of.

        The copies follow after the last patch: what was given back meanwhile stands in them still.
        A number is given back as `most` where its baseline is more.
        """
        if self.ledger is None or self.finding is not LedgerFinding.MISSING or self._is_ours(name):
            return
        if self._still_stands(name, most=most):
            return
        fields = {key: entry for key, entry in self.ledger.fields.items() if key != name}
        # Also where nothing is left of it: the next hold counts on from there, or this very copy
        # would outrank its ledger.
        self.ledger, self._is_told = replace(self.ledger, fields=fields), None

    def _still_stands(self, name: str, *, most: int | None) -> bool:
        """Tell whether what we held a field to is there yet: given back, it would not be.

        It may be in nobody's name, where it was not us who last wrote the value.
        """
        entry = self.ledger.fields.get(name) if self.ledger else None
        if entry is None or entry.unknown:
            return False
        back = entry.baseline
        if most is not None and isinstance(back, int):
            back = min(back, most)
        if back == entry.applied:
            return False
        live, path = value_at(self.live, self.paths[name]), self.paths[name]
        if entry.carried and (found := unladen(live)) is not None:
            live = found[0]
        return live == entry.applied and not ownership.is_of_others(self.live, path)

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
            others=ownership.is_of_others(self.live, control.path),
            holds=holds,
            unmarked=self.finding is LedgerFinding.MISSING,
            autoscaled=autoscaled and ownership.is_autoscaled(self.live, control.path),
            memory=memory,
        )

    def settle(self, name: str, plan: FieldPlan) -> None:
        """Take a field's plan into the object's next patch."""
        self.plans[name] = plan
        self.pending = self.pending or plan.pending
        if plan.finding is None and not plan.reverted:
            return
        managers = ownership.owners(self.live, self.paths[name])
        told = ", ".join(sorted({owner.manager for owner in managers}))
        if plan.finding is not None:
            self.findings.append(Finding(self.key, name, plan.finding, by=told))
        if plan.reverted and plan.desired != value_at(self.live, self.paths[name]):
            self.reverts.append(Revert(self.key, name, told, plan.desired))

    def plan(self, name: str, state: FieldState, *, facts: Facts) -> None:
        """Plan a field by the common rules."""
        self.settle(name, plan_field(state, facts=facts))

    def kept(self, name: str) -> Kept:
        """Give a planned field as the patch would leave it."""
        return Kept(self.plans[name].desired, self.plans[name].entry)

    def withhold(self, name: str, why: FieldFinding | None = None) -> None:
        """Leave a field as it is, and what is remembered of it."""
        del self.plans[name]
        if why is not None:
            self.findings.append(Finding(self.key, name, why))

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
        # The sequence follows the object's version: each count was a write, and each write a
        # version. So it counts on beyond an epoch before this one, and beyond what only copies
        # tell of: an old annotation of either may come back.
        version = int(resource_version(self.live))
        if self.ledger is None:
            first = next(iter(entries.values()))
            return Ledger(first.uid, version, fields=entries, remembered=self.remembered)
        after = replace(self.ledger, fields=entries, remembered=self.remembered)
        if after == self.ledger and self._stands(after):
            return after
        return replace(after, sequence=max(self.ledger.sequence + 1, version))

    def _stands(self, ledger: Ledger | None) -> bool:
        """Tell whether the annotation has just this ledger."""
        text = annotation(self.live, LEDGER_ANNOTATION)
        if ledger is None or ledger != self.ledger:
            return text == (None if ledger is None else ledger.to_text())
        if self._is_told is None:
            # The one that counts is looked for again and again, and costs a text each time.
            self._is_told = text == ledger.to_text()
        return self._is_told

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
        if manager == MANAGER and ownership.is_unmanaged(self.live):
            # Or nothing would tell our value from one that somebody else writes over it.
            patch["metadata"]["managedFields"] = ownership.begun(API_VERSIONS[self.key.kind])
        changes = self._changes(names)
        for change in changes:
            at = patch
            *above, last = self.paths[change.field]
            for step in above:
                at = at.setdefault(step, {})
            at[last] = change.after
        return Write(self.key, purpose, patch, manager, ledger, changes)

    def next_write(self, *, fenced: bool) -> Write | None:
        """Give the next patch of this object: hold or record, then give back, then tidy.

        `fenced` tells whether anything may be let go.
        """
        held = [name for name, plan in self.plans.items() if plan.entry is not None]
        leaving = all(self.plans[name].leaving for name in held)
        entries = self.ledger.fields if self.ledger else {}
        released = [
            name
            for name, plan in self.plans.items()
            if plan.entry is None
            and (name in entries or plan.desired != value_at(self.live, self.paths[name]))
        ]
        changes = self._changes(held)
        interim = self.ledger_after(released=False)
        if not leaving and (changes or interim is None or not self._stands(interim)):
            purpose = Purpose.HOLD if changes else Purpose.RECORD
            return self._write(purpose, manager=MANAGER, ledger=interim, names=held)
        if not fenced:
            return None
        after = self.ledger_after()
        stands = self._stands(after)
        if not self._changes(released) and not stands:
            # Writing the value that stands there already would leave it in our name. It is put
            # out of it while the ledger still tells that it was us: nothing would afterwards.
            emptied = self._tidy(after)
            if emptied is not None and any(self._is_ours(name) for name in released):
                return replace(emptied, ledger=interim)
        if self._changes(released) or not stands:
            return self._write(
                Purpose.GIVE_BACK, manager=GIVE_BACK_MANAGER, ledger=after, names=released
            )
        return self._tidy(after)

    def _is_ours(self, name: str) -> bool:
        return ownership.is_ours(self.live, self.paths[name])

    def loosens(self) -> bool:
        """Tell whether holding what is planned lets more through than now."""
        return any(plan.loosens for plan in self.plans.values())

    def unexplained(self) -> list[Finding]:
        """Find what stands in our name, while nothing tells what was there before or asks for it.

        It is neither held nor given back; a person who sets it takes it over.
        """
        return [
            Finding(self.key, name, FieldFinding.BASELINE_UNKNOWN)
            for name in self.unexplained_names()
        ]

    def unexplained_names(self) -> list[str]:
        """Name what stands in our name, planned by nobody, while nothing tells of it."""
        return [
            name
            for name in self.paths
            if name not in self.witnessed and name not in self.plans and self._is_ours(name)
        ]

    def waits(self) -> bool:
        """Tell whether something of this object is left to do once the fence allows it."""
        return self.pending or self.next_write(fenced=True) is not None

    def _tidy(self, ledger: Ledger | None) -> Write | None:
        # The only mark of a hold that nothing else tells of stays.
        held = ledger.fields if ledger else {}
        paths = [self.paths[name] for name in {*held, *self.unexplained_names()}]
        entries = ownership.tidied(self.live, held=paths, marked=ledger is not None)
        if entries is None:
            return None
        patch: JsonObject = {
            "metadata": {
                "resourceVersion": resource_version(self.live),
                # One empty entry is the documented way to empty it.
                "managedFields": entries or [{}],
            }
        }
        return Write(self.key, Purpose.TIDY, patch, MANAGER, ledger)


def _witnessed(
    live: JsonObject,
    *,
    paths: Mapping[str, tuple[str, ...]],
    copies: Sequence[Copy],
    ledger: Ledger | None,
    whole: bool,
) -> frozenset[str]:
    if whole:
        told = bool(copies) or ledger is not None or ownership.gave_back(live)
        return frozenset(paths if told else ())
    ledgers = [copy.ledger for copy in copies] + ([] if ledger is None else [ledger])
    return frozenset(name for found in ledgers for name in found.fields)


def next_step(drafts: Sequence[Draft], *, facts: Facts) -> Step:
    """Choose the next patch of one target: what tightens comes first, on every object.

    Then what is merely recorded, then what still holds but less than before; and only once all of
    them stand as they should is anything let go.
    """
    holding = [
        (draft.loosens(), write.purpose is Purpose.RECORD, write)
        for draft in drafts
        if (write := draft.next_write(fenced=False)) is not None
    ]
    write = min(holding, key=lambda item: item[:2])[2] if holding else None
    if write is None and facts.fenced:
        found = [draft.next_write(fenced=True) for draft in drafts]
        letting_go = [write for write in found if write is not None]
        tidying = [write for write in letting_go if write.purpose is Purpose.TIDY]
        write = next((write for write in letting_go if write not in tidying), None)
        write = write or next(iter(tidying), None)
    held = {draft.key: after for draft in drafts if (after := draft.ledger_after()) is not None}
    return Step(
        write=write,
        pending=not facts.fenced and any(draft.waits() for draft in drafts),
        held=held,
        findings=tuple(
            found for draft in drafts for found in (*draft.findings, *draft.unexplained())
        ),
        reverts=tuple(revert for draft in drafts for revert in draft.reverts),
        uids={draft.key: uid(draft.live) for draft in drafts},
    )
