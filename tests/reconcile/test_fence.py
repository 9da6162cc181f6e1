"""What is asked for before anything is loosened, and in which order."""

import pytest

from responder.reconcile.fence import Alone, Fence
from responder.reconcile.queue import Again


class Clock:
    """One that is only right once the server has been asked again."""

    skew_seconds = -7.6

    async def ask(self) -> None:
        self.skew_seconds = 0.0


async def test_a_clock_that_was_set_right_is_noticed_by_who_asks_nobody_else() -> None:
    clock = Clock()
    fence = Fence(leadership=Alone(), skew_seconds=lambda: clock.skew_seconds, catch_up=clock.ask)
    await fence.cross()
    fence.check()


async def test_a_clock_that_still_differs_lets_nothing_be_loosened() -> None:
    async def ask() -> None:
        pass

    fence = Fence(leadership=Alone(), skew_seconds=lambda: 5.1, catch_up=ask)
    with pytest.raises(Again, match="clock"):
        await fence.cross()
