"""Messages between being picked up and being handed to a provider: what `inFlight` is about."""

from collections import deque
from dataclasses import dataclass, replace

from responder.sandbox.senders.lanes import Observed


@dataclass(frozen=True, slots=True)
class Begun:
    """What was picked up, evenly, from one minute to another."""

    since: float
    until: float
    messages: float
    hold: Observed
    let: float
    """The share of what was wanted that the hold let through then."""


class Flight:
    """What is under way of one kind of message, the oldest first."""

    def __init__(self, minutes: float) -> None:
        """Tell how long a message is under way."""
        self._takes = minutes
        self._begun: deque[Begun] = deque()

    def begin(self, begun: Begun) -> None:
        """Pick up more."""
        if begun.messages > 0:
            self._begun.append(begun)

    def drop(self, hold: Observed, *, let: float) -> float:
        """Drop what a hold wants dropped, and give how much.

        That is what was picked up while more was let through. What begins under the hold itself
        stays: a throttled sender that dropped it would send nothing.
        """
        if not hold.drop:
            return 0.0
        looser = [each for each in self._begun if each.hold != hold and each.let > let]
        for each in looser:
            self._begun.remove(each)
        return sum(each.messages for each in looser)

    def lose(self) -> None:
        """Lose all of it, as with the last pod."""
        self._begun.clear()

    def due(self, now: float) -> list[tuple[str, float]]:
        """Hand over what has been under way long enough: to which pool, and how much."""
        handed: list[tuple[str, float]] = []
        ready = now - self._takes
        while self._begun and self._begun[0].since < ready:
            first = self._begun.popleft()
            if first.until > ready:
                part = (ready - first.since) / (first.until - first.since)
                rest = first.messages * (1 - part)
                self._begun.appendleft(replace(first, since=ready, messages=rest))
                first = replace(first, messages=first.messages * part)
            handed.append((first.hold.pool, first.messages))
        return handed
