"""What an autoscaler's ledger remembers of the replicas: before the first hold, and since."""

from dataclasses import dataclass
from typing import Final

from responder.holds.ledger import Ledger

BOUND: Final = "bound"
"""Remembered beside the replicas: the lowest maximum that we held the autoscaler to.

Raised again by a milder hold that remains, it does not raise them by itself: without a metric they
stay where the lowest one brought them, or go to the minimum.
"""
TOP: Final = "top"
"""The last maximum that we held it to, once that is given back: an autoscaler's sync in flight may
still bring the replicas there.
"""


@dataclass(frozen=True, slots=True)
class Before:
    """The replicas from before the first hold, and where our holds have brought them since."""

    replicas: int
    lowest: int
    highest: int

    def lowered(self, live: int | None) -> bool:
        """Tell whether a number is still one that our bounds made."""
        return live is not None and self.lowest <= live <= self.highest


def bound_of(ledger: Ledger | None, name: str = BOUND) -> int | None:
    """Read a maximum; anyone may have written the annotation."""
    found = ledger.remembered.get(name) if ledger else None
    return found if isinstance(found, int) else None
