"""What goes into the Authorization header: read or made again in time, once for all requests.

A token is asked for before every request, so the common case costs nothing but a comparison.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from responder.cluster.failures import unavailable

_READ_AGAIN_SECONDS = 60.0
"""As client-go does; the kubelet replaces a projected token long before the old one ends."""
_AT_MOST_EVERY_SECONDS = 10.0
"""Between two tries to make a token, whatever the server says of the last one."""
_EARLIEST_BEFORE_END_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 10.0
"""Of one request; a slower plugin goes on and serves the next ones."""


class Credentials(Protocol):
    async def authorization(self) -> str | None:
        """The header's value for the next request; None goes without one.

        Raises Unavailable if there is none to be had.
        """

    def rejected(self) -> None:
        """The server answered 401: the next request gets a fresh one, where that can be had."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """A token or password that stands in the kubeconfig, a client certificate, or nothing."""

    value: str | None

    async def authorization(self) -> str | None:
        return self.value

    def rejected(self) -> None:
        pass

    async def close(self) -> None:
        pass


class TokenFile:
    """A file that somebody else replaces; the last token stays while it can't be read.

    A newline at its end, which most editors and `echo` leave, isn't part of the token.
    """

    def __init__(
        self, path: Path, *, fallback: str = "", monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._value = f"Bearer {fallback}" if fallback else ""
        self._monotonic = monotonic
        self._read_at: float | None = None

    async def authorization(self) -> str:
        now = self._monotonic()
        if self._read_at is None or now - self._read_at >= _READ_AGAIN_SECONDS:
            self._read(now)
        if not self._value:
            raise unavailable(f"no token can be read from {self._path}")
        return self._value

    def _read(self, now: float) -> None:
        try:
            token = self._path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        if token:
            self._value = f"Bearer {token}"
            self._read_at = now

    def rejected(self) -> None:
        self._read_at = None

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Made:
    """One result of a program or an identity provider; `ends_at` in seconds since 1970."""

    authorization: str | None
    ends_at: float | None = None


class MadeToken:
    """A token that costs a process or a round trip: made once for all who wait, and kept.

    Without an end it is kept until the server rejects it. Near its end it is made anew while
    the old one still serves, which it also does if that fails.
    """

    def __init__(
        self,
        make: Callable[[], Awaitable[Made]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._make = make
        self._monotonic = monotonic
        self._wall = wall
        self._made: Made | None = None
        self._renew_at = 0.0
        self._is_rejected = False
        self._tried_at: float | None = None
        self._making: asyncio.Task[None] | None = None
        self._failed: Exception | None = None

    async def authorization(self) -> str | None:
        made = self._usable()
        if self._is_due(made):
            making = self._start()
            if made is None:
                # `wait` leaves the task alone: one impatient request must not end what the
                # others wait for.
                await asyncio.wait([making], timeout=_LONGEST_WAIT_SECONDS)
                made = self._usable()
        if made is None:
            raise unavailable(f"no credentials: {self._failed or 'not made in time'}")
        return made.authorization

    def _usable(self) -> Made | None:
        made = self._made
        if made is None or (made.ends_at is not None and made.ends_at <= self._wall()):
            return None
        return made

    def _is_due(self, made: Made | None) -> bool:
        if self._making is not None:
            return True
        if made is not None and not self._is_rejected and self._wall() < self._renew_at:
            return False
        return (
            self._tried_at is None or self._monotonic() - self._tried_at >= _AT_MOST_EVERY_SECONDS
        )

    def _start(self) -> asyncio.Task[None]:
        if self._making is None:
            self._tried_at = self._monotonic()
            self._making = asyncio.create_task(self._remake(), name="kubernetes-credentials")
        return self._making

    async def _remake(self) -> None:
        try:
            self._made = made = await self._make()
            self._failed = None
            self._is_rejected = False
            if made.ends_at is None:
                self._renew_at = float("inf")
            else:
                # The plugins' tokens live from a minute to hours: renewed at a fixed five
                # minutes before their end, short ones would be made for every request.
                lifetime = made.ends_at - self._wall()
                self._renew_at = made.ends_at - min(_EARLIEST_BEFORE_END_SECONDS, lifetime / 4)
        except Exception as error:  # noqa: BLE001 -- a plugin may fail in any way; told to whoever needs it
            self._failed = error
        finally:
            self._making = None

    def rejected(self) -> None:
        self._is_rejected = True

    async def close(self) -> None:
        if self._making is not None:
            self._making.cancel()
            await asyncio.wait([self._making])
