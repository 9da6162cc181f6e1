"""A clock that a test moves."""

from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """Seconds; call it to read it."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
