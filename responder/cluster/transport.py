"""One request to the API server: in turn, in time, authenticated, and its failure mapped.

Nothing is sent twice here. This is the path of every brake, so it does as little as it can.
"""

import asyncio
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from responder.cluster.connection import Connection
from responder.cluster.failures import (
    ApiFailure,
    Unauthenticated,
    Unavailable,
    from_status,
    unavailable,
)
from responder.cluster.outages import Outages
from responder.cluster.resources import JsonObject
from responder.cluster.server_clock import ServerClock

_SHOWN_BYTES = 300
_LARGE_BODY_BYTES = 2**20
_OK = range(200, 300)
_NOT_READY = frozenset({429, 503})
_INITIALIZING = "is (re)initializing"
_UNSENT = (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError)
"""Failures before anything was sent: refused, no such host, TLS, or no connection in time."""
UNANSWERED = (aiohttp.ClientError, OSError, HttpProcessingError, TimeoutError)
"""All that aiohttp raises; LineTooLong and its kin are no ClientErrors."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a request may take, in seconds, and how many may be under way at once.

    `connect_seconds` covers the TLS handshake; `total_seconds` everything until the last byte of
    the answer, and as long again is waited for one's turn; `page_seconds` is the same for one page
    of a list.
    """

    connect_seconds: float = 3.0
    total_seconds: float = 10.0
    page_seconds: float = 30.0
    in_flight: int = 32


@dataclass(frozen=True, slots=True)
class Answer:
    """The object that a 2xx brought, and its `Date` as sent."""

    obj: JsonObject
    date: str


class Transport:
    """Requests of one connection, in order of arrival, at most `limits.in_flight` at once."""

    def __init__(
        self,
        connection: Connection,
        *,
        limits: Limits,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.clock = ServerClock(wall=wall, monotonic=monotonic)
        self.outages = Outages(monotonic=monotonic)
        self._connection = connection
        self._credentials = connection.credentials
        self._base = connection.server.url
        self._server_hostname = connection.server.server_hostname
        self._monotonic = monotonic
        self._turns = asyncio.Semaphore(limits.in_flight)
        self._turn_seconds = limits.total_seconds
        self._connect_seconds = limits.connect_seconds
        self._timeout = aiohttp.ClientTimeout(
            total=limits.total_seconds, sock_connect=limits.connect_seconds
        )
        self._page_timeout = aiohttp.ClientTimeout(
            total=limits.page_seconds, sock_connect=limits.connect_seconds
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        is_write: bool = False,
        is_page: bool = False,
    ) -> Answer:
        """`path` is encoded already and brings its query. Raises ApiFailure."""
        if self._turns.locked():
            await self._wait_for_turn(f"{method} {path}")
        else:
            await self._turns.acquire()
        try:
            response, content = await self._exchange(
                method,
                path,
                headers=headers,
                body=body,
                is_write=is_write,
                timeout=self._page_timeout if is_page else self._timeout,
            )
        finally:
            self._turns.release()
        request = f"{method} {path}"
        if response.status not in _OK:
            raise self._failure(response, content, is_write=is_write, request=request)
        obj = _object(content)
        if obj is None:
            # A proxy's page under a 200. A write may have passed it, or not.
            failure = unavailable("the answer is no JSON object", ambiguous=is_write)
            raise failure.in_request(request)
        return Answer(obj, response.headers.get("Date", ""))

    async def open_stream(self, path: str, *, silence_seconds: float) -> aiohttp.ClientResponse:
        """A GET whose body goes on; the caller reads and closes it. Raises ApiFailure.

        Its `Date` counts as any other's: who does nothing but watch knows the time as well. It
        takes no turn, and fails when nothing comes for `silence_seconds`. Its headers must come
        within the time of one page of a list, since a list may be what it begins with.
        """
        sent_at = self._monotonic()
        try:
            async with asyncio.timeout(self._page_timeout.total):
                response = await self._open(
                    self._connection.watch_session,
                    "GET",
                    path,
                    headers={},
                    body=None,
                    timeout=aiohttp.ClientTimeout(
                        sock_connect=self._connect_seconds, sock_read=silence_seconds
                    ),
                )
                self.clock.heard(response.headers.get("Date", ""), sent_at=sent_at)
                if response.status in _OK:
                    return response
                content = await response.read()
        except UNANSWERED as error:
            raise self._unanswered(error, is_write=False, request=f"GET {path}") from error
        raise self._failure(response, content, is_write=False, request=f"GET {path}")

    async def _wait_for_turn(self, request: str) -> None:
        try:
            async with asyncio.timeout(self._turn_seconds):
                await self._turns.acquire()
        except TimeoutError as error:
            raise unavailable("too many requests under way", timed_out=True).in_request(
                request
            ) from error

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        is_write: bool,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 -- aiohttp's, which has parts
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        sent_at = self._monotonic()
        try:
            response = await self._open(
                self._connection.session, method, path, headers=headers, body=body, timeout=timeout
            )
            content = await response.read()
        except UNANSWERED as error:
            raise self._unanswered(error, is_write=is_write, request=f"{method} {path}") from error
        self.clock.heard(response.headers.get("Date", ""), sent_at=sent_at)
        return response, content

    async def _open(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 -- aiohttp's, which has parts
    ) -> aiohttp.ClientResponse:
        authorization = await self._credentials.authorization()
        if authorization is not None:
            headers = {**headers, "Authorization": authorization}
        return await session.request(
            method,
            URL(f"{self._base}{path}", encoded=True),
            # aiohttp warns of bytes that block the loop while they are sent.
            data=io.BytesIO(body) if body and len(body) > _LARGE_BODY_BYTES else body,
            headers=headers,
            timeout=timeout,
            server_hostname=self._server_hostname,
            allow_redirects=False,  # the token is for this server
        )

    def _unanswered(self, error: Exception, *, is_write: bool, request: str) -> Unavailable:
        self.outages.noticed()
        is_timeout = isinstance(error, TimeoutError)
        failure = unavailable(
            str(error) or ("no answer in time" if is_timeout else type(error).__name__),
            ambiguous=is_write and not isinstance(error, _UNSENT),
            timed_out=is_timeout,
        )
        return failure.in_request(request)

    def _failure(
        self, response: aiohttp.ClientResponse, content: bytes, *, is_write: bool, request: str
    ) -> ApiFailure:
        answer = _object(content)
        failure = from_status(
            answer if answer and answer.get("kind") == "Status" else None,
            text=content[:_SHOWN_BYTES].decode(errors="replace"),
            status=response.status,
            retry_after_header=response.headers.get("Retry-After", ""),
            is_write=is_write,
            after_outage=self.outages.recently,
        )
        if isinstance(failure, Unauthenticated):
            self._credentials.rejected()
        elif response.status in _NOT_READY and (
            response.status == 503 or _INITIALIZING in failure.message  # noqa: PLR2004
        ):
            self.outages.noticed()
        return failure.in_request(request)


def _object(content: bytes) -> JsonObject | None:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):  # invalid UTF-8 and what is nested too deep included
        return None
    return answer if isinstance(answer, dict) else None
