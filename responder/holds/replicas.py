"""Control `replicas`: fewer pods of a workload."""

from collections.abc import Sequence
from typing import Final

from responder.holds.ledger import Raw
from responder.holds.limits import Holder

FIELD: Final = "replicas"


class ReplicasControl:
    """`spec.replicas` of a scale target; the limit is a number of pods, 0 or more."""

    path = ("spec", "replicas")
    order = ()

    def strictest(self, limits: Sequence[int]) -> int:
        return min(limits)

    def limit_of(self, raw: Raw) -> int | None:
        return raw if isinstance(raw, int) else None

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
