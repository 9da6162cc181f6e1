"""The ledger: what a held object itself remembers of its baseline and of what we last wrote.

One annotation, written in the same patch as the change it tells of. It carries no counts and no
lists: an annotation write bumps a Deployment's generation, and it must not grow with incidents.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from responder.holds.objects import JsonObject, ObjectKey

Raw = Any
"""A field's value as JSON: text or an integer; None means that the field is absent."""

_MOST: Final = 2**53
"""What JSON's numbers can be relied on to carry."""


def _raw(told: Any) -> Raw:  # noqa: ANN401 -- whatever was found
    if told is None or isinstance(told, str):
        return told
    if isinstance(told, int) and not isinstance(told, bool) and abs(told) < _MOST:
        return told
    raise TypeError(told)


def _text(told: Any) -> str:  # noqa: ANN401 -- as above
    if not isinstance(told, str):
        raise TypeError(told)
    return told


def _texts(told: Any) -> tuple[str, ...]:  # noqa: ANN401 -- as above
    if not isinstance(told, list):
        raise TypeError(told)
    return tuple(map(_text, told))


@dataclass(frozen=True, slots=True)
class Ghost:
    """A hold whose incident vanished unfinished; it stands until a person releases it."""

    holder: str
    uid: str
    limit: Raw


@dataclass(frozen=True, slots=True)
class Entry:
    """What is remembered of one field."""

    baseline: Raw
    applied: Raw
    holder: str
    uid: str
    unknown: bool = False
    """The baseline could not be learnt: it is never given back by guess."""
    ghost: Ghost | None = None
    order: tuple[str, ...] = ()
    """Of a plain key: its values from mild to strict, which only those who ask for it know."""
    carried: bool = False
    """The baseline is in the document that was applied: there was no room for it here."""

    def to_json(self) -> JsonObject:
        told: JsonObject = {
            "baseline": self.baseline,
            "applied": self.applied,
            "holder": self.holder,
            "uid": self.uid,
        }
        if self.unknown:
            told["unknown"] = True
        if self.ghost is not None:
            told["ghost"] = {
                "holder": self.ghost.holder,
                "uid": self.ghost.uid,
                "limit": self.ghost.limit,
            }
        if self.order:
            told["order"] = list(self.order)
        if self.carried:
            told["carried"] = True
        return told

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Entry":
        """Read an entry; raises KeyError or TypeError where it is none."""
        ghost = told.get("ghost")
        return cls(
            baseline=_raw(told.get("baseline")),
            applied=_raw(told.get("applied")),
            holder=_text(told["holder"]),
            uid=_text(told["uid"]),
            unknown=bool(told.get("unknown", False)),
            ghost=None
            if ghost is None
            else Ghost(
                holder=_text(ghost["holder"]), uid=_text(ghost["uid"]), limit=_raw(ghost["limit"])
            ),
            order=_texts(told.get("order", [])),
            carried=bool(told.get("carried", False)),
        )


compact_json: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
"""As json.dumps, which would make an encoder anew each time: a storm writes many ledgers."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """One epoch's memory of one object."""

    epoch: str
    """uid of the incident that began it."""
    sequence: int
    fields: Mapping[str, Entry] = field(default_factory=dict)
    remembered: Mapping[str, Raw] = field(default_factory=dict)
    """Values of a neighbour before the first hold, e.g. the replicas under a bounded autoscaler."""

    def to_json(self) -> JsonObject:
        told: JsonObject = {
            "epoch": self.epoch,
            "sequence": self.sequence,
            "fields": {key: entry.to_json() for key, entry in sorted(self.fields.items())},
        }
        if self.remembered:
            told["remembered"] = dict(sorted(self.remembered.items()))
        return told

    def only(self, names: Collection[str]) -> "Ledger":
        """Give what it remembers of some of the fields."""
        return replace(self, fields={k: v for k, v in self.fields.items() if k in names})

    def to_text(self) -> str:
        """Write the annotation's value: compact and with a stable order."""
        return compact_json(self.to_json())

    @classmethod
    def from_json(cls, told: Any) -> "Ledger | None":  # noqa: ANN401 -- whatever was found
        """Read a ledger; None where it is not one, whoever wrote it."""
        try:
            sequence = _raw(told["sequence"])
            ledger = cls(
                epoch=_text(told["epoch"]),
                sequence=max(0, sequence),
                fields={str(key): Entry.from_json(e) for key, e in told["fields"].items()},
                remembered={key: _raw(value) for key, value in told.get("remembered", {}).items()},
            )
            # JSON can spell half a surrogate pair, which no request could carry back.
            ledger.to_text().encode()
        except (KeyError, TypeError, ValueError, AttributeError):
            return None
        return ledger

    @classmethod
    def from_text(cls, text: str | None) -> "Ledger | None":
        if text is None:
            return None
        try:
            return cls.from_json(json.loads(text))
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Copy:
    """The second copy, from an incident's status: it outlives what happens to annotations."""

    key: ObjectKey
    object_uid: str
    ledger: Ledger
    leaving: bool = False
    """Its incident lets go: what is gone was given back, by this process or by another one."""


def united(copies: Iterable[Copy]) -> list[Copy]:
    """Put together the copies of one epoch, each of which tells of its incident's fields alone.

    Of each field the newest counts, and the newest of all gives the sequence.
    """
    found: dict[tuple[ObjectKey, str, str], Copy] = {}
    for copy in sorted(copies, key=lambda copy: copy.ledger.sequence):
        place = (copy.key, copy.object_uid, copy.ledger.epoch)
        before = found.get(place)
        known = before.ledger.fields if before else {}
        whole = replace(copy.ledger, fields={**known, **copy.ledger.fields})
        leaving = copy.leaving and (before is None or before.leaving)
        found[place] = replace(copy, ledger=whole, leaving=leaving)
    return list(found.values())


class LedgerFinding(StrEnum):
    """What was odd about the ledger on the object."""

    MISSING = "LedgerMissing"
    OUTDATED = "LedgerOutdated"
    WRONG_EPOCH = "LedgerOfAnotherEpoch"
    UNREADABLE = "LedgerUnreadable"


@dataclass(frozen=True, slots=True)
class Standing:
    """The ledger that counts, and what was found on the way to it."""

    ledger: Ledger | None
    finding: LedgerFinding | None = None


def standing(
    text: str | None,
    *,
    copies: Iterable[Copy],
    object_uid: str,
    present: Collection[str],
    open_incidents: Collection[str],
    ours: Collection[str],
    signed: bool,
    unmanaged: bool = False,
    sound: Callable[[Ledger], bool] = lambda _: True,
) -> Standing:
    """Choose the ledger that counts for an object.

    `text` is the annotation as found, `present` the uids of all incidents, `open_incidents` of
    those not yet closed. managedFields give us the fields named by `ours` and, where it is
    `signed`, the annotation; of an object that is `unmanaged` they tell nothing. `sound` tells
    whether the values are such as the object can have. An old annotation can come back by itself
    (`kubectl rollout undo` replaces all of them, and makes them its own): without a witness it is
    not a ledger.
    """
    found = Ledger.from_text(text)
    if found is not None and not sound(found):
        found = None
    unreadable = LedgerFinding.UNREADABLE if text is not None and found is None else None
    same_object = [copy.ledger for copy in copies if copy.object_uid == object_uid]
    newest = max(
        same_object,
        key=lambda copy: (found is not None and copy.epoch == found.epoch, copy.sequence),
        default=None,
    )
    if newest is not None:
        return _against_copy(found, copy=newest, unreadable=unreadable)
    if found is None:
        return Standing(None, unreadable)
    uids = {found.epoch, *(entry.uid for entry in found.fields.values())}
    # What we wrote last tells of what we hold, whoever it is for: a process that saw too late that
    # an incident was closed may have held for it anew, and that hold is to be given back.
    if signed or not uids.isdisjoint(open_incidents):
        return Standing(found)
    # An incident is closed only once all is given back, so a closed holder is of an older epoch;
    # one that vanished may have left its hold behind.
    left = (key for key, entry in found.fields.items() if entry.uid not in present)
    if any(unmanaged or key in ours for key in left) or (unmanaged and not found.fields):
        return Standing(found)
    return Standing(None, LedgerFinding.WRONG_EPOCH)


def _against_copy(
    found: Ledger | None, *, copy: Ledger, unreadable: LedgerFinding | None
) -> Standing:
    if found is None:
        return Standing(copy, unreadable or LedgerFinding.MISSING)
    if found.epoch != copy.epoch:
        return Standing(copy, LedgerFinding.WRONG_EPOCH)
    if found.sequence < copy.sequence:
        return Standing(copy, LedgerFinding.OUTDATED)
    return Standing(found)
