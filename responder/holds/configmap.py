"""A ConfigMap as one target: hold documents and plain keys, each key a field of its own."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from responder.holds.carrying import laden, taken_out
from responder.holds.draft import Draft, next_step
from responder.holds.fields import Facts, FieldFinding, FieldPlan, vanished
from responder.holds.keys import PlainKeyControl
from responder.holds.ledger import Copy, Entry, Ledger, united
from responder.holds.limits import AnyControl, AnyHold
from responder.holds.objects import (
    CREATE_MANAGER,
    HOLD_KEY,
    LEDGER_ANNOTATION,
    MANAGED_BY_LABEL,
    MANAGER,
    SENDING_HOLDS,
    JsonObject,
    ObjectKey,
    annotation,
    value_at,
)
from responder.holds.ownership import is_unmanaged
from responder.holds.planning import Purpose, Step, Write
from responder.holds.room import Kept, Room
from responder.holds.sending import SendingControl, is_signed

CONFIG_MAP: Final = "ConfigMap"
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One key and what is asked of it."""

    control: AnyControl
    holds: Sequence[AnyHold]


@dataclass(frozen=True, slots=True)
class Document:
    """One ConfigMap as it stands, and what is asked of its keys."""

    key: ObjectKey
    live: JsonObject | None
    """None where it does not exist: it is then created."""
    keys: Mapping[str, HeldKey]
    copies: Sequence[Copy] = field(default_factory=tuple)
    refused: Collection[str] = frozenset()
    """Keys that are not written for now, because the API server refuses them."""
    waiting: Collection[str] = frozenset()
    """Keys that are left as they are in this patch."""
    resting: Collection[str] = frozenset()
    """Keys that are not held anew for a moment, e.g. because somebody alters what is written."""


def plan_document(document: Document, *, facts: Facts) -> Step:
    """Give the next patch that brings the ConfigMap to what is asked of it."""
    if document.live is None:
        return _creation(document)
    ledgers = [copy.ledger for copy in document.copies]
    found = Ledger.from_text(annotation(document.live, LEDGER_ANNOTATION))
    told = {name for ledger in [*ledgers, *([found] if found else [])] for name in ledger.fields}
    known = {name for name in told if _KEY.fullmatch(name)}
    names = sorted(known | set(document.keys) | _own_keys(document.live))
    draft = Draft.of(
        document.live,
        key=document.key,
        paths={name: ("data", name) for name in names},
        value_type=str,
        copies=united(document.copies),
        facts=facts,
        whole=False,
    )
    room = Room(document.live, draft.ledger)
    for name in sorted(names, key=lambda name: _age(name, document, draft)):
        held = document.keys.get(name)
        entry = draft.ledger.fields.get(name) if draft.ledger else None
        if held is None and entry is None:
            _release_left(draft, name, facts=facts)
            continue
        control = held.control if held else control_for(document.key, name, entry)
        if held is None and entry and vanished(entry, control=control, facts=facts) is None:
            draft.drop_returned(name)
        state = draft.state(name, control=control, holds=held.holds if held else ())
        if entry is None and is_unmanaged(document.live) and is_signed(state.live):
            # managedFields, which would tell, were reset: what may be ours is never adopted.
            state = replace(state, ours=True)
        draft.plan(name, taken_out(state), facts=facts)
        if name in document.refused:
            draft.withhold(name, FieldFinding.REFUSED)
        elif name in document.waiting or (name in document.resting and state.holds):
            draft.withhold(name)
        elif not _fits(draft, name, room=room, before=Kept(state.live, entry), control=control):
            draft.withhold(name, FieldFinding.NO_ROOM)
    return next_step([draft], facts=facts)


def _fits(draft: Draft, name: str, *, room: Room, before: Kept, control: AnyControl) -> bool:
    """Take a planned key into the object; a baseline that the ledger has no room for goes along."""
    if room.takes(name, before=before, after=draft.kept(name)):
        return True
    plan = laden(draft.plans[name]) if isinstance(control, SendingControl) else None
    if plan is None or not room.takes(name, before=before, after=Kept(plan.desired, plan.entry)):
        return False
    draft.plans[name] = plan
    return True


def _release_left(draft: Draft, name: str, *, facts: Facts) -> None:
    """Give back a hold document that stands in our name and that nothing tells of any more.

    Its key is our own, so there was none before. A person asks for it, with all ghosts.
    """
    is_document = name == HOLD_KEY or draft.key.name == SENDING_HOLDS
    if not (facts.release_ghosts and is_document and name in draft.unexplained_names()):
        return
    if facts.fenced:
        draft.settle(name, FieldPlan(None, None))
    else:
        draft.pending = True


def _age(name: str, document: Document, draft: Draft) -> tuple[bool, str, str]:
    """Order what is held already before what is new, and that by who has waited longest."""
    held = document.keys.get(name)
    if held is None or (draft.ledger is not None and name in draft.ledger.fields):
        return (False, "", name)
    return (True, min((hold.holder.since for hold in held.holds), default=""), name)


def control_for(key: ObjectKey, name: str, entry: Entry | None) -> AnyControl:
    """Give the control of a key that nobody asks anything of any more.

    The order of a plain key's values is known to those who ask, and remembered by the ledger. Where
    it does not tell, what a vanished incident left there counts as the strictest, whatever else
    stands there.
    """
    if name == HOLD_KEY or key.name == SENDING_HOLDS:
        return SendingControl(name)
    if entry and entry.order:
        return PlainKeyControl(name, entry.order)
    left = entry.ghost.limit if entry and entry.ghost else entry.applied if entry else None
    return PlainKeyControl(name, () if left is None else (left,))


def _own_keys(live: JsonObject) -> set[str]:
    """Give the keys that managedFields show to be ours, e.g. after a ledger was removed."""
    found: set[str] = set()
    for entry in value_at(live, ("metadata", "managedFields")) or []:
        if entry.get("manager") == MANAGER:
            data = (entry.get("fieldsV1") or {}).get("f:data") or {}
            found |= {key.removeprefix("f:") for key in data if key.startswith("f:")}
    return found


def _creation(document: Document) -> Step:
    """Create the ConfigMap empty, under a name of its own in managedFields.

    Its label keeps an entry there for good. Once managedFields are empty, as after the first
    give-back, the API server keeps none any more, and nothing would tell whose a value is.
    """
    if not any(held.holds for held in document.keys.values()):
        return Step(write=None, pending=False, held={})
    body: JsonObject = {
        "apiVersion": "v1",
        "kind": CONFIG_MAP,
        "metadata": {
            "name": document.key.name,
            "namespace": document.key.namespace,
            "labels": {MANAGED_BY_LABEL: MANAGER},
        },
    }
    write = Write(document.key, Purpose.CREATE, body, CREATE_MANAGER, None, create=True)
    return Step(write=write, pending=False, held={})
