"""Promise 2: never looser than the strictest open hold, whoever else writes."""

from collections import Counter
from dataclasses import dataclass

from responder.sandbox.audit.demands import Demand, is_looser
from responder.sandbox.audit.rules import UNSEEN_SECONDS, Step, Violation
from responder.sandbox.audit.versions import CONFIG_MAP, Version
from responder.sandbox.audit.world import Incident, Pair, Target, World

PROMISE = "2, never looser than the strictest open hold"


@dataclass(slots=True)
class _Standing:
    """How one demand stood on one target after the last step that concerned it."""

    incident: Incident
    demand: Demand
    told: str
    somewhere: bool
    unmet_since: Version | None
    until_lately: tuple[Version, Demand | None] | None = None
    """What ended what it asked for before, and that: a relapse or a stage asks for more, and one
    that is armed again for something."""


class NeverLooser:
    """Follows every demand on every target through the history."""

    def __init__(self, *, patience_seconds: float) -> None:
        """A change by somebody else is to be answered within `patience_seconds`."""
        self._patience_seconds = patience_seconds
        self._standing: dict[Target, dict[Pair, _Standing]] = {}
        self._undone: Counter[Target] = Counter()
        self._written: dict[str, int] = {}
        """When we last wrote an object, by its uid."""

    def see(self, step: Step) -> list[Violation]:
        found: list[Violation] = []
        for target in step.targets:
            known = self._standing.setdefault(target, {})
            seen: set[Pair] = set()
            for incident, demand in step.world.demands_on(target, only=step.only):
                pair = (incident.uid, demand.number)
                seen.add(pair)
                met = step.world.is_met(demand, target)
                before = known.get(pair)
                since = before.unmet_since if before and before.unmet_since else step.after
                now = _Standing(
                    incident,
                    demand,
                    f"{incident.name} asks for {demand}",
                    step.world.is_somewhere_met(demand, target),
                    None if met else since,
                    _until_lately(before, demand, step.after),
                )
                found += self._judge(step, target, before=before, now=now, pair=pair)
                known[pair] = now
            for pair in [pair for pair in known if step.only in ("", pair[0])]:
                if pair not in seen:
                    found += self._waited(step, target, known.pop(pair))
        if step.is_ours:
            self._written[step.after.uid] = step.after.revision
        return found

    def _judge(
        self, step: Step, target: Target, *, before: _Standing | None, now: _Standing, pair: Pair
    ) -> list[Violation]:
        live = step.world.objects[target]
        if now.unmet_since is None:
            return self._waited(step, target, before)
        if not step.is_ours:
            if before is not None and before.unmet_since is None:
                self._undone[target] += 1
            return []
        told = f"{now.told}, and we wrote: {'; '.join(map(str, step.changes))}"
        if pair in step.world.held[live.uid]:
            # Guarded by the version it was decided on, it never lands on a later write of ours.
            under_way = (
                now.until_lately is not None
                and self._written.get(step.after.uid, 0) < now.until_lately[0].revision
                and _is_met(step, now.until_lately[1], target)
            )
            if before is not None and before.somewhere and not now.somewhere and not under_way:
                return [step.violation(PROMISE, f"a hold was let go: {told}", target=target)]
        elif now.incident.since < step.after.seen - UNSEEN_SECONDS and _loosens(step, now.demand):
            return [step.violation(PROMISE, f"loosened past an open incident: {told}")]
        return []

    def _waited(self, step: Step, target: Target, before: _Standing | None) -> list[Violation]:
        if before is None or before.unmet_since is None:
            return []
        seconds = step.after.seen - before.unmet_since.seen
        if seconds <= self._patience_seconds or self._is_excused(before, target):
            return []
        told = f"looser for {seconds:.1f} s since {before.unmet_since.revision}: {before.told}"
        return [step.violation(PROMISE, told, target=target)]

    def end(self, world: World, *, answering: bool) -> list[Violation]:
        """Judge what nobody answered, and no incident reports."""
        del world
        return [
            Violation(
                PROMISE,
                target,
                standing.unmet_since.revision,
                f"looser to the end, and neither answered nor reported: {standing.told}",
            )
            for target, pairs in self._standing.items()
            for standing in pairs.values()
            if answering
            and standing.unmet_since is not None
            and not self._is_excused(standing, target)
        ]

    def _is_excused(self, standing: _Standing, target: Target) -> bool:
        return standing.incident.excuses(target, undone=self._undone[target])


def _is_met(step: Step, demand: Demand | None, target: Target) -> bool:
    return demand is None or step.world.is_somewhere_met(demand, target)


def _until_lately(
    before: _Standing | None, demand: Demand, after: Version
) -> tuple[Version, Demand | None] | None:
    """Give what a write that is under way may still have been decided by."""
    if before is None:
        return after, None
    if before.demand != demand:
        return after, before.demand
    known = before.until_lately
    return known if known is not None and after.seen - known[0].seen <= UNSEEN_SECONDS else None


def _loosens(step: Step, demand: Demand) -> bool:
    """Tell whether a step lets more through; of a ConfigMap, under the key that is asked for."""
    for change in step.changes:
        if step.after.kind != CONFIG_MAP:
            numbers = (change.before, change.after)
            if all(isinstance(number, int) for number in numbers) and numbers[0] < numbers[1]:
                return True
        elif change.field == demand.key and is_looser(change.after, change.before):
            # Plain keys have no order of their own; only their demands tell.
            return True
    return False
