"""What playbooks may refer to that is defined elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownMetric:
    """A metric's name, and what it needs of an incident to be asked about it.

    `labels` must all be among those that tell incidents apart, and of `selectors`, if there are
    any, one at least: else the answer would be about everything.
    """

    name: str
    labels: frozenset[str] = frozenset()
    selectors: frozenset[str] = frozenset()
    counts: bool = True
    """It is a number of something, no rate."""
    needs_sends: bool = False
    """It has an answer only where something was sent."""
