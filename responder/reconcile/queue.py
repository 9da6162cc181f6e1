"""Keyed work: each key at most once at a time, again if it was asked for meanwhile.

A key that fails is tried again with backoff and jitter of its own and never holds up another.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from responder.errors import ResponderError

KeyT = TypeVar("KeyT", bound=Hashable)
_MOMENT_SECONDS = 1.0
_MOST_CALM_SECONDS = 5.0


class Again(ResponderError):  # noqa: N818 -- an outcome of work, not a fault
    """The key is not done: try it again, with backoff, or after the seconds given."""

    def __init__(self, why: str, *, after_seconds: float | None = None) -> None:
        self.after_seconds = after_seconds
        super().__init__(why)


class NotYet(Again):
    """Nothing failed and the rest must wait: whatever happens meanwhile is worked on at once."""

    def __init__(self, why: str, *, after_seconds: float) -> None:
        super().__init__(why, after_seconds=after_seconds)


class KeyedQueue(Generic[KeyT]):
    """Runs `work` for each key that is added, a bounded number of keys at a time."""

    def __init__(
        self,
        work: Callable[[KeyT], Awaitable[None]],
        *,
        at_once: int,
        on_failure: Callable[[KeyT, Exception, float], None],
        base_seconds: float = 0.2,
        most_seconds: float = 60.0,
    ) -> None:
        self._work = work
        self._at_once = at_once
        self._most_at_ease = at_once // 2
        self._at_ease = asyncio.Event()
        self._at_ease.set()
        self._on_failure = on_failure
        self._base_seconds = base_seconds
        self._most_seconds = most_seconds
        self._running: dict[KeyT, asyncio.Task[None]] = {}
        self._waiting: dict[KeyT, None] = {}
        """Due, in this order; nothing but its key is kept of one, for there may be many."""
        self._again: set[KeyT] = set()
        self._timers: dict[KeyT, asyncio.TimerHandle] = {}
        self._failures: dict[KeyT, int] = {}
        self._resting: set[KeyT] = set()
        """Failed, and told by themselves when to be tried again."""
        self._closed = False

    async def idle(self) -> None:
        """Return once no key is being worked on or due within a moment."""
        loop = asyncio.get_running_loop()
        while True:
            soon = [timer.when() for timer in self._timers.values()]
            if self._running:
                await asyncio.wait(set(self._running.values()))
            elif soon and min(soon) - loop.time() < _MOMENT_SECONDS:
                await asyncio.sleep(max(0.0, min(soon) - loop.time()))
            else:
                return

    async def at_ease(self, *, within_seconds: float) -> None:
        """Return once no more than half of the keys that may be worked on at once are due, or
        when the time is over.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._at_ease.wait()

    def add(self, key: KeyT, *, after_seconds: float = 0.0) -> None:
        """Ask for the key to be worked on, now or later; the earliest wish wins.

        One that failed comes sooner for being asked for, yet not at once: a refused write must
        not be repeated at the pace of the events that it causes.
        """
        if self._closed or key in self._waiting:
            return
        if key in self._timers:
            after_seconds = max(after_seconds, self._calm_seconds(key))
        if after_seconds > 0:
            self._add_later(key, after_seconds)
        else:
            self._add_now(key)

    def hurry(self) -> None:
        """What failed and waits for its next try is tried now, as if for the first time.

        Not what rests for a time of its own: that was refused, or told when to come again. What is
        being tried may have begun before, and is not held back for it if that fails.
        """
        for key in self._failures.keys() & self._running.keys():
            self._failures[key] = 0
        due = self._failures.keys() - self._resting
        for key in [key for key in self._timers if key in due]:
            del self._failures[key]
            self._add_now(key)

    def seen(self, key: KeyT) -> None:
        """Whoever works on a key looks at everything as it is now: what it was asked for until
        now needs no further look.
        """
        self._again.discard(key)

    def _add_now(self, key: KeyT) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._running:
            self._again.add(key)
        elif len(self._running) < self._at_once:
            self._begin(key)
        else:
            self._waiting[key] = None

    def _begin(self, key: KeyT) -> None:
        self._running[key] = asyncio.create_task(self._run(key))
        if len(self._running) > self._most_at_ease:
            self._at_ease.clear()

    def _add_later(self, key: KeyT, after_seconds: float) -> None:
        due = asyncio.get_running_loop().time() + after_seconds
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = asyncio.get_running_loop().call_at(due, self._due, key)

    def _due(self, key: KeyT) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def _run(self, key: KeyT) -> None:
        try:
            self._again.discard(key)
            self._resting.discard(key)
            await self._work(key)
            self._failures.pop(key, None)
        except NotYet as wait:
            self._failures.pop(key, None)
            self.add(key, after_seconds=wait.after_seconds or 0.001)
        except Exception as error:  # noqa: BLE001 -- the outermost edge of a loop
            self._later(key, error)
        finally:
            self._running.pop(key, None)
            while self._waiting and len(self._running) < self._at_once:
                first = next(iter(self._waiting))
                del self._waiting[first]
                self._begin(first)
            if len(self._running) <= self._most_at_ease:
                self._at_ease.set()
            if key in self._again:
                self._again.discard(key)
                self.add(key)

    def _calm_seconds(self, key: KeyT) -> float:
        """Give the least pause of a key that failed so often; nothing for one that did not."""
        count = self._failures.get(key, 0)
        pause = self._base_seconds * 2 ** min(count - 1, 16)
        return min(_MOST_CALM_SECONDS, pause) if count else 0.0

    def _later(self, key: KeyT, error: Exception) -> None:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        delay = min(self._most_seconds, self._base_seconds * 2 ** min(count - 1, 16))
        delay *= random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, no secret
        if isinstance(error, Again) and error.after_seconds is not None:
            delay = error.after_seconds
            self._resting.add(key)
        self._on_failure(key, error, delay)
        asked = self._timers.pop(key, None)
        if asked is not None:  # for later, while it was worked on
            asked.cancel()
            left = asked.when() - asyncio.get_running_loop().time()
            delay = min(delay, max(left, self._calm_seconds(key)))
        if not self._closed:
            self._add_later(key, max(delay, 0.001))

    async def close(self) -> None:
        """Stop: nothing new begins, what runs is cancelled and awaited."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
