"""The API server's time, learned from the `Date` of its answers: the one clock all replicas share.

A `Date` has whole seconds and was written somewhere between our sending and our receiving, so a
single answer bounds the difference instead of giving it. The bound nearest to zero is reported:
a slow answer never looks like a skewed clock, and a clock that is off by more than a second and
the answer's own time is always seen.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_DATE_RESOLUTION_SECONDS = 1.0


class ServerClock:
    """`wall` and `monotonic` are this machine's clocks, in seconds."""

    def __init__(
        self,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._date: str | None = None
        self._skew: float | None = None
        self._server_minus_monotonic = 0.0
        self._heard_at: float | None = None

    def heard(self, date: str, *, sent_at: float) -> None:
        """An answer with this `Date` came just now to a request sent at `sent_at` (monotonic).

        What can't be read is passed over: a proxy's odd date is no reason to fail a request.
        """
        now = self._monotonic()
        if date == self._date:  # the same second as before: nothing new, and parsing costs 10 us
            self._heard_at = now
            return
        try:
            server = parsedate_to_datetime(date).timestamp()
        except (TypeError, ValueError):
            return
        self._date = date
        self._heard_at = now
        wall = self._wall()
        highest = wall - server
        lowest = highest - max(now - sent_at, 0.0) - _DATE_RESOLUTION_SECONDS
        self._skew = min(max(0.0, lowest), highest)
        self._server_minus_monotonic = wall - self._skew - now

    @property
    def skew_seconds(self) -> float | None:
        """This machine's wall clock minus the server's; None before the first answer."""
        return self._skew

    @property
    def age_seconds(self) -> float | None:
        """How long ago the server was last heard."""
        return None if self._heard_at is None else self._monotonic() - self._heard_at

    def now(self) -> datetime:
        """Give the API server's time; before it has answered at all, this machine's."""
        seconds = self.now_seconds
        return datetime.fromtimestamp(self._wall() if seconds is None else seconds, UTC)

    @property
    def now_seconds(self) -> float | None:
        """The server's time now, in seconds since 1970, to about a second; None if never heard.

        Runs on with the monotonic clock, so a jump of this machine's wall clock doesn't move it.
        """
        if self._heard_at is None:
            return None
        return self._server_minus_monotonic + self._monotonic()
