"""The way from one responder to the embedded API server without a socket, and what fails on it.

It stands in for aiohttp's session: everything above it is the responder's own, and everything below
is the server's. Latencies and failures come from the history's own chance.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Self, cast

import aiohttp
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict
from yarl import URL

from responder.cluster.connection import Connection
from responder.cluster.credentials import Fixed
from responder.cluster.kubeconfig import Server
from responder.sandbox.api import answers, reading, requests
from responder.sandbox.api.failures import Refused
from responder.sandbox.api.routes import target
from responder.sandbox.api.service import Service
from tests.histories.virtual_time import Clocks

Json = dict[str, Any]
_UNAVAILABLE = Refused(503, "ServiceUnavailable", "the server is currently unable to answer")
_BUSY = Refused(429, "TooManyRequests", "too many requests", {"retryAfterSeconds": 1})
_LONGEST_SECONDS = 10.0


class Asked:
    """A request as the server sees it."""

    def __init__(self, method: str, url: URL, body: bytes, headers: Mapping[str, str]) -> None:
        self.method, self.path, self.query = method, url.path, url.query
        self.headers = CIMultiDict(headers)
        self.content_type = self.headers.get("Content-Type", "application/octet-stream")
        self._body = body

    async def read(self) -> bytes:
        return self._body


class Answered:
    """A response as the responder sees it."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.status, self.headers, self._body = status, CIMultiDict(headers), body
        self.content: Stream | None = None

    async def read(self) -> bytes:
        return self._body

    def close(self) -> None:
        if self.content is not None:
            self.content.close()


class Stream:
    """The body of a watch."""

    def __init__(self, events: AsyncIterator[reading.Event], wire: "Wire") -> None:
        self._events, self._wire = events, wire
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def break_off(self) -> None:
        if not self._broken.done():
            self._broken.set_result(None)

    def close(self) -> None:
        self.break_off()
        self._wire.streams.discard(self)

    async def iter_any(self) -> AsyncIterator[bytes]:
        events = self._events
        coming: asyncio.Future[reading.Event | None] | None = None
        try:
            while True:
                coming = asyncio.ensure_future(_next(events))
                await asyncio.wait((coming, self._broken), return_when="FIRST_COMPLETED")
                if self._wire.dead:
                    await asyncio.get_running_loop().create_future()
                if self._broken.done():
                    raise aiohttp.ClientPayloadError("the connection was reset")
                event = coming.result()
                if event is None:
                    return
                kind, body = event
                if self._wire.lag_seconds:
                    await asyncio.sleep(self._wire.chance.uniform(0, self._wire.lag_seconds))
                yield json.dumps({"type": kind, "object": body}).encode() + b"\n"
        finally:
            if coming is not None and not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            await cast("Any", events).aclose()


async def _next(events: AsyncIterator[reading.Event]) -> reading.Event | None:
    return await anext(events, None)


@dataclass(eq=False)
class Wire:
    """One responder's connection; `dead` is what a killed one leaves: nothing comes, ever."""

    service: Service
    clocks: Clocks
    chance: random.Random
    token: str
    dead: bool = False
    faults: list[str] = field(default_factory=list)
    """What the next requests meet, in order: see `_meet`."""
    faults_for: str = ""
    """Of which method; "" for any."""
    outage_until: float = 0.0
    lag_seconds: float = 0.0
    """How late a watch tells what happens, at most."""
    kill_after: int = -1
    """So many more requests, and it is killed in the middle of one."""
    meanwhile: Callable[[], None] | None = None
    """What somebody else does while our next patch of a held object is on its way."""
    streams: "set[Stream]" = field(default_factory=set)
    answered_at: float = 0.0
    """When the server's time was last heard, in seconds of the loop."""

    def connection(self) -> Connection:
        session = cast("aiohttp.ClientSession", self)
        server = Server("http://embedded", None, Fixed(f"Bearer {self.token}"))
        return Connection(server=server, session=session, watch_session=session)

    def break_watches(self) -> None:
        for stream in list(self.streams):
            stream.break_off()

    async def request(
        self,
        method: str,
        url: URL,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str],
        **options: Any,  # noqa: ANN401 -- aiohttp's
    ) -> Answered:
        del options
        asked = Asked(method, url, data or b"", {"Accept": "application/json", **headers})
        await asyncio.sleep(self.chance.choice((0.0, 0.001, 0.004, 0.02)))
        await self._if_dead()
        is_last = self.kill_after == 0
        self.kill_after -= 1
        if is_last and self.chance.random() < 0.5:
            await self._die()
        fault = self._fault(method)
        await self._meet(fault)
        refused = {"503": _UNAVAILABLE, "429": _BUSY}.get(fault)
        if asyncio.get_running_loop().time() < self.outage_until:
            refused = _UNAVAILABLE
        if refused is not None:
            return self._shown(answers.refused(refused))
        if method == "GET" and requests.watches(cast("BaseRequest", asked)):
            return self._watch(asked)
        if self.meanwhile is not None and method == "PATCH" and "/incidents/" not in url.path:
            act, self.meanwhile = self.meanwhile, None
            act()
        answer = await self.service.answer(cast("BaseRequest", asked))
        if is_last:
            await self._die()
        await asyncio.sleep(self.chance.choice((0.0, 0.001, 0.004)))
        await self._if_dead()
        if fault == "unheard":
            await asyncio.sleep(_LONGEST_SECONDS)
            raise TimeoutError
        if fault == "cut":
            raise aiohttp.ServerDisconnectedError
        self.answered_at = self.clocks.loop.time()
        return self._shown(answer)

    def _fault(self, method: str) -> str:
        if self.faults and self.faults_for in ("", method):
            return self.faults.pop(0)
        return ""

    async def _meet(self, fault: str) -> None:
        if fault == "lost":
            await asyncio.sleep(_LONGEST_SECONDS)
            raise TimeoutError
        if fault == "refused":
            raise aiohttp.ClientOSError(111, "refused")
        if fault == "slow":
            await asyncio.sleep(self.chance.uniform(0.1, 4.0))

    async def _die(self) -> None:
        self.dead = True
        await self._if_dead()

    async def _if_dead(self) -> None:
        if self.dead:
            await asyncio.get_running_loop().create_future()

    def _watch(self, asked: Asked) -> Answered:
        found = target(self.service.objects, asked.path)
        assert found is not None
        try:
            query = reading.Query.of(found.kind, found.namespace, found.name, asked.query)
            events = reading.watched(self.service.objects.store, query)
        except Refused as refused:
            return self._shown(answers.refused(refused))
        answered = Answered(200, {"Date": self._date()})
        answered.content = Stream(events, self)
        self.streams.add(answered.content)
        return answered

    def _shown(self, answer: Any) -> Answered:  # noqa: ANN401 -- aiohttp's response
        return Answered(answer.status, {**answer.headers, "Date": self._date()}, answer.body)

    def _date(self) -> str:
        return formatdate(self.clocks.server(), usegmt=True)

    async def close(self) -> None:
        self.break_watches()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()
