"""Control `replicas`: fewer pods of a workload."""

import math
from collections.abc import Sequence
from typing import Final

from responder.holds.ledger import Raw
from responder.holds.limits import Holder

FIELD: Final = "replicas"


def relaxed_count(limit: int, *, share: float, whole: Raw) -> int:
    """Give the looser of a number of pods and that share of the whole, rounded up: never to 0."""
    # An absent number of replicas is defaulted to 1 by the API server.
    count = 1 if whole is None else whole
    # What binary fractions add must not make a pod more: 0.07 * 100 is 7.000000000000001.
    return max(limit, math.ceil(round(share * count, 6)))


class ReplicasControl:
    """`spec.replicas` of a scale target; the limit is a number of pods, 0 or more."""

    path = ("spec", "replicas")
    order = ()

    def strictest(self, limits: Sequence[int]) -> int:
        return min(limits)

    def limit_of(self, raw: Raw) -> int | None:
        return raw if isinstance(raw, int) else None

    def relaxed(self, limit: int, *, share: float, baseline: Raw) -> int:
        return relaxed_count(limit, share=share, whole=baseline)

    def write(self, effective: int, *, baseline: Raw, applied: Raw, holder: Holder) -> Raw:
        del baseline, applied, holder
        return effective

    def abridged(self, applied: Raw) -> Raw:
        return applied

    def loosens(self, new: Raw, *, live: Raw, effective: int | None) -> bool:
        del effective
        # An absent `replicas` is defaulted to 1 by the API server, never seen absent from it.
        return (1 if new is None else new) > (1 if live is None else live)


REPLICAS: Final = ReplicasControl()
