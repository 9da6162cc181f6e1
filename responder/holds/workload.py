"""A workload as one target: a scale target together with the autoscaler that owns it.

Above zero the limit stands on the autoscaler's bounds and the replicas stay the autoscaler's; at
zero it stands on both; without an autoscaler on the replicas alone. The replicas from before the
first hold are remembered beside the bounds, in the same write. When a hold moves between objects,
the new place is held before the old one is let go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from responder.holds import ownership
from responder.holds.autoscaler import MAX_FIELD, MAX_REPLICAS, MIN_FIELD, MIN_REPLICAS
from responder.holds.fields import Facts, FieldPlan, plan_field, vanished
from responder.holds.ledger import Copy
from responder.holds.limits import Hold, Holder
from responder.holds.objects import JsonObject, ObjectKey, name, namespace, value_at
from responder.holds.planning import Draft, Step, next_step
from responder.holds.replicas import FIELD as REPLICAS_FIELD
from responder.holds.replicas import REPLICAS

DEPLOYMENT: Final = "Deployment"
AUTOSCALER: Final = "HorizontalPodAutoscaler"

_DEPLOYMENT_PATHS: Final[Mapping[str, tuple[str, ...]]] = {REPLICAS_FIELD: REPLICAS.path}
_AUTOSCALER_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    MAX_FIELD: MAX_REPLICAS.path,
    MIN_FIELD: MIN_REPLICAS.path,
}
_BOUND: Final = "bound"
"""Remembered beside the replicas: the maximum that we held the autoscaler to."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload as it stands, and what is asked of it."""

    deployment: JsonObject | None
    autoscalers: Sequence[JsonObject]
    """Those that may be held; looked up afresh each time."""
    holds: Sequence[Hold[int]]
    copies: Sequence[Copy] = field(default_factory=tuple)


def plan_workload(workload: Workload, *, facts: Facts) -> Step:
    """Give the next patch that brings the workload to what is asked of it."""
    return _Planner(workload, facts).step()


class _Planner:
    """One planning of one workload; made for it and thrown away."""

    def __init__(self, workload: Workload, facts: Facts) -> None:
        self.facts = facts
        self.copies = workload.copies
        self.deployment = (
            None
            if workload.deployment is None
            else self._draft(workload.deployment, DEPLOYMENT, _DEPLOYMENT_PATHS)
        )
        self.autoscalers = [
            self._draft(live, AUTOSCALER, _AUTOSCALER_PATHS) for live in workload.autoscalers
        ]
        self.holds = [*workload.holds, *self._ghosts()]
        self.limit = min((hold.limit for hold in self.holds), default=None)
        self.autoscaled = bool(self.autoscalers) and self.limit != 0

    def _draft(self, live: JsonObject, kind: str, paths: Mapping[str, tuple[str, ...]]) -> Draft:
        key = ObjectKey(kind, namespace(live), name(live))
        return Draft.of(live, key=key, paths=paths, copies=self.copies, facts=self.facts)

    def _ghosts(self) -> list[Hold[int]]:
        """A vanished incident held the workload, not one of its objects: it counts for all."""
        found = []
        for draft, field_name, control in self._limiting():
            entry = draft.ledger.fields.get(field_name) if draft.ledger else None
            ghost = vanished(entry, control=control, facts=self.facts) if entry else None
            if ghost is not None and isinstance(ghost.limit, int):
                found.append(Hold(Holder(name=ghost.holder, uid=ghost.uid), ghost.limit))
        return found

    def _limiting(self) -> list[tuple[Draft, str, Any]]:
        deployment = [(self.deployment, REPLICAS_FIELD, REPLICAS)] if self.deployment else []
        return [*deployment, *((draft, MAX_FIELD, MAX_REPLICAS) for draft in self.autoscalers)]

    def step(self) -> Step:
        remembered = self._remembered()
        if self.deployment is not None:
            self._plan_replicas(self.deployment, remembered)
        for draft in self.autoscalers:
            self._plan_bounds(draft, remembered=remembered)
        drafts = [*self.autoscalers, *([self.deployment] if self.deployment else [])]
        return next_step(drafts, facts=self.facts)

    def _live_replicas(self) -> int | None:
        if self.deployment is None:
            return None
        found = value_at(self.deployment.live, REPLICAS.path)
        return found if isinstance(found, int) else 1

    def _remembered(self) -> tuple[int, int | None] | None:
        """Give the replicas before the first hold, and the bound they were held to since.

        From the Deployment's own ledger, else from an autoscaler's, else from the copy of one that
        was deleted during the hold.
        """
        entry = self._replicas_entry()
        if entry is not None and not entry.unknown and isinstance(entry.baseline, int):
            return entry.baseline, entry.applied
        ledgers = [draft.ledger for draft in self.autoscalers if draft.ledger]
        if not ledgers:
            copies = [copy for copy in self.copies if copy.key.kind == AUTOSCALER]
            ledgers = [copy.ledger for copy in sorted(copies, key=lambda c: -c.ledger.sequence)]
        for ledger in ledgers:
            found = ledger.remembered.get(REPLICAS_FIELD)
            if isinstance(found, int):
                held = ledger.fields.get(MAX_FIELD)
                bound = held.applied if held else ledger.remembered.get(_BOUND)
                return found, bound
        return None

    def _replicas_entry(self) -> Any:  # noqa: ANN401 -- Entry or None
        ledger = self.deployment.ledger if self.deployment else None
        return ledger.fields.get(REPLICAS_FIELD) if ledger else None

    def _plan_replicas(self, draft: Draft, remembered: tuple[int, int | None] | None) -> None:
        autoscaled = ownership.is_autoscaled(draft.live, REPLICAS.path)
        memory = None
        if remembered is not None:
            # Beside an autoscaler the live number is never a person's; without one it may be.
            lowered = autoscaled or self._live_replicas() == remembered[1]
            memory = remembered[0] if self.autoscalers or lowered else None
        state = draft.state(
            REPLICAS_FIELD,
            control=REPLICAS,
            holds=() if self.autoscaled else self.holds,
            memory=memory,
            autoscaled=bool(self.autoscalers) or remembered is not None,
        )
        if state.entry is None and not state.holds:
            self._restore(draft, remembered)
            return
        # A ghost counts among the workload's holds already: on the replicas alone it would keep
        # them from an autoscaler that has taken them over.
        facts = replace(self.facts, release_ghosts=True) if self.autoscaled else self.facts
        plan = plan_field(state, facts=facts)
        if plan.entry is None and self.autoscalers:
            plan = replace(plan, desired=self._released(plan.desired))
        draft.settle(REPLICAS_FIELD, plan)

    def _released(self, baseline: Any) -> int:  # noqa: ANN401 -- JSON
        """Give the replicas to leave to an autoscaler: only a workload at zero must be raised."""
        live = self._live_replicas() or 0
        if live != 0 or not isinstance(baseline, int):
            return live
        return min(baseline, *self._maxima())

    def _maxima(self) -> list[int]:
        """Give each autoscaler's maximum as it will be once this plan is carried out."""
        found = []
        for draft in self.autoscalers:
            entry = draft.ledger.fields.get(MAX_FIELD) if draft.ledger else None
            live = value_at(draft.live, MAX_REPLICAS.path)
            baseline = entry.baseline if entry and not entry.unknown else live
            found.append(baseline if self.limit is None else min(baseline, max(1, self.limit)))
        return found

    def _restore(self, draft: Draft, remembered: tuple[int, int | None] | None) -> None:
        """Give back the replicas that an autoscaler lowered on our behalf, if still there."""
        if remembered is None or self.limit is not None:
            return
        before, bound = remembered
        live = self._live_replicas()
        maxima = [value_at(item.live, MAX_REPLICAS.path) for item in self.autoscalers]
        desired = min([before, *maxima])
        if live is None or live != bound or desired <= live:
            # Moved since, or the bounds are still ours: those are given back first.
            return
        if self.facts.fenced:
            draft.settle(REPLICAS_FIELD, FieldPlan(desired, None))
        else:
            draft.pending = True

    def _plan_bounds(self, draft: Draft, *, remembered: tuple[int, int | None] | None) -> None:
        entry = draft.ledger.fields.get(MAX_FIELD) if draft.ledger else None
        for field_name, control in ((MAX_FIELD, MAX_REPLICAS), (MIN_FIELD, MIN_REPLICAS)):
            state = draft.state(field_name, control=control, holds=self.holds)
            if state.entry is not None or state.holds:
                draft.plan(field_name, state, facts=self.facts)
        if self.limit is not None:
            if REPLICAS_FIELD not in draft.remembered and draft.plans:
                live = self._live_replicas()
                before = remembered[0] if remembered is not None else live
                if before is not None:
                    draft.remembered[REPLICAS_FIELD] = before
            return
        if not draft.remembered:
            return
        if not self.facts.fenced:
            draft.pending = True
            return
        bound = entry.applied if entry is not None else draft.remembered.get(_BOUND)
        before = draft.remembered.get(REPLICAS_FIELD)
        live = self._live_replicas()
        if self._replicas_entry() is None and live == bound and before is not None:
            ceiling = draft.plans[MAX_FIELD].desired if MAX_FIELD in draft.plans else None
            ceiling = ceiling or value_at(draft.live, MAX_REPLICAS.path)
            if min(before, ceiling) > live:
                draft.remembered[_BOUND] = bound
                return
        draft.remembered.clear()


def scales(autoscaler: JsonObject, *, deployment: str) -> bool:
    """Tell whether the autoscaler owns the Deployment's replicas."""
    target = value_at(autoscaler, ("spec", "scaleTargetRef"))
    return (
        isinstance(target, dict)
        and target.get("kind") == DEPLOYMENT
        and target.get("name") == deployment
    )
