"""The next patch of one target: the words in which planning answers.

A plan is a single next step. Its executor applies it, puts the answered object in place of the old
one and plans again until nothing is left, so every interrupted prefix is a state like any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from responder.holds.fields import FieldFinding
from responder.holds.ledger import Ledger, LedgerFinding, Raw
from responder.holds.objects import JsonObject, ObjectKey

Place = tuple[ObjectKey, str]
"""One field of one object."""


class Purpose(StrEnum):
    """Why a patch is written."""

    CREATE = "Create"
    HOLD = "Hold"
    RECORD = "Record"
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
class Revert:
    """What was held and somebody else set looser than is asked for."""

    key: ObjectKey
    field: str
    by: str
    """The managers whose value it is; empty where a key was removed, which nobody owns."""
    wanted: Raw
    """What is to stand there instead."""

    @property
    def place(self) -> Place:
        return (self.key, self.field)


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
    reverts: tuple[Revert, ...] = ()
    uids: Mapping[ObjectKey, str] = field(default_factory=dict)
