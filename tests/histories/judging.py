"""Everything that the API server stored, as the auditor and the gates of each incident see it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from responder.incidents.incident import Incident
from responder.incidents.status import Phase, Reason, Status
from responder.incidents.stored import read_incident
from responder.incidents.transitions import Arming, read_moment
from responder.sandbox.api.store import Change
from responder.sandbox.audit.judge import judge
from responder.sandbox.audit.report import report
from responder.sandbox.audit.versions import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    INCIDENT,
    Version,
)
from tests.histories.platform import NAMESPACE
from tests.histories.scripted import Script
from tests.incidents.gates import Gates, World

_WATCHED: Final = {
    "deployments": DEPLOYMENT,
    "horizontalpodautoscalers": AUTOSCALER,
    "configmaps": CONFIG_MAP,
    "incidents": INCIDENT,
}
_PATIENCE_SECONDS: Final = 1e9
"""A responder may be down for as long as a history likes: what counts is each end."""
_OLD_ANSWER: Final = timedelta(seconds=75)
"""An answer may be as old as the interval of asking, and be acted upon late."""
_SAMPLED_SECONDS: Final = 30.0
_CLOCK: Final = timedelta(seconds=2)
"""The API server's time is known to about a second, from the `Date` of its answers."""


@dataclass(slots=True)
class ScriptedGates(Gates):
    """Gates that ask the script what could have been answered, and no one else."""

    script: Script | None = None
    about: str = ""

    def is_told_at(self, now: datetime) -> None:
        """Count what begins now from now on, and not from when the clock may be."""
        for name in ("cooling_since", "resumed_at", "step_since", "relapsed_at", "proposed_since"):
            moment = getattr(self, name)
            if moment is not None and moment > now:
                setattr(self, name, now - _CLOCK)

    def _said(self, name: str, what: str, since: datetime | None, world: World) -> bool:
        assert self.script is not None
        earliest = world.now - _OLD_ANSWER
        kind = name.partition("-")[0]
        found = max(earliest, since) if since is not None else earliest
        return self.script.was(kind, self.about, what, since=found)  # type: ignore[arg-type]

    def _is_yes(self, name: str, about: datetime | None, world: World) -> bool:
        return self._said(name, "yes", about, world)

    def _is_no(self, name: str, about: datetime | None, world: World) -> bool:
        return self._said(name, "no", about, world)

    def _escalates(self, before: Incident, after: Incident, world: World) -> None:
        assert self.script is not None
        assert world.arming is Arming.ARMED
        (reached,) = set(after.status.stages) - set(before.status.stages)
        seconds = self.script.yes_seconds("stage", self.about)
        assert seconds >= before.stages[reached].for_seconds - _SAMPLED_SECONDS, (
            "too little evidence"
        )


@dataclass(slots=True)
class Judging:
    """Listens to the store; its verdict is a list of what was wrong."""

    script: Script
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    arming: Callable[[], Arming]
    versions: list[Version] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """Transitions and findings, counted."""
    ghosts_released_at: int | None = None
    disarmed_at: datetime | None = None
    jumped: bool = False
    """A clock that is set tells nothing of how long something took."""
    _gates: dict[str, ScriptedGates] = field(default_factory=dict)

    def see(self, change: Change) -> None:
        kind = _WATCHED.get(change.key[1])
        body = change.new or change.gone or change.old
        if kind is None or body is None or body["metadata"].get("namespace") != NAMESPACE:
            return
        metadata = body["metadata"]
        version = Version(
            kind=kind,
            name=metadata["name"],
            uid=metadata["uid"],
            revision=change.version,
            seen=self.monotonic(),
            body=body,
            deleted=change.new is None,
        )
        self.versions.append(version)
        if kind == INCIDENT and change.new is not None and change.old is not None:
            before, after = read_incident(change.old), read_incident(change.new)
            if _moved(before.status, after.status):
                self._judge(before, after)

    def _judge(self, before: Incident, after: Incident) -> None:
        reason = after.status.reason
        self.seen[f"{after.status.phase} {reason}"] += 1
        for target in after.status.targets:
            self.seen[f"target {target.state}"] += 1
        for condition in after.status.conditions:
            self.seen[f"{condition.type} {condition.status}"] += 1
        if self.jumped or reason is None:
            return
        gates = self._gates.get(after.uid)
        if gates is None:
            gates = self._gates[after.uid] = ScriptedGates(
                after.resume,
                by_hand=not after.alerts,
                acts=after.acts,
                script=self.script,
                about=next((value for _, value in after.identity.labels), ""),
            )
        try:
            gates.judge(before, after, Reason(reason), self._world(before, Reason(reason)))
            gates.is_told_at(self.now())
        except AssertionError as error:
            told = str(error).partition("\n")[0]
            line = error.__traceback__
            while line is not None and line.tb_next is not None:
                line = line.tb_next
            at = "" if line is None else f"{line.tb_frame.f_code.co_name}:{line.tb_lineno}"
            way = f"{before.status.phase} -> {after.status.phase} ({reason})"
            self.faults.append(f"{after.name}: {way}: {told} {at}")

    def _world(self, before: Incident, reason: Reason) -> World:
        fires = {
            fingerprint: moment
            for fingerprint, alert in before.alerts.items()
            if (alert.firing or reason is Reason.RELAPSED)
            and (moment := read_moment(alert.starts_at)) is not None
        }
        wishes = {
            verb: moment
            for verb in ("approve", "reject", "acknowledge", "release")
            if (wish := getattr(before.wishes, verb)) is not None
            and (moment := read_moment(wish.at)) is not None
        }
        return World(
            now=self.now() + _CLOCK,
            fires_since=fires,
            wished_at=wishes,
            arming=self.arming(),
            deletion_meant=before.deleting,
        )

    def verdict(self) -> list[str]:
        """Judge all until now by what must be so whenever nothing is left to do."""
        violations = judge(
            self.versions,
            patience_seconds=_PATIENCE_SECONDS,
            answering=True,
            ghosts_released_at=self.ghosts_released_at,
        )
        told = [report(violations, self.versions)] if violations else []
        return [*self.faults, *told]


def _moved(before: Status, after: Status) -> bool:
    def place(status: Status) -> tuple[object, ...]:
        return status.phase, status.letting_go, status.stages, status.reason, status.ramp

    return place(before) != place(after) and (
        before.phase is not after.phase
        or before.stages != after.stages
        or before.letting_go != after.letting_go
        or (before.ramp.step != after.ramp.step and after.phase is Phase.RAMPING)
    )
