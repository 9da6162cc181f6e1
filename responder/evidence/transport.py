"""One question over HTTP: in turn, in time, authenticated, tried again, and bounded in every way.

It never raises: what can't be had is told as a value with its reason. Redirects are not followed;
the credentials are for the server that was configured.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from responder import __version__
from responder.backoff import Backoff
from responder.errors import BadInput
from responder.evidence.credentials import Credentials, Tls
from responder.evidence.verdict import Unknown

_CHUNK_BYTES = 2**16
_SHOWN_CHARACTERS = 200
_UNANSWERED = (aiohttp.ClientError, OSError, HttpProcessingError, TimeoutError)
"""All that aiohttp raises; LineTooLong and its kin are no ClientErrors."""
_REDIRECTS = range(300, 400)
_REFUSED = frozenset({401, 403, 407})
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a try may take to connect and as a whole, and all tries with their pauses.

    `most_bytes` bounds an answer, `in_flight` how many questions are under way at once.
    """

    connect_seconds: float = 3.0
    total_seconds: float = 10.0
    deadline_seconds: float = 25.0
    tries: int = 3
    first_pause_seconds: float = 0.25
    most_bytes: int = 2**20
    in_flight: int = 4


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer below 300 or from 400 on, whole; `date` is its `Date` as sent."""

    status: int
    body: bytes
    date: str = ""


@dataclass(frozen=True, slots=True)
class NoReply:
    """Why there is none."""

    reason: Unknown
    message: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's address, which may end in a path, and how one is known there."""

    url: str
    credentials: Credentials = field(default_factory=Credentials)
    tls: Tls | None = None


class Transport:
    """Questions to one endpoint, in order of arrival."""

    def __init__(
        self,
        endpoint: Endpoint,
        session: aiohttp.ClientSession,
        *,
        limits: Limits,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.url = str(URL(endpoint.url)).rstrip("/")
        self.limits = limits
        self._endpoint = endpoint
        self._session = session
        self._chance = chance
        self._turns = asyncio.Semaphore(limits.in_flight)
        self._timeout = aiohttp.ClientTimeout(
            total=limits.total_seconds, sock_connect=limits.connect_seconds
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        is_final: Callable[[Reply], bool] = lambda _: False,
    ) -> Reply | NoReply:
        """Ask until there is an answer, a refusal, or no time left.

        5xx and 429 are tried again, unless `is_final` says that this one would be the same.
        """
        last: Reply | NoReply = NoReply(Unknown.TIMED_OUT, f"{path}: not its turn in time")
        pauses = self._pauses()
        try:
            async with asyncio.timeout(self.limits.deadline_seconds), self._turns:
                for number in range(self.limits.tries):
                    if number:
                        await asyncio.sleep(pauses.next_seconds())
                    last = await self._try(method, path, form=form, query=query)
                    if not _is_passing(last) or (isinstance(last, Reply) and is_final(last)):
                        break
        except TimeoutError:
            pass  # then the last failure is what there is to tell
        if isinstance(last, Reply) and _is_passing(last) and not is_final(last):
            return NoReply(Unknown.DOWN, f"{path}: {last.status} {_shown(last.body)}")
        return last

    def _pauses(self) -> Backoff:
        """How long to wait before the next tries; the deadline bounds them together."""
        return Backoff(self.limits.first_pause_seconds, math.inf, chance=self._chance)

    async def _try(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None,
        query: Mapping[str, str] | None,
    ) -> Reply | NoReply:
        headers = {}
        try:
            if authorization := self._endpoint.credentials.authorization():
                headers["Authorization"] = authorization
        except BadInput as error:
            return NoReply(Unknown.REFUSED, str(error))
        if self._endpoint.tls is not None:
            self._endpoint.tls.refresh()
        started = time.monotonic()
        try:
            async with self._session.request(
                method,
                URL(f"{self.url}{path}"),
                params=query,
                data=form,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                return await self._read(response, path)
        except _UNANSWERED as error:
            is_timeout = isinstance(error, TimeoutError)
            told = f"no answer in {time.monotonic() - started:.1f} s" if is_timeout else str(error)
            return NoReply(
                Unknown.TIMED_OUT if is_timeout else Unknown.DOWN,
                f"{path}: {told or type(error).__name__}",
            )

    async def _read(self, response: aiohttp.ClientResponse, path: str) -> Reply | NoReply:
        if response.status in _REDIRECTS:
            where = _shown(response.headers.get("Location", "nowhere").encode())
            told = f"{path}: {response.status}, redirects to {where}: give that address"
            return NoReply(Unknown.UNREADABLE, told)
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            body += chunk
            if len(body) > self.limits.most_bytes:
                told = f"{path}: the answer has more than {self.limits.most_bytes} bytes"
                return NoReply(Unknown.UNREADABLE, told)
        if response.status in _REFUSED:
            told = f"{path}: {response.status} {_shown(bytes(body))}"
            return NoReply(Unknown.REFUSED, told)
        return Reply(response.status, bytes(body), response.headers.get("Date", ""))


def _is_passing(last: Reply | NoReply) -> bool:
    """Whether the same question may well be answered a moment later."""
    if isinstance(last, Reply):
        return last.status in _SERVER_ERRORS or last.status == _TOO_MANY_REQUESTS
    return last.reason in (Unknown.DOWN, Unknown.TIMED_OUT)


def _shown(body: bytes) -> str:
    return repr(body[:_SHOWN_CHARACTERS].decode(errors="replace"))


@asynccontextmanager
async def open_transport(
    endpoint: Endpoint, *, limits: Limits, chance: Callable[[], float] = random.random
) -> AsyncIterator[Transport]:
    """A session of its own for one endpoint; nothing is sent yet."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,  # who asks waits for a turn already
            ssl=True if endpoint.tls is None else endpoint.tls.context,
        ),
        headers={
            "Accept": "application/json",
            # What is not compressed can't grow beyond its bound while it is unpacked.
            "Accept-Encoding": "identity",
            "User-Agent": f"campaign-responder/{__version__}",
        },
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,  # else ~/.netrc is looked up, in a thread, for every request
    ) as session:
        yield Transport(endpoint, session, limits=limits, chance=chance)
