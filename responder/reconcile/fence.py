"""The fence before anything is loosened: a consistent list, a lease, and a clock that agrees."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from responder.reconcile.queue import Again

MOST_SKEW_SECONDS: Final = 5.0


class Leadership(Protocol):
    """Whether this replica may act on the cluster."""

    def holds(self) -> bool:
        """Tell whether it leads, renewed within its deadline."""
        ...


class Alone:
    """The leadership of a single replica, which needs no lease."""

    def holds(self) -> bool:
        return True


class Fence:
    """Passed before each loosening; what may be relied on afterwards is at least as new as it."""

    def __init__(
        self,
        *,
        leadership: Leadership,
        skew_seconds: Callable[[], float],
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """`catch_up` returns once the view holds every incident of a consistent list."""
        self._leadership = leadership
        self._skew_seconds = skew_seconds
        self._catch_up = catch_up

    def leads(self) -> bool:
        """Tell whether this replica is the one that acts."""
        return self._leadership.holds()

    async def cross(self) -> None:
        """Raise Again where nothing may be loosened now.

        The list goes before the look at the clocks: its answer brings the server's time, and one
        that was off may be right by now. Who asks nobody never hears of it.
        """
        self._check_leads()
        await self._catch_up()
        self.check()

    def check(self) -> None:
        """Check what can change while a request is under way; raises Again."""
        self._check_leads()
        skew = self._skew_seconds()
        if abs(skew) > MOST_SKEW_SECONDS:
            raise Again(
                f"the API server's clock and ours differ by {skew:.1f} s: nothing is loosened",
                after_seconds=30,
            )

    def _check_leads(self) -> None:
        if not self._leadership.holds():
            raise Again("this replica does not lead: nothing is loosened", after_seconds=5)
