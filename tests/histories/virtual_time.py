"""An event loop whose clock stands still while anything runs and leaps to what is due next.

Half an hour of waiting takes no time, and the same history always happens in the same order.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_MOST_TURNS = 20_000
"""Of the loop while the clock stands still."""
_AGREE_SECONDS = 12.0
"""An answer that takes 4 s, told to the second, may hide so much of what differs by 5."""
BEGINS_AT = datetime(2026, 11, 24, 18, tzinfo=UTC).timestamp()


class _Leaping(selectors.SelectSelector):
    """Never waits: what it was to wait for is added to the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self._still = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing is due ever again")
        self._still += 1
        if self._still > _MOST_TURNS:
            raise RuntimeError(f"something runs for ever at {self.seconds:.3f} s")
        if timeout > 0:
            self._still = 0
            # A moment past it, or what is due would by rounding be due once more, for ever.
            self.seconds += timeout + 1e-7
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Nothing from outside reaches it: no sockets, no threads."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)
        self._clock_resolution = 1e-9  # less than a leap goes too far: none fires too early

    def time(self) -> float:
        return self._leaping.seconds

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> asyncio.TimerHandle:
        """Later is later, however little: else who waits for a rounding error waits for ever."""
        return super().call_at(max(when, self.time() + 1e-7), callback, *args, **options)

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Executor | None,
        func: Callable[..., Any],
        *args: Any,  # noqa: ANN401
    ) -> "asyncio.Future[Any]":
        """Run it at once: there are no threads here."""
        del executor
        future: asyncio.Future[Any] = self.create_future()
        future.set_result(func(*args))
        return future


@dataclass(slots=True)
class Clocks:
    """The API server's time of day and the responder's, which somebody may set."""

    loop: VirtualLoop
    server_ahead_seconds: float = 0.0
    responder_ahead_seconds: float = 0.0
    server_set_at: float = -1e9
    """When the server's was last set, in seconds of the loop."""
    last_jump_seconds: float = 0.0
    agreed_at: float = 0.0
    """When the two last agreed, or began to differ, in seconds of the loop."""

    def server(self) -> float:
        return BEGINS_AT + self.loop.time() + self.server_ahead_seconds

    def responder(self) -> float:
        return BEGINS_AT + self.loop.time() + self.responder_ahead_seconds

    @property
    def differ_seconds(self) -> float:
        return abs(self.responder_ahead_seconds - self.server_ahead_seconds)

    def set_responder(self, ahead_seconds: float) -> None:
        self._agree()
        self.responder_ahead_seconds = ahead_seconds

    def _agree(self) -> None:
        if self.differ_seconds <= _AGREE_SECONDS:
            self.agreed_at = self.loop.time()

    def differ_since(self) -> float | None:
        """Give for how many seconds they have differed by so much that no answer hides it."""
        is_seen = self.differ_seconds > _AGREE_SECONDS
        return self.loop.time() - self.agreed_at if is_seen else None

    def set_server(self, by_seconds: float) -> None:
        self._agree()
        self.server_ahead_seconds += by_seconds
        self.server_set_at = self.loop.time()
        self.last_jump_seconds = by_seconds

    def metadata_time(self) -> str:
        return datetime.fromtimestamp(self.server(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
