"""Ctrl-C and SIGTERM: what runs ends in order, once; whatever comes meanwhile changes nothing."""

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, Final, TypeVar

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
Result = TypeVar("Result")


class Interrupted(Exception):  # noqa: N818 -- a person's wish, not a mishap
    """It was ended in the middle, and has cleaned up."""


class _Watch:
    def __init__(self) -> None:
        self.came = False
        self.running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None

    def signalled(self, _number: int, _frame: FrameType | None) -> None:
        if self.came:
            return
        self.came = True
        if self.running is not None:
            loop, task = self.running
            # Once all is over there is nothing to end.
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)

    async def over(self, work: Coroutine[Any, Any, Result]) -> Result:
        task = asyncio.ensure_future(work)
        self.running = (asyncio.get_running_loop(), task)
        if self.came:
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            raise Interrupted from None


def run_interruptibly(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it to its end. Raises Interrupted; from then on the signals are ignored.

    asyncio's own way is no way here: a second Ctrl-C breaks into what cleans up after the first.
    A signal that was ignored (as a shell has it for what runs in the background) stays so.
    """
    watch = _Watch()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, watch.signalled)
    result = asyncio.run(watch.over(work))
    for number in _SIGNALS:
        signal.signal(number, before[number])
    return result
