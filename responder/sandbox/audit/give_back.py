"""Promise 3: exact give-back. The baselines are the auditor's own, from the history alone."""

from dataclasses import dataclass, field
from typing import Any

from responder.sandbox.audit.rules import Step, Violation
from responder.sandbox.audit.versions import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    INCIDENT,
    LEDGER,
    Change,
    Version,
    Writer,
    shown,
)
from responder.sandbox.audit.world import World, target_of

PROMISE = "3, exact give-back"


@dataclass(slots=True)
class _Memory:
    """What one object's fields would be without us."""

    baseline: dict[str, Any]
    """The last value that somebody else wrote, or the original one."""
    original: dict[str, Any] = field(default_factory=dict)
    """The values right before the present hold."""
    touched: set[str] = field(default_factory=set)
    """What was ever held."""
    returned: dict[str, Any] = field(default_factory=dict)
    """What was given back rightly, and nobody has changed since."""


class ExactGiveBack:
    """Judges each write that gives back, each incident that closes, and the end."""

    def __init__(self) -> None:
        self._memories: dict[str, _Memory] = {}
        self._closed: set[str] = set()

    def see(self, step: Step) -> list[Violation]:
        if step.after.kind == INCIDENT:
            return self._see_incident(step)
        if step.after.deleted:
            return []
        memory = self._memories.get(step.after.uid)
        if memory is None:
            own = {change.field for change in step.changes if change.by.ours}
            there = {name: v for name, v in step.after.fields.items() if name not in own}
            memory = self._memories[step.after.uid] = _Memory(there)
        self._remember(step, memory)
        return self._released(step, memory)

    def _remember(self, step: Step, memory: _Memory) -> None:
        held = _is_held(step.world, step.before) or _is_held(step.world, step.after)
        for change in step.changes:
            if change.field == LEDGER:
                continue
            memory.returned.pop(change.field, None)
            if change.by.ours:
                memory.touched.add(change.field)
            # What an autoscaler does during a hold it does because of it.
            elif not held or not _is_autoscaled(step, change):
                memory.baseline[change.field] = change.after
        if not held:
            memory.original = dict(memory.baseline)
        memory.touched |= (step.after.ledger or {}).keys()

    def _released(self, step: Step, memory: _Memory) -> list[Violation]:
        """Judge the fields that this very write let go, and the baselines that it tells."""
        if not step.is_ours:
            return []
        after = step.after.ledger or {}
        gone = {change.field for change in step.changes if change.by is Writer.GIVER} - {LEDGER}
        gone |= ((step.before.ledger if step.before else None) or {}).keys() - after.keys()
        found = []
        for name in sorted(gone - after.keys()):
            if told := self._wrong(step.world, step.after, name):
                found.append(step.violation(PROMISE, f"{name} was given back as {told}"))
            else:
                memory.returned[name] = step.after.fields.get(name)
        if step.after.kind == DEPLOYMENT and step.world.autoscalers_of(step.after.name):
            return found
        return found + [
            step.violation(
                PROMISE,
                f"the ledger has {shown(entry.get('baseline'))} for the baseline of {name},"
                f" which is {shown(memory.baseline.get(name))}",
            )
            for name, entry in sorted(after.items())
            if not entry.get("unknown") and entry.get("baseline") != memory.baseline.get(name)
        ]

    def _wrong(self, world: World, live: Version, name: str) -> str:
        """Tell what is wrong with a value that is given back, "" where it is right."""
        memory = self._memories[live.uid]
        value, due = live.fields.get(name), memory.baseline.get(name)
        if name == "minReplicas" and due is not None:
            due = min(due, memory.baseline["maxReplicas"])
        if name == "replicas" and world.autoscalers_of(live.name):
            # The number is the autoscaler's; we may bring it up to where it was, and no further.
            most = max(due or 0, memory.original.get(name) or 0)
            if value == 0 and due:
                return f"0, at which no autoscaler brings it back, and its baseline is {due}"
            by_itself = not live.is_ours(live.path_of(name))
            return (
                ""
                if by_itself or (1 if value is None else value) <= most
                else f"{value}, above {most}"
            )
        return "" if value == due else f"{shown(value)}, and its baseline is {shown(due)}"

    def _see_incident(self, step: Step) -> list[Violation]:
        incident = step.world.incidents.get(step.after.uid)
        if incident is None or not incident.closed or incident.uid in self._closed:
            return []
        self._closed.add(incident.uid)
        found: list[Violation] = []
        for live in step.world.objects.values():
            if not any(uid == incident.uid for uid, _ in step.world.held[live.uid]):
                continue
            entries = (live.ledger or {}).items()
            found += [
                step.violation(PROMISE, f"{incident.name} closed while it holds {name}")
                for name, entry in entries
                if entry.get("uid") == incident.uid
            ]
            if not _is_being_left(step.world, live):
                found += self._left(step.world, live, revision=step.after.revision)
        return found

    def _left(self, world: World, live: Version, *, revision: int) -> list[Violation]:
        """Judge an object on which nothing may be held any more."""
        target = target_of(live)
        if any(True for _ in world.demands_on(target)):
            return []
        if live.kind == AUTOSCALER and target not in world.objects and _is_asked_for(world, live):
            return []  # its workload is away, and what asks for it is judged when that closes
        memory = self._memories[live.uid]
        wrong = [f"{trace} is left" for trace in live.traces]
        wrong += [
            f"{name} is {told}"
            for name in sorted(memory.touched - memory.returned.keys())
            if (told := self._wrong(world, live, name))
        ]
        place = (live.kind, live.name)
        return [Violation(PROMISE, place, revision, told) for told in wrong]

    def end(self, world: World, *, answering: bool) -> list[Violation]:
        """Judge every object that was ever held, and every incident that lets go."""
        found = [
            Violation(
                PROMISE,
                (INCIDENT, incident.name),
                incident.latest.revision,
                "it let go, and is not closed at the end",
            )
            for incident in world.incidents.values()
            if answering and incident.is_leaving
        ]
        for live in world.objects.values():
            memory = self._memories.get(live.uid)
            if memory is None or _is_being_left(world, live):
                continue
            if memory.touched or live.traces:
                found += self._left(world, live, revision=live.revision)
        return found


def _is_asked_for(world: World, live: Version) -> bool:
    """Tell whether an open incident that its ledger names asks for what it may hold."""
    named = {entry.get("uid") for entry in (live.ledger or {}).values()}
    return any(uid in named and incident.asks for uid, incident in world.incidents.items())


def _is_being_left(world: World, live: Version) -> bool:
    """Tell whether an incident that held the object has let go and is not closed yet.

    One that held it too and closes before may have given it up while this one still asked for it:
    the last one to close is judged.
    """
    return any(world.incidents[uid].is_leaving for uid, _ in world.held[live.uid])


def _is_autoscaled(step: Step, change: Change) -> bool:
    if change.by is Writer.SCALER:
        return bool(step.world.autoscalers_of(step.after.name))
    return change.by is Writer.AUTOSCALER


def _is_held(world: World, version: Version | None) -> bool:
    """Tell whether an object, or one beside which it is held, bears a ledger."""
    if version is None:
        return False
    if version.ledger is not None or version.kind == CONFIG_MAP:
        return version.ledger is not None
    return any(found.ledger is not None for found in world.places(target_of(version)))
