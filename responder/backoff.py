"""How long to wait before the next try: soon at first, then slower, and never all at once."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubles from `first_seconds` up to `longest_seconds`; each time between half and all of it.

    `chance` gives a number in [0, 1).
    """

    first_seconds: float = 0.2
    longest_seconds: float = 5.0
    chance: Callable[[], float] = random.random
    tries: int = 0

    def next_seconds(self, *, at_least: float | None = None) -> float:
        """`at_least` is what the server asked for (Retry-After), jittered upwards."""
        ceiling = min(self.longest_seconds, self.first_seconds * 2.0 ** min(self.tries, 30))
        self.tries += 1
        spread = ceiling * (0.5 + 0.5 * self.chance())
        return spread if at_least is None else max(spread, at_least * (1 + 0.25 * self.chance()))

    def reset(self) -> None:
        self.tries = 0
