"""The conductor: watches feed the view, the view feeds two queues, the queues run the loops.

Everything is level-triggered: after a start, a lost watch or a crash, the same work is computed
from what the cluster says, and nothing else is needed to go on.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from responder.cluster.api import KubernetesApi
from responder.cluster.events import EventRecorder
from responder.evidence.metric import Metric
from responder.evidence.prometheus import Prometheus
from responder.holds.objects import ObjectKey
from responder.holds.subjects import DEPLOYMENT
from responder.incidents.confirming import is_awaited
from responder.incidents.incident import Incident
from responder.incidents.lifecycle import asks_of, share_of
from responder.incidents.quiet import SILENCED, Quiet
from responder.incidents.status import Phase
from responder.metrics import Metrics
from responder.reconcile.asking import Asking
from responder.reconcile.brake_times import BrakeTimes
from responder.reconcile.budgeting import Budgeting
from responder.reconcile.catching_up import CatchingUp, nothing_to_list
from responder.reconcile.confirmations import Confirmations
from responder.reconcile.fence import Alone, Fence, Leadership
from responder.reconcile.gauges import measure
from responder.reconcile.haunting import is_held_for
from responder.reconcile.incident_loop import IncidentLoop
from responder.reconcile.looking import Looking
from responder.reconcile.outcomes import Outcomes
from responder.reconcile.queue import Again, KeyedQueue
from responder.reconcile.scope import Scope
from responder.reconcile.target_loop import TargetLoop
from responder.reconcile.view import IncidentKey, View, is_in_our_name
from responder.reconcile.witness import Witness

_TARGETS_AT_ONCE: Final = 16
_INCIDENTS_AT_ONCE: Final = 4
"""Few: an incident's status tells of a brake that is in already, and must not hold up the next."""
_STATUS_AFTER_SECONDS: Final = 0.25
"""How long an incident's first status waits for its targets: one write then tells all."""
_SEEN_AFTER_SECONDS: Final = 0.25
"""How long the end of a workload's pods is waited for, which ends one after the other."""
_WATCHING_SECONDS: Final = 1.0
"""After a change of what is only observed: a burst of them is then looked at once."""
_MOST_WATCHING: Final = 16
_GIVES_WAY_SECONDS: Final = 5.0
_RESYNC_SECONDS: Final = 300.0
EVIDENCE_INTERVAL_SECONDS: Final = 15.0
"""How long after all questions were asked they are asked again."""
_CROWD: Final = 50
_ASKING_SECONDS: Final = 0.0001
_LEAVING_SECONDS: Final = 0.0005
"""A look at a target costs some 0.05 ms for each incident on it. Beyond a crowd so long is waited
for each of them, so that 2,000 that come or go within a second are a few looks and not 2,000."""

log = structlog.get_logger()


class _Asking(NamedTuple):
    """What of an incident concerns its targets: it changes more seldom than its status."""

    uid: str
    asks: bool
    share: float | None
    stages: tuple[int, ...]
    letting_go: bool
    closed: bool


def _asking(incident: Incident) -> _Asking:
    status = incident.status
    return _Asking(
        incident.uid,
        asks=bool(asks_of(incident)),
        share=share_of(incident),
        stages=status.stages,
        letting_go=status.letting_go is not None,
        closed=incident.closed,
    )


def _only_tells(incident: Incident) -> bool:
    """Tell whether its next status mostly says what was done already: nobody asks to let go."""
    status = incident.status
    held = status.phase in (Phase.NEW, Phase.HOLDING)
    return held and status.letting_go is None and incident.release is None


class Conductor:
    """Owns the view, the queues and the loops of one replica."""

    def __init__(
        self,
        *,
        api: KubernetesApi,
        scope: Scope,
        events: EventRecorder,
        metrics: Metrics,
        view: View,
        leadership: Leadership | None = None,
        release_ghosts: bool = False,
        incidents_served: bool = True,
        prometheus: Prometheus | None = None,
        evidence_interval_seconds: float = EVIDENCE_INTERVAL_SECONDS,
        on_change: Callable[[Incident, Incident], None] = lambda _before, _after: None,
        attempts: Callable[[], Mapping[str, Metric]] = dict,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`incidents_served` is False for a command in a cluster without our definition: nothing
        can be open there, and what is held is held by incidents that vanished.
        """
        self.view = view
        self._api = api
        self._scope = scope
        self._metrics = metrics
        self._outcomes = Outcomes()
        self._brakes = BrakeTimes(view, self._outcomes, metrics, monotonic=monotonic)
        self._asking: dict[IncidentKey, _Asking] = {}
        self._quiet: Mapping[str, Quiet] | None = None
        self._watching: set[IncidentKey] = set()
        """Open ones that only observe."""
        self._catching_up = CatchingUp(api, view, namespace=scope.namespace)
        self.catch_up = self._catching_up if incidents_served else nothing_to_list
        self.fence = Fence(
            leadership=leadership or Alone(),
            skew_seconds=lambda: api.clock.skew_seconds or 0.0,
            catch_up=self.catch_up,
        )
        witness = Witness(view, pools=scope.pools)
        self.targets = TargetLoop(
            api=api,
            view=view,
            fence=self.fence,
            outcomes=self._outcomes,
            events=events,
            metrics=metrics,
            pools=scope.pools,
            patience=scope.patience,
            release_ghosts=release_ghosts,
            on_look=self._on_look,
            monotonic=monotonic,
            on_outcome=self._on_outcome,
            on_edited=witness.hear,
        )
        self.looking = Looking(
            view=view,
            prometheus=prometheus,
            attempts=attempts,
            pools=scope.pools,
            now=self.now,
            within_seconds=scope.confirm_within_seconds,
        )
        self.asking = Asking(
            view=view,
            prometheus=prometheus,
            metrics=metrics,
            now=self.now,
            on_answer=self._look_again,
            interval_seconds=evidence_interval_seconds,
            looking=self.looking,
        )
        self.incidents = IncidentLoop(
            api=api,
            view=view,
            outcomes=self._outcomes,
            events=events,
            keep_closed=scope.keep_closed,
            now=self.now,
            look_again=self._look_again,
            brake_seconds=self._brakes.seconds,
            answers=self.asking.answers,
            over_budget=Budgeting(scope.budgets, view, now=self.now).exceeded,
            quiet=lambda: self._quiet,
            withheld=self.fence.withheld,
            confirmations=Confirmations(looking=self.looking, events=events, metrics=metrics),
            witness=witness,
        )
        self._target_queue: KeyedQueue[ObjectKey] = KeyedQueue(
            self.targets.reconcile, at_once=_TARGETS_AT_ONCE, on_failure=self._failed("target")
        )
        self._incident_queue: KeyedQueue[IncidentKey] = KeyedQueue(
            self._bring_on,
            at_once=_INCIDENTS_AT_ONCE,
            on_failure=self._failed("incident"),
        )
        self._on_change = on_change
        self._started = False

    def now(self) -> datetime:
        """Give the API server's time, which all replicas share."""
        return self._api.clock.now()

    # -- starting and stopping

    def start(self) -> None:
        """Begin to act: everything that is known is looked at once, then whatever changes."""
        self._started = True
        self.view.on_incident = self._on_incident
        self.view.on_change = self._on_change
        self.view.on_object = self._on_object
        self.view.on_arming = self._on_arming
        self._look_at_targets()
        for key, incident in list(self.view.incidents.items()):
            self._on_incident(key, incident)

    async def stop(self) -> None:
        self._started = False
        self.view.on_incident = lambda _key, _incident: None
        self.view.on_change = lambda _before, _after: None
        self.view.on_object = lambda _key: None
        self.view.on_arming = lambda: None
        await self._target_queue.close()
        await self._incident_queue.close()
        await self._catching_up.close()

    async def quiet(self, *, within_seconds: float) -> None:
        """Return once nothing is being worked on, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, within_seconds)):
                await self._target_queue.idle()
                await self._incident_queue.idle()
                await self._target_queue.idle()

    def _look_at_targets(self) -> None:
        """Look at all that is asked for, and at all that stands in our name: whom its ledger names
        may be gone, which is flagged, or closed, and then it is given back.
        """
        for target in list(self.view.targets()):
            self._target_queue.add(target)
        for key, live in list(self.view.objects.items()):
            if is_in_our_name(live):
                self._target_queue.add(self.view.target_of(key))

    async def resync(self) -> None:
        """Look at everything from time to time; a lost event can't strand anything."""
        while True:
            await asyncio.sleep(_RESYNC_SECONDS)
            self._look_at_targets()
            for incident_key in list(self.view.incidents):
                self._incident_queue.add(incident_key)

    # -- what happens

    def hurry(self) -> None:
        """The API server answers again after an outage: what failed in it waits no longer."""
        self._target_queue.hurry()
        self._incident_queue.hurry()

    def on_stored(self, incident: Incident, received: float) -> None:
        """Take a stored incident straight on, without waiting for the watch to tell of it."""
        key = IncidentKey(incident.namespace, incident.name)
        if received and incident.acts and incident.status.phase is Phase.NEW:
            self._brakes.begin(key, received)

    def on_quiet(self, quiet: Mapping[str, Quiet]) -> None:
        """Take what is known by now of silenced alerts, and have their incidents tell of it."""
        before, self._quiet = self._quiet, quiet
        known = before or {}
        changed = {each for each in (*quiet, *known) if quiet.get(each) != known.get(each)}
        if before is None:
            # What was silenced before a restart, and is silenced no more, is told nowhere else.
            changed.update(
                fingerprint
                for incident in self.view.incidents.values()
                if any(condition.type == SILENCED for condition in incident.status.conditions)
                for fingerprint in incident.alerts
            )
        for fingerprint in changed:
            for incident in self.view.holding_alert(fingerprint):
                self._incident_queue.add(IncidentKey(incident.namespace, incident.name))

    def _on_incident(self, key: IncidentKey, incident: Incident | None) -> None:
        if incident is None:
            self._brakes.forget(key)
            self._asking.pop(key, None)
            self._watching.discard(key)
            self._outcomes.forget(key)
            return
        if incident.acts or incident.closed:
            self._watching.discard(key)
        else:
            self._watching.add(key)
        asking = _asking(incident)
        targets: list[ObjectKey] = []
        if self._asking.get(key) != asking and incident.acts:
            # What an incident asks for changes seldom; its status is written more often.
            targets = self.view.concerned(incident)
            if incident.closed:
                # Another process may have closed it, and this one held for it until it heard.
                targets = [each for each in targets if is_held_for(self.view, incident, each)]
        self._asking[key] = asking
        for target in targets:
            crowd = self.view.crowd_on(target)
            each = _ASKING_SECONDS if asking.asks else _LEAVING_SECONDS
            self._target_queue.add(target, after_seconds=each * crowd if crowd > _CROWD else 0.0)
        fresh = incident.status.phase is Phase.NEW and bool(targets) and asking.asks
        self._incident_queue.add(key, after_seconds=_STATUS_AFTER_SECONDS if fresh else 0.0)

    def _on_object(self, target: ObjectKey) -> None:
        """Bring a target to what is asked of it; who only looks at it does so later."""
        self._target_queue.add(target)
        if self._watching:
            self._have_it_watched(target)
        if target.kind == DEPLOYMENT:
            self._have_its_effect_seen(target)

    def _have_it_watched(self, target: ObjectKey) -> None:
        """Have incidents look that only observe; of very many the first ones are enough to tell
        what people did.
        """
        watching = (one for one in self.view.incidents_on(target) if not one.acts)
        for incident in itertools.islice(watching, _MOST_WATCHING):
            key = IncidentKey(incident.namespace, incident.name)
            self._incident_queue.add(key, after_seconds=_WATCHING_SECONDS)

    def _have_its_effect_seen(self, target: ObjectKey) -> None:
        self.looking.note(target)
        crowd = self.view.crowd_on(target)
        after = max(_SEEN_AFTER_SECONDS, _LEAVING_SECONDS * crowd)
        for incident in self.view.incidents_on(target):
            if is_awaited(incident):
                key = IncidentKey(incident.namespace, incident.name)
                self._incident_queue.add(key, after_seconds=after)

    def _on_arming(self) -> None:
        """Somebody threw the switch: every incident is decided upon again."""
        log.warning("switched", arming=str(self.view.arming))
        # What asks for the same as before was passed over while nothing could begin: now it counts.
        self._asking.clear()
        for key, incident in list(self.view.incidents.items()):
            if not incident.closed:
                self._on_incident(key, incident)
                self._incident_queue.add(key)
        for target in list(self.view.targets()):
            self._target_queue.add(target)

    def _on_look(self, target: ObjectKey) -> None:
        self._target_queue.seen(target)

    def _on_outcome(self, key: IncidentKey) -> None:
        incident = self.view.incidents.get(key)
        if incident is None:
            return
        if self._outcomes.all_in(key, self.view.concerned(incident)):
            self._brakes.note(key)
            self._incident_queue.add(key)

    async def _bring_on(self, key: IncidentKey) -> None:
        """Advance an incident; in a storm what one that holds has to tell waits for the brakes."""
        incident = self.view.incidents.get(key)
        if incident is not None and _only_tells(incident):
            await self._target_queue.at_ease(within_seconds=_GIVES_WAY_SECONDS)
        await self.incidents.reconcile(key)

    def _look_again(self, key: IncidentKey, after_seconds: float = 0.0) -> None:
        self._incident_queue.add(key, after_seconds=after_seconds)

    def _failed(self, loop: str) -> Callable[[object, Exception, float], None]:
        def failed(key: object, error: Exception, delay: float) -> None:
            name = type(error.__cause__ or error).__name__
            self._metrics.work_failures.labels(loop=loop, error=name).inc()
            told = {"loop": loop, "key": str(key), "again_in_seconds": round(delay, 2)}
            if isinstance(error, Again):
                log.info("work_again", why=str(error), **told)
            else:
                log.error("work_failed", exc_info=error, **told)

        return failed

    def measure(self) -> None:
        """Bring the gauges up to date."""
        measure(self.view, self._metrics)
        self._metrics.clock_skew.set(self._api.clock.skew_seconds or 0.0)
