"""A ConfigMap as one target: hold documents and plain keys, each key a field of its own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from responder.holds.draft import Draft, next_step
from responder.holds.fields import Facts, vanished
from responder.holds.keys import PlainKeyControl
from responder.holds.ledger import Copy, Entry, Ledger
from responder.holds.limits import AnyControl, AnyHold
from responder.holds.objects import (
    HOLD_KEY,
    LEDGER_ANNOTATION,
    MANAGER,
    SENDING_HOLDS,
    JsonObject,
    ObjectKey,
    annotation,
    value_at,
)
from responder.holds.planning import Change, Purpose, Step, Write
from responder.holds.sending import SendingControl

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
    """None where it does not exist: it is then created, with what is asked of it."""
    keys: Mapping[str, HeldKey]
    copies: Sequence[Copy] = field(default_factory=tuple)


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
        copies=document.copies,
        facts=facts,
    )
    for name in names:
        held = document.keys.get(name)
        entry = draft.ledger.fields.get(name) if draft.ledger else None
        if held is None and entry is None:
            continue
        control = held.control if held else control_for(document.key, name, entry)
        if held is None and entry and vanished(entry, control=control, facts=facts) is None:
            draft.drop_returned(name)
        state = draft.state(name, control=control, holds=held.holds if held else ())
        draft.plan(name, state, facts=facts)
    return next_step([draft], facts=facts)


def control_for(key: ObjectKey, name: str, entry: Entry | None) -> AnyControl:
    """Give the control of a key that nobody asks anything of any more.

    The order of a plain key's values is known to those who ask only: what a vanished incident left
    there counts as the strictest, whatever else stands there.
    """
    if name == HOLD_KEY or key.name == SENDING_HOLDS:
        return SendingControl(name)
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
    """Create the ConfigMap with its ledger in one write; every baseline is an absent key."""
    empty: JsonObject = {"metadata": {"name": document.key.name}}
    facts = Facts(present=(), open_incidents=(), fenced=False, release_ghosts=True)
    names = sorted(name for name, held in document.keys.items() if held.holds)
    if not names:
        return Step(write=None, pending=False, held={})
    draft = Draft.of(
        empty,
        key=document.key,
        paths={name: ("data", name) for name in names},
        value_type=str,
        copies=(),
        facts=facts,
    )
    for name in names:
        held = document.keys[name]
        draft.plan(name, draft.state(name, control=held.control, holds=held.holds), facts=facts)
    ledger = draft.ledger_after()
    data: dict[str, Any] = {name: draft.plans[name].desired for name in names}
    body: JsonObject = {
        "apiVersion": "v1",
        "kind": CONFIG_MAP,
        "metadata": {
            "name": document.key.name,
            "namespace": document.key.namespace,
            "annotations": {LEDGER_ANNOTATION: ledger.to_text() if ledger else None},
        },
        "data": data,
    }
    changes = tuple(Change(name, None, value) for name, value in data.items())
    write = Write(document.key, Purpose.HOLD, body, MANAGER, ledger, changes, create=True)
    return Step(write=write, pending=False, held={document.key: ledger} if ledger else {})
