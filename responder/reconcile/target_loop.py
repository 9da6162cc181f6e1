"""The target loop: one reconcile for one target, however many incidents concern it.

Read, plan, one patch, and again until the plan is empty. What tightens needs only the view; what
loosens is planned anew behind the fence, from objects and incidents read again.
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable
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
from responder.holds.fields import Facts, FieldFinding
from responder.holds.ledger import LedgerFinding
from responder.holds.objects import (
    HOLD_ALLOWED,
    HOLD_LABEL,
    JsonObject,
    ObjectKey,
    uid,
    value_at,
)
from responder.holds.planning import Finding, Purpose, Step, Write
from responder.holds.subjects import CONFIG_MAP, DEPLOYMENT, subject_of, told
from responder.holds.workload import AUTOSCALER
from responder.incidents.incident import Incident, Target, TargetState
from responder.metrics import Metrics
from responder.playbooks.asks import Ask
from responder.reconcile.announcing import announce_finding, announce_write
from responder.reconcile.fence import Fence
from responder.reconcile.outcomes import Outcome, Outcomes
from responder.reconcile.queue import Again, NotYet
from responder.reconcile.situation import Situation, gather
from responder.reconcile.slimming import DROPPED, slim_autoscaler, slim_config_map, slim_deployment
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
_REFUSED_SECONDS: Final = 30.0
_ALTERED_SECONDS: Final = 30.0
_SYNC_IN_FLIGHT_SECONDS: Final = 1.0
"""How long an autoscaler that read its bounds before we gave them back may still write."""
_QUICK_HOLDS: Final = 6
_QUICK_WINDOW_SECONDS: Final = 10.0

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
        release_ghosts: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        on_outcome: Callable[[IncidentKey], None] = lambda _key: None,
    ) -> None:
        self._api = api
        self._view = view
        self._fence = fence
        self._outcomes = outcomes
        self._events = events
        self._metrics = metrics
        self._pools = pools
        self._release_ghosts = release_ghosts
        self._monotonic = monotonic
        self._on_outcome = on_outcome
        self._altered_until: dict[ObjectKey, float] = {}
        self._given_back_at: dict[ObjectKey, float] = {}
        self._holds: dict[ObjectKey, deque[float]] = defaultdict(lambda: deque(maxlen=_QUICK_HOLDS))
        self.ghosts: set[ObjectKey] = set()

    async def reconcile(self, key: ObjectKey) -> None:
        """Bring one target to what is asked of it; raises Again where it isn't there yet."""
        try:
            situation, step = await self._settle(key, fenced=False)
            if step.pending:
                await self._fence.cross()
                await self._read_again(situation)
                situation, step = await self._settle(key, fenced=True)
        except (Denied, Invalid, TooLarge) as refusal:
            self._refused(key, refusal)
            raise Again(str(refusal), after_seconds=_REFUSED_SECONDS) from refusal
        except Unavailable as failure:
            raise Again(str(failure), after_seconds=failure.retry_after) from failure
        except ApiFailure as failure:
            raise Again(str(failure)) from failure
        self._report(situation, step)
        if key in self._altered_until:
            raise Again("what we write is altered by somebody", after_seconds=_ALTERED_SECONDS)

    def _facts(self, *, fenced: bool) -> Facts:
        return Facts(
            present=self._view.present,
            open_incidents=self._view.open,
            fenced=fenced,
            release_ghosts=self._release_ghosts,
        )

    async def _settle(self, key: ObjectKey, *, fenced: bool) -> tuple[Situation, Step]:
        """Write until nothing is left to write, or until only the fenced part is."""
        conflicts = 0
        told_findings: set[Finding] = set()
        for _ in range(_MOST_STEPS):
            situation = gather(self._view, key, pools=self._pools)
            if await self._complete(situation):
                continue
            step = situation.plan(self._facts(fenced=fenced))
            self._tell_findings(situation, step, told_findings)
            write = step.write
            if write is None or self._is_altered(step):
                return situation, step
            await self._calm(key, step)
            self._watch_over(key, write)
            if fenced:
                self._fence.check()
            try:
                answer = await self._write(write)
            except (Conflict, AlreadyExists, NotFound) as conflict:
                conflicts += 1
                if conflicts > _MOST_CONFLICTS:
                    raise Again(f"{write.key} is being written by others: {conflict}") from conflict
                await self._read_object(write.key)
                continue
            except Unavailable as failure:
                if failure.ambiguous:
                    await self._read_object(write.key)
                raise
            self._written(situation, write, answer)
        raise Again(f"{key} did not settle in {_MOST_STEPS} writes")

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

    def _is_altered(self, step: Step) -> bool:
        """Keep from writing again what was altered just now; the hold stands as far as it does."""
        write = step.write
        if write is None or write.purpose is not Purpose.HOLD:
            return False
        until = self._altered_until.get(write.key)
        if until is None:
            return False
        altered = {found.field for found in step.findings if found.what is FieldFinding.ALTERED}
        if not altered.issuperset(change.field for change in write.changes):
            return False
        if self._monotonic() < until:
            return True
        del self._altered_until[write.key]
        return False

    async def _calm(self, key: ObjectKey, step: Step) -> None:
        """Answer another writer at once, yet not at his pace without end."""
        if step.write is None or step.write.purpose is not Purpose.HOLD:
            return
        if not any(found.what is FieldFinding.EDITED for found in step.findings):
            return
        now, recent = self._monotonic(), self._holds[key]
        if len(recent) == _QUICK_HOLDS and now - recent[0] < _QUICK_WINDOW_SECONDS:
            recent.clear()
            raise Again(f"{key} is rewritten by somebody again and again", after_seconds=2.0)
        recent.append(now)

    def _watch_over(self, key: ObjectKey, write: Write) -> None:
        """Keep from forgetting what the replicas were before an autoscaler's sync is over that may
        have read the bounds before they were given back: it would bring the replicas down again.
        """
        forgets = write.purpose is Purpose.GIVE_BACK and not write.changes
        given_back_at = self._given_back_at.get(key)
        if given_back_at is None or write.key.kind != AUTOSCALER or not forgets:
            return
        left = given_back_at + _SYNC_IN_FLIGHT_SECONDS - self._monotonic()
        if left > 0:
            raise NotYet(f"{key} may still be lowered by a sync in flight", after_seconds=left)
        del self._given_back_at[key]

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
        gave_back = write.purpose is Purpose.GIVE_BACK and bool(write.changes)
        if gave_back and situation.autoscalers:
            self._given_back_at[situation.key] = self._monotonic()
        if altered and write.purpose is Purpose.HOLD:
            self._altered_until[write.key] = self._monotonic() + _ALTERED_SECONDS
        elif write.purpose is Purpose.HOLD:
            self._altered_until.pop(write.key, None)
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

    def _tell_findings(self, situation: Situation, step: Step, told_before: set[Finding]) -> None:
        for finding in step.findings:
            if finding in told_before or _is_no_news(finding, step):
                continue
            told_before.add(finding)
            if finding.what is FieldFinding.GHOST:
                if finding.key in self.ghosts:
                    continue
                self.ghosts.add(finding.key)
                self._metrics.ghosts.set(len(self.ghosts))
            self._metrics.findings.labels(kind=finding.key.kind, finding=str(finding.what)).inc()
            log.warning(
                "target_finding",
                target=str(finding.key),
                namespace=finding.key.namespace,
                field=finding.field,
                finding=str(finding.what),
                by=finding.by,
            )
            live = self._view.objects.get(finding.key)
            if live is not None:
                announce_finding(self._events, finding, live)
        if not any(found.what is FieldFinding.GHOST for found in step.findings):
            keys = {situation.key, *step.uids}
            self.ghosts -= keys
            self._metrics.ghosts.set(len(self.ghosts))

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

    def _report(self, situation: Situation, step: Step) -> None:
        """Tell every incident on this target how it stands."""
        done = step.write is None and not step.pending
        bad = {
            found.key: found
            for found in step.findings
            if found.what in (FieldFinding.ALTERED, FieldFinding.BASELINE_UNKNOWN)
        }
        unknown = any(found.what is FieldFinding.BASELINE_UNKNOWN for found in step.findings)
        # Of 2,000 incidents on one target most ask for it by the same name: they share an answer.
        standing: dict[str, tuple[Target, ...]] = {}
        asking: dict[str, list[Target]] = defaultdict(list)
        for incident, ask in situation.asked:
            name = told(ask)
            refused = situation.refused.get((incident.uid, name))
            if refused is not None:
                state = TargetState(str(refused.barrier))
                subject = _subject(ask, situation.key)
                asking[incident.uid].append(Target(situation.key, state, subject, refused.message))
                continue
            if name not in standing:
                standing[name] = _standing(ask, situation, step, bad)
            asking[incident.uid].extend(standing[name])
        for incident in situation.incidents:
            if incident.uid in asking:
                found = {(item.key, item.subject): item for item in asking[incident.uid]}
                outcome = Outcome(tuple(found.values()))
            elif incident.status.letting_go is not None:
                returned = self._returned(incident, situation)
                outcome = Outcome(returned, given_back=done and not unknown)
            else:
                continue
            key = IncidentKey(incident.namespace, incident.name)
            if self._outcomes.put(key, situation.key, outcome):
                self._on_outcome(key)

    def _returned(self, incident: Incident, situation: Situation) -> tuple[Target, ...]:
        return tuple(
            Target(target.key, TargetState.GIVEN_BACK, target.subject, uid=target.uid)
            for target in incident.status.targets
            if target.ledger is not None
            and (target.key == situation.key or target.subject == str(situation.key))
        )

    def _refused(self, key: ObjectKey, refusal: ApiFailure) -> None:
        """A target that can't be written becomes a condition and stops no other."""
        situation = gather(self._view, key, pools=self._pools)
        state = TargetState.INVALID
        if isinstance(refusal, Denied):
            state = TargetState.DENIED if refusal.by_admission else TargetState.FORBIDDEN
        log.warning("target_refused", target=str(key), namespace=key.namespace, why=refusal.message)
        message = refusal.message[:1000]
        for incident in situation.incidents:
            held = [
                Target(known.key, state, known.subject, message, known.uid, known.ledger)
                for known in incident.status.targets
                if known.ledger is not None and (known.key == key or known.subject == str(key))
            ]
            asked = [
                Target(key, state, _subject(ask, key), message)
                for asker, ask in situation.asked
                if asker is incident
            ]
            name = IncidentKey(incident.namespace, incident.name)
            if self._outcomes.put(name, key, Outcome(tuple(held or asked))):
                self._on_outcome(name)


def _is_no_news(finding: Finding, step: Step) -> bool:
    """Tell a ledger that we took away ourselves from one that was taken from us.

    Until the incident's status tells of the give-back, its copy outlives the ledger each time.
    """
    restored = step.write is not None and step.write.purpose in {Purpose.HOLD, Purpose.RECORD}
    return finding.what is LedgerFinding.MISSING and not restored


def _standing(
    ask: Ask, situation: Situation, step: Step, bad: dict[ObjectKey, Finding]
) -> tuple[Target, ...]:
    """Give how one ask stands on each object that is held for it."""
    subject = _subject(ask, situation.key)
    if situation.missing:
        message = f"{situation.key} does not exist"
        return (Target(situation.key, TargetState.NO_TARGET, subject, message),)
    return tuple(
        Target(
            key,
            _state(bad.get(key)),
            subject,
            _told_finding(bad.get(key)) or _told_left_alone(key, situation),
            uid=step.uids.get(key) or _uid(situation, key),
            ledger=ledger,
        )
        for key, ledger in step.held.items()
    )


def _subject(ask: Ask, key: ObjectKey) -> str:
    """Name what a target stands for: the workload of an autoscaler, a campaign, a pool."""
    return str(subject_of(ask)) if key.kind != CONFIG_MAP else told(ask)


def _path(write: Write, field: str) -> tuple[str, ...]:
    if write.key.kind == CONFIG_MAP:
        return ("data", field)
    return ("spec", field)


def _uid(situation: Situation, key: ObjectKey) -> str:
    return uid(situation.live) if situation.live is not None and key == situation.key else ""


def _state(finding: Finding | None) -> TargetState:
    if finding is None:
        return TargetState.APPLIED
    if finding.what is FieldFinding.ALTERED:
        return TargetState.ALTERED
    return TargetState.BASELINE_UNKNOWN


def _told_left_alone(key: ObjectKey, situation: Situation) -> str:
    if key.kind != DEPLOYMENT or not situation.left_alone:
        return ""
    named = ", ".join(f"{AUTOSCALER}/{found}" for found in situation.left_alone)
    return (
        f"{named} may raise the replicas again, and is held too"
        f" once it is labelled {HOLD_LABEL}={HOLD_ALLOWED}"
    )


def _told_finding(finding: Finding | None) -> str:
    if finding is None:
        return ""
    if finding.what is FieldFinding.ALTERED:
        return f"{finding.field} is not what we wrote: an admission policy or webhook alters it"
    return (
        f"nothing remembers what {finding.field} was before the hold:"
        " set it by hand, and it is given back as you set it"
    )
