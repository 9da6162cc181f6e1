"""Many histories, one after the other, with what they went through all together."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.histories.events import Event, drawn
from tests.histories.history import Outcome, happen
from tests.histories.shrinking import shortest

STEPS = 30
REACHED = (
    "reached Cooling AlertsResolved",
    "reached Cooling CoolDownOver",
    "reached Cooling WaitsForAcknowledgement",
    "reached Ramping StepOpened",
    "reached Ramping RampOver",
    "reached Holding Relapsed",
    "reached Holding FiringAgain",
    "reached Holding Escalated",
    "reached Holding Approved",
    "reached Holding NobodyDecided",
    "reached Holding ArmedAgain",
    "reached Holding Deleted",
    "reached Holding Disarmed",
    "reached Holding WaitsForPerson",
    "reached Holding ReleasedByHand",
    "reached Proposed Expired",
    "reached Proposed Rejected",
    "reached Proposed Disarmed",
    "reached Closed GivenBack",
    "condition Applied",
    "condition Contested",
    "ghosts",
    "edits adopted",
    "answered 503",
)
"""What every run of some hundred histories must have come to, or it shows little."""


@dataclass(slots=True)
class Failure:
    """One history that failed, as short as it could be made."""

    seed: int
    events: list[Event]
    outcome: Outcome

    def __str__(self) -> str:
        """Tell all that is needed to have it again."""
        told = [f"history {self.seed} fails:"]
        told += [f"  {fault}" for fault in self.outcome.faults[:8]]
        told += [self.outcome.report] if self.outcome.report else []
        events = ",\n  ".join(json.dumps(event) for event in self.events)
        told.append(f"again: python -m tests.histories --seed {self.seed} --replay - <<'END'")
        told.append(f"[ {events} ]\nEND")
        return "\n".join(told)


@dataclass(slots=True)
class Run:
    """What became of many histories."""

    histories: int = 0
    steps: int = 0
    virtual_seconds: float = 0.0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def missed(self) -> list[str]:
        return [name for name in REACHED if not self.counts[name]]

    def __str__(self) -> str:
        """Give the figures."""
        hours = self.virtual_seconds / 3600
        lines = [
            (
                f"{self.histories} histories, {self.steps} steps, {hours:.0f} hours in"
                f" {self.seconds:.0f} s; {len(self.failures)} failed"
            )
        ]
        lines += [f"  {name}: {number}" for name, number in sorted(self.counts.items())]
        return "\n".join(lines)


def run(
    seeds: Iterable[int], *, steps: int = STEPS, shrinks: bool = True, most_failures: int = 1
) -> Run:
    """Play one history for each seed; ends with the first failures."""
    found, began = Run(), time.monotonic()
    for seed in seeds:
        events = drawn(seed, steps=steps)
        outcome = happen(seed, events)
        found.histories += 1
        found.steps += outcome.steps
        found.virtual_seconds += outcome.virtual_seconds
        found.counts.update(outcome.counts)
        if outcome.faults:
            kept = events
            if shrinks:
                kept = shortest(events, lambda some, seed=seed: _fails(seed, some))  # type: ignore[misc]
                outcome = happen(seed, kept)
            found.failures.append(Failure(seed, kept, outcome))
            if len(found.failures) >= most_failures:
                break
    found.seconds = time.monotonic() - began
    return found


def _fails(seed: int, events: Iterable[Event]) -> bool:
    return bool(happen(seed, list(events)).faults)
