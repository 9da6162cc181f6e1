"""Time that passes when nobody has anything to do: an hour of waiting takes no time at all.

The loop never waits: where nothing is ready it moves the clocks to the next timer. Work for threads
is done at once, in the loop.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import time_machine

BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LISTENS_SECONDS: Final = 0.02
"""Without any timer only the outside can bring news."""


class Clock:
    """The monotonic clock and the wall clock of everything in this process."""

    def __init__(self) -> None:
        self._seconds = 1000.0
        self._travel = time_machine.travel(BEGINNING, tick=False)
        self._wall = self._travel.start()

    def monotonic(self) -> float:
        return self._seconds

    def now(self) -> datetime:
        return datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        self._seconds += seconds
        self._wall.shift(seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a person or NTP does."""
        self._wall.shift(seconds)


def installed() -> Clock:
    """Make time virtual, for good. To be called before anything keeps a clock for itself."""
    clock = Clock()
    time.monotonic = clock.monotonic
    return clock


class _Selector(selectors.BaseSelector):
    """Asks the real one, and never waits for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._real = selectors.DefaultSelector()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = self._real.select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            return self._real.select(_LISTENS_SECONDS)
        # What was sent over the loopback interface is there by now, or nothing was.
        self._clock.advance(max(timeout, 0.0))
        return self._real.select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(_Selector(clock))
        self._now: Callable[[], float] = clock.monotonic

    def time(self) -> float:
        return self._now()

    def run_in_executor(
        self, executor: object, func: Callable[..., Any], *args: object
    ) -> "asyncio.Future[Any]":
        del executor
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 -- whoever waits for it gets it
            done.set_exception(error)
        return done
