"""Whether a ledger's values are such as its object can have: anyone may write an annotation."""

from collections.abc import Mapping
from typing import Final

from responder.holds.ledger import Ledger, Raw

IDENTITY: Final = "of"
"""What a ledger remembers of its neighbour are numbers, and under this name whose they are."""


def is_sound(
    ledger: Ledger, *, paths: Mapping[str, tuple[str, ...]], value_type: type[int] | type[str]
) -> bool:
    """Tell whether the object can have these values: anyone may write an annotation."""

    def fits(value: Raw) -> bool:
        return isinstance(value, value_type) and not (isinstance(value, int) and value < 0)

    remembered = [value for key, value in ledger.remembered.items() if key != IDENTITY]
    for name, entry in ledger.fields.items():
        # A number is defaulted by the API server and never absent; a key may be.
        known = value_type is str if entry.baseline is None else fits(entry.baseline)
        ghost = entry.ghost is None or fits(entry.ghost.limit)
        if name not in paths or not (known or entry.unknown) or not fits(entry.applied):
            return False
        if not ghost:
            return False
    return all(value_type is int and fits(value) for value in remembered)
