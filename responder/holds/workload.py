"""A workload as one target: a scale target together with the autoscaler that owns it.

Above zero the limit stands on the autoscaler's bounds and the replicas stay the autoscaler's; at
zero it stands on both; without an autoscaler on the replicas alone. The replicas from before the
first hold are remembered beside the bounds, in the same write. When a hold moves between objects,
the new place is held before the old one is let go.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from responder.holds import ownership
from responder.holds.autoscaler import MAX_FIELD, MAX_REPLICAS, MIN_FIELD, MIN_REPLICAS, within
from responder.holds.before import BOUND, TOP, Before, bound_of
from responder.holds.draft import Draft, next_step
from responder.holds.fields import (
    Facts,
    FieldPlan,
    FieldState,
    Settled,
    baseline_of,
    plan_field,
    vanished,
)
from responder.holds.ledger import Copy, Entry, Ledger
from responder.holds.limits import Hold, Holder
from responder.holds.objects import (
    GIVE_BACK_MANAGER,
    MANAGER,
    JsonObject,
    ObjectKey,
    name,
    namespace,
    uid,
    value_at,
)
from responder.holds.planning import Step
from responder.holds.replicas import FIELD as REPLICAS_FIELD
from responder.holds.replicas import REPLICAS
from responder.holds.soundness import IDENTITY

DEPLOYMENT: Final = "Deployment"
AUTOSCALER: Final = "HorizontalPodAutoscaler"

_DEPLOYMENT_PATHS: Final[Mapping[str, tuple[str, ...]]] = {REPLICAS_FIELD: REPLICAS.path}
_AUTOSCALER_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    MAX_FIELD: MAX_REPLICAS.path,
    MIN_FIELD: MIN_REPLICAS.path,
}


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload as it stands, and what is asked of it."""

    deployment: JsonObject | None
    autoscalers: Sequence[JsonObject]
    """Those that scale it and may be held; looked up afresh each time."""
    holds: Sequence[Hold[int]]
    copies: Sequence[Copy] = field(default_factory=tuple)
    writable: bool = True
    """False where the Deployment's owner took their leave for holds away, and nothing of ours is
    on it: admission would refuse even to raise what an autoscaler lowered for us."""
    resting: Collection[ObjectKey] = frozenset()
    """Objects that are not held anew for a while; the bounds of one are valid only together."""


def plan_workload(workload: Workload, *, facts: Facts) -> Step:
    """Give the next patch that brings the workload to what is asked of it."""
    return _Planner(workload, facts).step()


class _Planner:
    """One planning of one workload; made for it and thrown away."""

    def __init__(self, workload: Workload, facts: Facts) -> None:
        self.facts = facts
        self.copies = workload.copies
        self.writable = workload.writable
        self.resting = workload.resting
        self.deployment = (
            None
            if workload.deployment is None
            else self._draft(workload.deployment, DEPLOYMENT, _DEPLOYMENT_PATHS)
        )
        self.autoscalers = [
            self._draft(live, AUTOSCALER, _AUTOSCALER_PATHS) for live in workload.autoscalers
        ]
        self.holds = [*map(self._in_step, workload.holds), *self._ghosts()]
        self.limit = min((hold.limit for hold in self.holds), default=None)
        self.autoscaled = bool(self.autoscalers) and self.limit != 0
        if self.deployment is not None and (
            self.autoscaled or not self.holds or self._is_handed_over()
        ):
            self.deployment.drop_returned(REPLICAS_FIELD)
        self.remembered = self._recollect()
        for draft in () if self.holds else self.autoscalers:
            self._keep_bounds(draft)
            self._drop_returned(draft)

    def _drop_returned(self, draft: Draft) -> None:
        draft.drop_returned(MAX_FIELD)
        is_back = draft.ledger is None or MAX_FIELD not in draft.ledger.fields
        # The minimum was given back within the maximum: a person may have lowered that meanwhile.
        most = value_at(draft.live, MAX_REPLICAS.path) if is_back else None
        draft.drop_returned(MIN_FIELD, most=most)

    def _in_step(self, hold: Hold[int]) -> Hold[int]:
        """Give a hold as an open step lets it be: a workload's whole is what it may scale to."""
        whole = self._whole() if hold.share is not None else None
        if hold.share is None or whole is None:
            return replace(hold, share=None)
        limit = REPLICAS.relaxed(hold.limit, share=hold.share, baseline=whole)
        return replace(hold, limit=limit, share=None)

    def _whole(self) -> int | None:
        """Give the most replicas that there would be without us; None where nothing tells."""
        found: list[Settled] = [
            baseline_of(draft.state(MAX_FIELD, control=MAX_REPLICAS, holds=()), facts=self.facts)
            for draft in self.autoscalers
        ]
        if not found and self._replicas_entry() is None:
            before = self._recollect()
            if before is not None:
                return before.replicas
        if not found and self.deployment is not None:
            state = self.deployment.state(
                REPLICAS_FIELD, control=REPLICAS, holds=(), autoscaled=True
            )
            found = [baseline_of(state, facts=self.facts)]
        if not found or any(settled.unknown for settled in found):
            return None
        return max(1 if settled.baseline is None else settled.baseline for settled in found)

    def _draft(self, live: JsonObject, kind: str, paths: Mapping[str, tuple[str, ...]]) -> Draft:
        key = ObjectKey(kind, namespace(live), name(live))
        return Draft.of(
            live, key=key, paths=paths, value_type=int, copies=self.copies, facts=self.facts
        )

    def _ghosts(self) -> list[Hold[int]]:
        """A vanished incident held the workload, not one of its objects: it counts for all."""
        found = []
        for draft, field_name, control in self._limiting():
            entry = draft.ledger.fields.get(field_name) if draft.ledger else None
            ghost = vanished(entry, control=control, facts=self.facts) if entry else None
            if ghost is not None and isinstance(ghost.limit, int):
                found.append(Hold(Holder(name=ghost.holder, uid=ghost.uid), ghost.limit))
        for ledger in self._gone():
            entry = ledger.fields.get(MAX_FIELD)
            ghost = vanished(entry, control=MAX_REPLICAS, facts=self.facts) if entry else None
            if (
                ghost is not None
                and isinstance(ghost.limit, int)
                and self._replicas_entry() is None
                and not self._is_of_another(ledger)
            ):
                found.append(Hold(Holder(name=ghost.holder, uid=ghost.uid), ghost.limit))
        return found

    def _gone(self) -> list[Ledger]:
        """What second copies tell of autoscalers that were deleted during a hold, newest first."""
        if any(draft.ledger for draft in self.autoscalers):
            return []
        copies = [copy for copy in self.copies if copy.key.kind == AUTOSCALER]
        copies.sort(key=lambda copy: copy.ledger.sequence)
        newest = {copy.object_uid: copy.ledger for copy in copies}
        return sorted(newest.values(), key=lambda ledger: -ledger.sequence)

    def _limiting(self) -> list[tuple[Draft, str, Any]]:
        deployment = [(self.deployment, REPLICAS_FIELD, REPLICAS)] if self.deployment else []
        return [*deployment, *((draft, MAX_FIELD, MAX_REPLICAS) for draft in self.autoscalers)]

    def step(self) -> Step:
        if self.deployment is not None:
            self._plan_replicas(self.deployment)
        for draft in self.autoscalers:
            self._plan_bounds(draft)
        drafts = [*self.autoscalers, *([self.deployment] if self.deployment else [])]
        return next_step(drafts, facts=self.facts)

    def _live_replicas(self) -> int | None:
        if self.deployment is None:
            return None
        found = value_at(self.deployment.live, REPLICAS.path)
        return found if isinstance(found, int) else 1

    def _replicas_entry(self) -> Entry | None:
        ledger = self.deployment.ledger if self.deployment else None
        return ledger.fields.get(REPLICAS_FIELD) if ledger else None

    def _recollect(self) -> Before | None:
        """Give the replicas before the first hold, and the bounds they were held to since.

        From the Deployment's own ledger, else from an autoscaler's, else from the copy of one that
        was deleted during the hold.
        """
        entry = self._replicas_entry()
        if entry is not None and not entry.unknown:
            return Before(entry.baseline, entry.applied, entry.applied)
        ledgers = [draft.ledger for draft in self.autoscalers if draft.ledger]
        for ledger in ledgers or self._gone():
            found = ledger.remembered.get(REPLICAS_FIELD)
            if isinstance(found, int) and self._is_of_this(ledger):
                held, lowest = ledger.fields.get(MAX_FIELD), bound_of(ledger)
                highest = bound_of(ledger, TOP)
                if held is not None:
                    highest = max(held.applied, held.applied if highest is None else highest)
                    lowest = held.applied if lowest is None else lowest
                if highest is None:
                    return Before(found, 0, -1)
                return Before(found, highest if lowest is None else lowest, highest)
        return None

    def _keep_bounds(self, draft: Draft) -> None:
        """Remember where our bounds brought the replicas, beyond the bounds' own give-back."""
        held = draft.ledger.fields.get(MAX_FIELD) if draft.ledger else None
        if held is not None and draft.remembered:
            draft.remembered.setdefault(BOUND, held.applied)
            draft.remembered[TOP] = max(held.applied, bound_of(draft.ledger, TOP) or 0)

    def _is_handed_over(self) -> bool:
        """Tell whether the replicas may have been left to an autoscaler, which remembers what they
        were, and nobody has set them since: the number that stands there is no edit, but ours.
        """
        return not self._is_set_by_others() and any(
            draft.ledger is not None
            and REPLICAS_FIELD in draft.ledger.remembered
            and self._is_of_this(draft.ledger)
            for draft in self.autoscalers
        )

    def _is_of_this(self, ledger: Ledger | None) -> bool:
        """Tell whether what an autoscaler remembers is of this Deployment, not of one before."""
        told = ledger.remembered.get(IDENTITY) if ledger else None
        return self.deployment is None or told == uid(self.deployment.live)

    def _is_of_another(self, ledger: Ledger) -> bool:
        """Tell whether it is known to be of a Deployment before this one, which starts anew."""
        return ledger.remembered.get(IDENTITY) is not None and not self._is_of_this(ledger)

    def _replicas_state(self, draft: Draft) -> FieldState:
        memory = None
        if self.remembered is not None:
            # Beside an autoscaler the live number is never a person's; without one it may be.
            lowered = self.remembered.lowered(self._live_replicas())
            lowered = self._is_autoscaled() or (lowered and not self._is_set_by_others())
            memory = self.remembered.replicas if self.autoscalers or lowered else None
        return draft.state(
            REPLICAS_FIELD,
            control=REPLICAS,
            holds=() if self.autoscaled else self.holds,
            memory=memory,
            autoscaled=True,
        )

    def _plan_replicas(self, draft: Draft) -> None:
        state = self._replicas_state(draft)
        if state.entry is None and not state.holds:
            self._restore(draft)
            return
        # A ghost counts among the workload's holds already: on the replicas alone it would keep
        # them from an autoscaler that has taken them over.
        facts = replace(self.facts, release_ghosts=True) if self.autoscaled else self.facts
        plan = plan_field(state, facts=facts)
        if plan.entry is None and self.autoscalers:
            plan = replace(plan, desired=self._released(plan.desired, state))
        draft.settle(REPLICAS_FIELD, plan)
        self._rest(draft)

    def _rest(self, draft: Draft) -> bool:
        """Leave an object as it is while it rests, as long as something is asked of it."""
        rests = draft.key in self.resting and bool(self.holds)
        for field_name in list(draft.plans) if rests else ():
            draft.withhold(field_name)
        return rests

    def _released(self, baseline: int, state: FieldState) -> int:
        """Give the replicas to leave to an autoscaler.

        While it stays bounded, only a workload at zero must be raised: it can't do that itself.
        """
        live = self._live_replicas() or 0
        stands = state.ours or (state.entry is not None and live == state.entry.applied)
        if not stands or (self.limit is not None and live != 0):
            return live
        return min(baseline, *self._maxima())

    def _maxima(self) -> list[int]:
        """Give each autoscaler's maximum as it will be once this plan is carried out."""
        found = []
        for draft in self.autoscalers:
            state = draft.state(MAX_FIELD, control=MAX_REPLICAS, holds=self.holds)
            settled = baseline_of(state, facts=self.facts)
            baseline = state.live if settled.unknown else settled.baseline
            found.append(baseline if self.limit is None else min(baseline, max(1, self.limit)))
        return found

    def _owed(self, maxima: Sequence[int]) -> int | None:
        """Give the replicas to give back under `maxima` where an autoscaler lowered them for us.

        None where they are not owed: moved since, or held on the Deployment itself.
        """
        live = self._live_replicas()
        held = self.limit is not None or self._replicas_entry() is not None
        if self.remembered is None or held or not self.writable:
            return None
        owed = min([self.remembered.replicas, *maxima])
        # What an autoscaler last said counts no more once it is gone.
        orphaned = not self.autoscalers and self._is_autoscaled()
        lowered = orphaned or self.remembered.lowered(live)
        lowered = lowered and not self._is_set_by_others()
        return owed if lowered and owed > (live or 0) else None

    def _is_set_by_others(self) -> bool:
        """Tell whether somebody beside us and the autoscalers set the live number of replicas."""
        live = self.deployment.live if self.deployment else {}
        return any(
            owner.manager not in (MANAGER, GIVE_BACK_MANAGER)
            and (owner.manager, owner.subresource) != (ownership.CONTROLLER_MANAGER, "scale")
            for owner in ownership.owners(live, REPLICAS.path)
        )

    def _is_autoscaled(self) -> bool:
        """Tell whether the live number of replicas is an autoscaler's doing."""
        live = self.deployment.live if self.deployment else {}
        return ownership.is_autoscaled(live, REPLICAS.path)

    def _restore(self, draft: Draft) -> None:
        # As long as the bounds are ours nothing is owed yet: those are given back first.
        owed = self._owed([value_at(item.live, MAX_REPLICAS.path) for item in self.autoscalers])
        if owed is None:
            return
        if self.facts.fenced:
            draft.settle(REPLICAS_FIELD, FieldPlan(owed, None))
        else:
            draft.pending = True

    def _plan_bounds(self, draft: Draft) -> None:
        highest = draft.state(MAX_FIELD, control=MAX_REPLICAS, holds=self.holds)
        if highest.entry is not None or highest.holds:
            draft.plan(MAX_FIELD, highest, facts=self.facts)
        lowest = draft.state(MIN_FIELD, control=MIN_REPLICAS, holds=self.holds)
        if lowest.entry is not None or lowest.holds:
            plan = plan_field(lowest, facts=self.facts)
            ceiling = draft.plans.get(MAX_FIELD) or FieldPlan(highest.live, None)
            draft.settle(MIN_FIELD, within(plan, ceiling=ceiling, state=lowest))
        if not self._rest(draft):
            self._plan_memory(draft)

    def _plan_memory(self, draft: Draft) -> None:
        """Keep, beside the bounds as they are planned, what is remembered of the replicas."""
        if self.limit is not None:
            if any(plan.entry is not None for plan in draft.plans.values()):
                self._remember(draft)
                self._remember_bound(draft)
                self._remember_top(draft)
        elif not draft.remembered:
            return
        elif not self.facts.fenced:
            draft.pending = True
        elif self._replicas_entry() is not None:
            # What a person made of the replicas meanwhile is what they go back to.
            self._remember(draft)
        elif draft.plans:
            # It is forgotten by a write of its own, after the bounds: a sync in flight may still
            # have read those, and its doing is undone as long as this tells of it.
            return
        elif self._owed(self._maxima()) is None:
            draft.remembered.clear()

    def _remember(self, draft: Draft) -> None:
        """Keep the replicas beside the bounds, in the same write.

        While the Deployment is held too, its ledger tells; once it is the autoscaler's again,
        what is remembered stays as it is, for then its replicas move without anybody's edit.
        """
        if self.deployment is None:
            return
        state = self._replicas_state(self.deployment)
        settled = baseline_of(state, facts=self.facts)
        if settled.unknown:
            return
        entry = state.entry
        told = entry is not None and (not self.autoscaled or settled.baseline != entry.baseline)
        ledger = draft.ledger
        known = ledger is not None and REPLICAS_FIELD in ledger.remembered
        if known and not told and self._is_of_this(ledger):
            return
        draft.remembered[REPLICAS_FIELD] = settled.baseline
        draft.remembered[IDENTITY] = uid(self.deployment.live)

    def _remember_bound(self, draft: Draft) -> None:
        """Keep the lowest maximum, once there is a higher one."""
        held = draft.ledger.fields.get(MAX_FIELD) if draft.ledger else None
        plan = draft.plans.get(MAX_FIELD)
        if REPLICAS_FIELD not in draft.remembered or held is None or plan is None:
            return
        known = bound_of(draft.ledger)
        lowest = min(held.applied, plan.desired, held.applied if known is None else known)
        if known is not None or plan.desired > lowest:
            draft.remembered[BOUND] = lowest

    def _remember_top(self, draft: Draft) -> None:
        """Keep where a hold on the replicas themselves brought them, which the autoscaler takes
        over: until its next sync that may be above its bound.
        """
        if self.autoscaled and self._replicas_entry() is not None:
            live = self._live_replicas() or 0
            draft.remembered[TOP] = max(live, bound_of(draft.ledger, TOP) or 0)


def scales(autoscaler: JsonObject, *, deployment: str) -> bool:
    """Tell whether the autoscaler owns the Deployment's replicas."""
    target = value_at(autoscaler, ("spec", "scaleTargetRef"))
    return (
        isinstance(target, dict)
        and target.get("kind") == DEPLOYMENT
        and target.get("name") == deployment
    )
