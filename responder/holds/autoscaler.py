"""Control `autoscaler`: tighter bounds of the HorizontalPodAutoscaler that owns a workload.

The limit is the workload's: a number of pods. Above zero it caps both bounds. Zero is held on the
workload itself, and the bounds are pinned to 1..1 beside it: an autoscaler's sync in flight
re-raises a bare zero, and `minReplicas: 0` would let it wake a workload that is held at zero.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from responder.holds.fields import FieldPlan, FieldState
from responder.holds.ledger import Raw
from responder.holds.limits import Holder
from responder.holds.replicas import relaxed_count

MAX_FIELD: Final = "maxReplicas"
MIN_FIELD: Final = "minReplicas"


class MaxReplicasControl:
    """`spec.maxReplicas`; it can't be below 1."""

    path = ("spec", "maxReplicas")
    order = ()

    def strictest(self, limits: Sequence[int]) -> int:
        return min(limits)

    def limit_of(self, raw: Raw) -> int | None:
        return raw if isinstance(raw, int) else None

    def relaxed(self, limit: int, *, share: float, baseline: Raw) -> int:
        return relaxed_count(limit, share=share, whole=baseline)

    def write(self, effective: int, *, baseline: Raw, applied: Raw, holder: Holder) -> Raw:
        del applied, holder
        bound = max(1, effective)
        return min(bound, baseline) if isinstance(baseline, int) else bound

    def abridged(self, applied: Raw) -> Raw:
        return applied

    def loosens(self, new: Raw, *, live: Raw, effective: int | None) -> bool:
        del effective
        return isinstance(new, int) and isinstance(live, int) and new > live


class MinReplicasControl:
    """`spec.minReplicas`; it never exceeds the maximum that goes with it."""

    path = ("spec", "minReplicas")
    order = ()

    def strictest(self, limits: Sequence[int]) -> int:
        return min(limits)

    def limit_of(self, raw: Raw) -> int | None:
        """A minimum of zero (from Kubernetes 1.37 on for all) lets pods go; it limits none."""
        return raw if isinstance(raw, int) and raw > 0 else None

    def relaxed(self, limit: int, *, share: float, baseline: Raw) -> int:
        return relaxed_count(limit, share=share, whole=baseline)

    def write(self, effective: int, *, baseline: Raw, applied: Raw, holder: Holder) -> Raw:
        del applied, holder
        if effective == 0:
            return 1
        return min(effective, baseline) if isinstance(baseline, int) else effective

    def abridged(self, applied: Raw) -> Raw:
        return applied

    def loosens(self, new: Raw, *, live: Raw, effective: int | None) -> bool:
        if effective == 0:
            return False
        return isinstance(new, int) and isinstance(live, int) and new > live


MAX_REPLICAS: Final = MaxReplicasControl()
MIN_REPLICAS: Final = MinReplicasControl()


def within(lowest: FieldPlan, *, ceiling: FieldPlan, state: FieldState) -> FieldPlan:
    """Keep the minimum within the maximum, or the API server refuses both.

    Their baselines may not go together: a person who lowers the maximum during a hold sees our
    minimum beside it, not their own.
    """
    if lowest.desired <= ceiling.desired:
        return lowest
    if lowest.entry is not None:
        kept = replace(lowest.entry, applied=ceiling.desired)
        return replace(lowest, desired=ceiling.desired, entry=kept)
    if ceiling.entry is not None:
        # The maximum can't be given back yet; what the minimum was is remembered until it is.
        return FieldPlan(state.live, state.entry, finding=lowest.finding)
    return replace(lowest, desired=ceiling.desired)
