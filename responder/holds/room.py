"""What an object still takes: its annotations, the ledger among them, and its data are bounded.

A patch beyond these bounds is refused as a whole, and with it the holds of everybody else.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from responder.holds.ledger import Entry, Ledger, Raw, compact_json
from responder.holds.objects import LEDGER_ANNOTATION, JsonObject, metadata

MOST_ANNOTATION_BYTES: Final = 256 * 1024
MOST_DATA_BYTES: Final = 1024 * 1024
"""Of all annotations together, and of all values of a ConfigMap: the API server's own bounds."""
_SPARE: Final = 4
"""A quarter is left to what is held already and may have to be tightened."""


_FRAME: Final = 160
"""Of a ledger, beside its entries."""


class Kept(NamedTuple):
    """One field in the object: its value, and what the ledger remembers of it."""

    value: Raw
    entry: Entry | None


@dataclass
class Room:
    """What is taken of an object as the patch being planned would leave it; in bytes.

    Measured once something is to change: most looks at an object change nothing.
    """

    live: JsonObject
    ledger: Ledger | None

    @cached_property
    def annotations(self) -> int:
        """Taken by all annotations together."""
        annotations = metadata(self.live).get("annotations") or {}
        others = {key: value for key, value in annotations.items() if key != LEDGER_ANNOTATION}
        return (
            sum(_size(key) + _size(value) for key, value in others.items())
            + _size(LEDGER_ANNOTATION)
            + (_FRAME if self.ledger is None else _size(self.ledger.to_text()))
        )

    @cached_property
    def data(self) -> int:
        """Taken by all values together."""
        return sum(map(_size, (self.live.get("data") or {}).values()))

    def takes(self, name: str, *, before: Kept, after: Kept) -> bool:
        """Take what a field becomes; False where there is no room for that.

        What becomes smaller is always taken.
        """
        if after == before:
            return True
        annotations = _entry_size(name, after.entry) - _entry_size(name, before.entry)
        data = _size(after.value) - _size(before.value)
        spare = 0 if before.entry else 1
        if not (
            _fits(self.annotations, annotations, most=MOST_ANNOTATION_BYTES, spare=spare)
            and _fits(self.data, data, most=MOST_DATA_BYTES, spare=spare)
        ):
            return False
        self.annotations += annotations
        self.data += data
        return True


def _fits(taken: int, more: int, *, most: int, spare: int) -> bool:
    return more <= 0 or taken + more <= most - spare * most // _SPARE


def _size(value: Raw) -> int:
    return len(value.encode()) if isinstance(value, str) else 0


def _entry_size(name: str, entry: Entry | None) -> int:
    if entry is None:
        return 0
    return _size(compact_json({name: entry.to_json()}))
