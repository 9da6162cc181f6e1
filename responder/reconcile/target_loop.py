"""The target loop: one reconcile for one target, however many incidents concern it.

Read, plan, one patch, and again until the plan is empty. What tightens needs only the view; what
loosens is planned anew behind the fence, from objects and incidents read again.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from responder.cluster.api import KubernetesApi
from responder.cluster.events import EventRecorder
from responder.cluster.failures import (
    AlreadyExists,
    ApiFailure,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
from responder.cluster.resources import CONFIGMAPS, DEPLOYMENTS, HPAS, Resource
from responder.errors import ResponderError
from responder.holds.fields import Facts
from responder.holds.objects import (
    LEDGER_ANNOTATION,
    JsonObject,
    ObjectKey,
    annotation,
    value_at,
)
from responder.holds.planning import Finding, Step, Write
from responder.holds.subjects import CONFIG_MAP, DEPLOYMENT
from responder.holds.workload import AUTOSCALER
from responder.metrics import Metrics
from responder.reconcile.announcing import announce_write
from responder.reconcile.contest import Patience
from responder.reconcile.fence import Fence
from responder.reconcile.findings import Findings
from responder.reconcile.halving import Halving
from responder.reconcile.outcomes import Outcome, Outcomes
from responder.reconcile.pace import ALTERED_SECONDS, Pace
from responder.reconcile.queue import Again, NotYet
from responder.reconcile.resting import Resting
from responder.reconcile.situation import Situation, gather
from responder.reconcile.slimming import DROPPED, slim_autoscaler, slim_config_map, slim_deployment
from responder.reconcile.standings import outcomes_of, refusals_of
from responder.reconcile.view import IncidentKey, View

RESOURCES: Final[dict[str, Resource]] = {
    DEPLOYMENT: DEPLOYMENTS,
    AUTOSCALER: HPAS,
    CONFIG_MAP: CONFIGMAPS,
}
SLIM: Final[dict[str, Callable[[JsonObject], JsonObject]]] = {
    DEPLOYMENT: slim_deployment,
    AUTOSCALER: slim_autoscaler,
    CONFIG_MAP: slim_config_map,
}
_MOST_STEPS: Final = 24
_MOST_CONFLICTS: Final = 8
_MOST_REFUSALS: Final = 64
"""Of one ConfigMap at one look; some ten keys of hundreds are found with as many."""
_REFUSED_SECONDS: Final = 30.0
"""How long what was refused is not tried again."""

log = structlog.get_logger()


class TargetLoop:
    """Brings targets to what is asked of them."""

    def __init__(
        self,
        *,
        api: KubernetesApi,
        view: View,
        fence: Fence,
        outcomes: Outcomes,
        events: EventRecorder,
        metrics: Metrics,
        pools: tuple[str, ...] = (),
        patience: Patience | None = None,
        release_ghosts: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        on_look: Callable[[ObjectKey], None] = lambda _key: None,
        on_outcome: Callable[[IncidentKey], None] = lambda _key: None,
        on_edited: Callable[[Finding], None] = lambda _finding: None,
    ) -> None:
        self._api = api
        self._view = view
        self._fence = fence
        self._outcomes = outcomes
        self._events = events
        self._metrics = metrics
        self._pools = pools
        self._release_ghosts = release_ghosts
        self._pace = Pace(monotonic=monotonic, patience=patience)
        self._refusals: Resting[ApiFailure] = Resting(seconds=_REFUSED_SECONDS, monotonic=monotonic)
        self._on_look = on_look
        self._on_outcome = on_outcome
        self._findings = Findings(view=view, events=events, metrics=metrics, on_edited=on_edited)

    async def reconcile(self, key: ObjectKey) -> None:
        """Bring one target to what is asked of it; raises Again where it isn't there yet."""
        try:
            situation, step = await self._settle(key, fenced=False)
            if step.pending:
                await self._fence.cross()
                await self._read_again(situation)
                situation, step = await self._settle(key, fenced=True)
        except _StrippedError as stripped:
            # What we remember is kept in the statuses, and not written again at once.
            stripped.situation.stripped = True
            self._tell(key, outcomes_of(stripped.situation, replace(stripped.step, write=None)))
            raise Again(str(stripped), after_seconds=ALTERED_SECONDS) from stripped
        except (Denied, Invalid, TooLarge) as refusal:
            self._refused(key, refusal)
            raise Again(str(refusal), after_seconds=_REFUSED_SECONDS) from refusal
        except Unavailable as failure:
            raise Again(str(failure), after_seconds=failure.retry_after) from failure
        except ApiFailure as failure:
            raise Again(str(failure)) from failure
        self._findings.settled(key, step)
        self._tell(key, outcomes_of(situation, step))
        contest_seconds = self._pace.look_again_seconds(step)
        if situation.refusals:
            told = "; ".join(sorted({each.message for each in situation.refusals.values()}))
            seconds = min(_REFUSED_SECONDS, contest_seconds or _REFUSED_SECONDS)
            raise NotYet(told, after_seconds=seconds)
        if self._pace.is_altered(key):
            # Of a ConfigMap only the key rests: what is asked of another one is done at once.
            wait = NotYet if key.kind == CONFIG_MAP else Again
            seconds = min(ALTERED_SECONDS, contest_seconds or ALTERED_SECONDS)
            raise wait("what we write is altered by somebody", after_seconds=seconds)
        if contest_seconds is not None:
            raise NotYet("somebody keeps undoing what we write", after_seconds=contest_seconds)

    def _facts(self, *, fenced: bool) -> Facts:
        return Facts(
            present=self._view.present,
            open_incidents=self._view.open,
            fenced=fenced,
            release_ghosts=self._release_ghosts,
        )

    async def _settle(self, key: ObjectKey, *, fenced: bool) -> tuple[Situation, Step]:
        """Write until nothing is left to write, or until only the fenced part is."""
        attempt = _Attempt()
        while attempt.goes_on():
            # The watch often tells of our own write before its answer is in.
            self._on_look(key)
            situation = gather(self._view, key, pools=self._pools)
            if await self._complete(situation):
                continue
            if key.kind == CONFIG_MAP:
                situation.refusals = self._refusals.of(key)
                situation.waiting = attempt.halving.waiting
                situation.resting = self._pace.resting(key)
            step = self._pace.plan(situation, self._facts(fenced=fenced))
            self._findings.tell(situation, step)
            write = step.write
            if write is None or self._pace.rests(step):
                if attempt.halving.next():
                    continue
                return situation, step
            self._pace.calm(key, step)
            self._pace.watch_over(key, write)
            if fenced:
                self._fence.check()
            await self._carry_out(situation, step, write, attempt)
        raise Again(f"{key} did not settle in {_MOST_STEPS} writes")

    async def _carry_out(
        self, situation: Situation, step: Step, write: Write, attempt: "_Attempt"
    ) -> None:
        """Write once; what stood in the way is taken into account by the next plan."""
        try:
            answer = await self._write(write)
        except (Conflict, AlreadyExists, NotFound) as conflict:
            attempt.conflicts += 1
            if attempt.conflicts > _MOST_CONFLICTS:
                raise Again(f"{write.key} is being written by others: {conflict}") from conflict
            await self._read_object(write.key)
        except Unavailable as failure:
            if failure.ambiguous:
                await self._read_object(write.key)
            raise
        except (Denied, Invalid, TooLarge) as refusal:
            attempt.refusals += 1
            divisible = situation.key.kind == CONFIG_MAP and bool(write.changes)
            if not divisible or attempt.refusals > _MOST_REFUSALS:
                raise
            alone = attempt.halving.refused([change.field for change in write.changes])
            if alone is not None:
                self._refusals.add(situation.key, alone, refusal)
        else:
            self._written(situation, write, answer)
            self._pace.answered(step, write)
            ledger = write.patch["metadata"].get("annotations", {}).get(LEDGER_ANNOTATION)
            if ledger is not None and annotation(answer, LEDGER_ANNOTATION) is None:
                raise _StrippedError(situation, step)

    async def _complete(self, situation: Situation) -> bool:
        """Read a ConfigMap in full where a key that is asked for was not kept of it."""
        live = situation.live
        if live is None:
            return False
        fields = {name for copy in situation.copies for name in copy.ledger.fields}
        dropped = live.get(DROPPED, frozenset())
        if dropped.isdisjoint(fields | set(situation.keys)):
            return False
        full = await self._api.get(
            CONFIGMAPS, namespace=situation.key.namespace, name=situation.key.name
        )
        kept = slim_config_map(full)
        kept.pop(DROPPED, None)
        kept["data"] = full.get("data") or {}
        self._view.replace_object(situation.key, kept)
        return True

    async def _write(self, write: Write) -> JsonObject:
        resource = RESOURCES[write.key.kind]
        if write.create:
            return await self._api.create(
                resource,
                namespace=write.key.namespace,
                body=write.patch,
                field_manager=write.manager,
            )
        return await self._api.merge_patch(
            resource,
            namespace=write.key.namespace,
            name=write.key.name,
            body=write.patch,
            field_manager=write.manager,
        )

    def _written(self, situation: Situation, write: Write, answer: JsonObject) -> None:
        live = SLIM[write.key.kind](answer)
        self._view.replace_object(write.key, live)
        altered = [
            change.field
            for change in write.changes
            if value_at(answer, _path(write, change.field)) != change.after
        ]
        self._pace.written(situation, write, altered=altered)
        self._metrics.writes.labels(kind=write.key.kind, purpose=str(write.purpose)).inc()
        log.info(
            "target_written",
            target=str(write.key),
            namespace=write.key.namespace,
            purpose=str(write.purpose),
            changes=[
                f"{change.field}: {change.before} -> {change.after}" for change in write.changes
            ],
            altered=altered,
            incidents=len(situation.incidents),
        )
        announce_write(self._events, write, answer)

    async def _read_object(self, key: ObjectKey) -> None:
        try:
            live = await self._api.get(RESOURCES[key.kind], namespace=key.namespace, name=key.name)
        except NotFound:
            self._view.forget_object(key)
            return
        self._view.replace_object(key, SLIM[key.kind](live))

    async def _read_again(self, situation: Situation) -> None:
        keys = [situation.key]
        keys += [
            ObjectKey(AUTOSCALER, situation.key.namespace, str(live["metadata"]["name"]))
            for live in situation.autoscalers
        ]
        for key in keys:
            await self._read_object(key)

    # -- what it came to

    def _refused(self, key: ObjectKey, refusal: ApiFailure) -> None:
        log.warning("target_refused", target=str(key), namespace=key.namespace, why=refusal.message)
        self._tell(key, refusals_of(gather(self._view, key, pools=self._pools), refusal))

    def _tell(self, key: ObjectKey, outcomes: Mapping[IncidentKey, Outcome]) -> None:
        for incident, outcome in outcomes.items():
            if self._outcomes.put(incident, key, outcome):
                self._on_outcome(incident)


class _StrippedError(ResponderError):
    """What we wrote stands there, and the ledger that belongs to it was taken out on its way."""

    def __init__(self, situation: Situation, step: Step) -> None:
        self.situation = situation
        self.step = step
        super().__init__(f"the ledger that is written to {situation.key} is taken out of the write")


@dataclass(slots=True)
class _Attempt:
    """One run at a target."""

    steps: int = 0
    conflicts: int = 0
    refusals: int = 0
    halving: Halving = field(default_factory=Halving)

    def goes_on(self) -> bool:
        """Count a step; tells whether there may be one more. Each refusal makes some necessary."""
        self.steps += 1
        return self.steps <= _MOST_STEPS + min(3 * self.refusals, _MOST_REFUSALS)


def _path(write: Write, name: str) -> tuple[str, ...]:
    if write.key.kind == CONFIG_MAP:
        return ("data", name)
    return ("spec", name)
