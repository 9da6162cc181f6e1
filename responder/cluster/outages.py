"""Remembers when the API server was last out of reach, so that its first words count for less.

A server that has just (re)started serves before its authorizer knows the role bindings: for some
seconds ServiceAccounts get 403 for what they may well do. Whoever asks here first doesn't take
such an answer for a verdict.
"""

import time
from collections.abc import Callable

PASSING_SECONDS = 10.0
"""How long after the last sign of an outage a missing permission is taken for a passing one.

Seen live: under a second. Sizeable clusters take some seconds to load their bindings.
"""


class Outages:
    """Fed by every request and every watch; a watch is always open, so no restart is missed."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last: float | None = None

    def noticed(self) -> None:
        """The server refused, broke or turned away a connection, or said that it isn't ready."""
        self._last = self._monotonic()

    @property
    def recently(self) -> bool:
        return self._last is not None and self._monotonic() - self._last < PASSING_SECONDS
