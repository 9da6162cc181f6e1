"""Looking for the effect of what is applied: in the view for workloads, in Prometheus for senders.

It never holds anything up, and what was seen once is not asked for again.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from responder.evidence.metric import Metric
from responder.evidence.prometheus import Prometheus
from responder.holds.effect import Quiet, watched, workload_effect
from responder.holds.objects import ObjectKey, value_at
from responder.holds.subjects import (
    CONFIG_MAP,
    DEPLOYMENT,
    control_of,
    key_for,
    limit_of,
    object_of,
    subject_of,
    told,
)
from responder.incidents.confirmation import Effect, Sight
from responder.incidents.confirming import (
    CONFIRM_WITHIN_SECONDS,
    is_awaited,
    is_written,
    look_again_at,
    targets_of,
    turn_of,
)
from responder.incidents.incident import Incident
from responder.incidents.status import TargetState
from responder.playbooks.asks import Ask
from responder.reconcile.senders import Looked, SenderSigns
from responder.reconcile.view import IncidentKey, View

_OUR_ID: Final = re.compile("[0-9a-f]{6}")

log = structlog.get_logger()


class _Turn(NamedTuple):
    """One turn of one incident: others of its name, and later turns, begin at another time."""

    uid: str
    turn: str
    begun_at: str


def _turn(incident: Incident) -> _Turn:
    record = incident.status.confirmation
    return _Turn(incident.uid, record.turn, record.begun_at)


@dataclass(slots=True)
class _Known:
    """What was seen of one incident's senders in one turn, by the place of the ask in the plan."""

    turn: _Turn
    again_at: datetime
    sights: dict[int, Sight] = field(default_factory=dict)
    signs: dict[int, SenderSigns] = field(default_factory=dict)


class Looking:
    """The newest sight of each hold whose effect is awaited."""

    def __init__(
        self,
        *,
        view: View,
        prometheus: Prometheus | None,
        attempts: Callable[[], Mapping[str, Metric]],
        pools: tuple[str, ...],
        now: Callable[[], datetime],
        within_seconds: float = CONFIRM_WITHIN_SECONDS,
    ) -> None:
        self._view = view
        self._prometheus = prometheus
        self._attempts = attempts
        self._pools = pools
        self._now = now
        self.within_seconds = within_seconds
        self._known: dict[IncidentKey, _Known] = {}
        self._is_down = False
        """In this round Prometheus gave no answer; a thousand others would wait for it as long."""
        self._quiet: dict[ObjectKey, dict[int, Quiet | None]] = defaultdict(dict)
        """By workload and limit."""

    def sights(self, incident: Incident) -> tuple[Sight, ...]:
        """Give what is seen of each hold that is written."""
        found = []
        known = self._known.get(IncidentKey(incident.namespace, incident.name))
        turn = _turn(incident)._replace(turn=turn_of(incident))
        for index, ask in enumerate(incident.plan_in_force):
            if not is_written(incident, ask):
                continue
            if ask.target_kind == DEPLOYMENT:
                found.append(self._workload(ask))
            elif known is not None and known.turn == turn and index in known.sights:
                found.append(known.sights[index])
            else:
                found.append(Sight(told(ask), Effect.UNKNOWN, "nobody has looked yet"))
        return tuple(found)

    def note(self, target: ObjectKey) -> None:
        """Take note of each change of a workload, or a raise that is undone at once is missed."""
        for limit in self._quiet.get(target, ()):
            self._watch(target, limit)

    def due(self) -> list[tuple[IncidentKey, Incident]]:
        """Give the incidents whose effect is to be looked for in this round.

        It passes over all that are open, thousands of times a day: what is looked at is cheap.
        """
        now, found, awaited = self._now(), [], set()
        self._is_down = False
        for key, incident in self._view.incidents.items():
            if not is_awaited(incident):
                continue
            awaited.add(key)
            known = self._known.get(key)
            if known is None or known.turn != _turn(incident) or known.again_at <= now:
                found.append((key, incident))
        for key in self._known.keys() - awaited:
            del self._known[key]
        if not awaited:
            self._quiet.clear()
        return found

    async def look(self, key: IncidentKey, incident: Incident) -> None:
        """Look for what an incident's senders show, once."""
        known, turn, now = self._known.get(key), _turn(incident), self._now()
        if known is None or known.turn != turn:
            known = self._known[key] = _Known(turn, now)
        known.again_at = look_again_at(incident, looked_at=now, within_seconds=self.within_seconds)
        for index, ask in enumerate(incident.plan_in_force):
            before = known.sights.get(index)
            seen = before is not None and before.effect is Effect.SEEN
            if seen or ask.target_kind == DEPLOYMENT or not is_written(incident, ask):
                continue
            signs = known.signs.setdefault(
                index, SenderSigns(ask, within_seconds=self.within_seconds)
            )
            looked = self._looked(incident, ask)
            if self._is_down:
                sight = Sight(told(ask), Effect.UNKNOWN, "Prometheus gives no answer")
            else:
                metrics = self._attempts()
                sight = await signs.look(looked, self._prometheus, metrics, now=self._now())
                if signs.is_down:
                    self._is_down = True
            known.sights[index] = sight
            if before is None or before.effect is not sight.effect:
                log.info(
                    "sight",
                    incident=key.name,
                    subject=sight.subject,
                    effect=str(sight.effect),
                    message=sight.message,
                )

    def _workload(self, ask: Ask) -> Sight:
        target = object_of(subject_of(ask))
        if target is None:
            raise AssertionError(ask)  # only campaigns are found by their marks
        limit = int(limit_of(ask))
        effect = workload_effect(
            self._view.objects.get(target),
            self._view.autoscalers_of(target),
            limit=limit,
            quiet=self._watch(target, limit),
            now=self._now(),
        )
        seen = {True: Effect.SEEN, False: Effect.DENIED, None: Effect.UNKNOWN}[effect.kept]
        return Sight(told(ask), seen, effect.message)

    def _watch(self, target: ObjectKey, limit: int) -> Quiet | None:
        known = self._quiet[target]
        quiet = known[limit] = watched(
            known.get(limit),
            self._view.objects.get(target),
            self._view.autoscalers_of(target),
            limit=limit,
            now=self._now(),
        )
        return quiet

    def _looked(self, incident: Incident, ask: Ask) -> Looked:
        """Gather what stands on the objects of an ask."""
        record = incident.status.confirmation
        targets = [
            target.key
            for target in targets_of(incident, ask)
            if target.state is TargetState.APPLIED and target.key.kind == CONFIG_MAP
        ]
        documents = [value_at(self._view.objects[t], ("data", key_for(ask))) for t in targets
                     if t in self._view.objects]  # fmt: skip
        return Looked(
            begun_at=record.begun_at,
            applied_at=record.applied_at,
            is_first_turn=turn_of(incident) == "0-0",
            is_alone=all(self._view.crowd_on(target) <= 1 for target in targets),
            stands=bool(documents) and all(self._is_in(ask, each) for each in documents),
            ids=tuple(sorted({found for each in documents if (found := _id_of(each))})),
        )

    def _is_in(self, ask: Ask, live: object) -> bool:
        """Tell whether what stands is at least as strict as what is asked."""
        if ask.control != "sending":
            return True
        control = control_of(ask, pools=self._pools)
        found = control.limit_of(live)
        return found is not None and control.strictest([found, limit_of(ask)]) == found


def _id_of(document: object) -> str:
    """Give the id of a document that we wrote; empty where it has none."""
    try:
        found = json.loads(document)["id"] if isinstance(document, str) else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) and _OUR_ID.fullmatch(found) else ""
