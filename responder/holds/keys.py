"""Control `keys`: named plain keys of a ConfigMap, for senders that can't be changed.

The playbook gives the order of the key's values from mild to strict. A value outside of it counts
as milder than all: what is not known to be strict must not stop a hold.
"""

import math
from collections.abc import Sequence

from responder.holds.ledger import Raw
from responder.holds.limits import Holder


class PlainKeyControl:
    """One plain key; a limit is a position in `order`."""

    def __init__(self, key: str, order: tuple[str, ...]) -> None:
        self.key = key
        self.order = order
        self.path = ("data", key)

    def strictest(self, limits: Sequence[int]) -> int:
        return max(limits)

    def limit_of(self, raw: Raw) -> int | None:
        return self.order.index(raw) if raw in self.order else -1

    def relaxed(self, limit: int, *, share: float, baseline: Raw) -> int:
        """Take the order's values as even steps from all to nothing; one of two stays as it is."""
        del baseline
        strictest = len(self.order) - 1
        return min(limit, max(1, math.floor(round((1 - share) * strictest, 6))))

    def write(self, effective: int, *, baseline: Raw, applied: Raw, holder: Holder) -> Raw:
        del applied, holder
        return self.order[effective] if effective >= 0 else baseline

    def abridged(self, applied: Raw) -> Raw:
        return applied

    def loosens(self, new: Raw, *, live: Raw, effective: int | None) -> bool:
        del effective
        return (self.limit_of(new) or 0) < (self.limit_of(live) or 0)
