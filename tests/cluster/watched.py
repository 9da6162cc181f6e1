"""A watch cache on a faulty server, with everything that it did."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from responder.backoff import Backoff
from responder.cluster.api import KubernetesApi
from responder.cluster.mirror import ChangeKind
from responder.cluster.resources import CONFIGMAPS, JsonObject
from responder.cluster.watch import WatchCache, WatchTimes
from tests.cluster.clocks import Clock
from tests.cluster.faulty_server import Exchange, FaultyServer, connected, faulty_server

Answer = Callable[[Exchange], Awaitable[None]]
Content = str


def thing(version: int, *, name: str = "a", content: str = "") -> JsonObject:
    metadata = {"namespace": "ns", "name": name, "resourceVersion": str(version)}
    return {"metadata": metadata, "content": content}


def event(kind: str, version: int, *, name: str = "a", content: str = "") -> JsonObject:
    return {"type": kind, "object": thing(version, name=name, content=content)}


def bookmark(version: int, *, ends_list: bool = False) -> JsonObject:
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if ends_list:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return {"type": "BOOKMARK", "object": {"metadata": metadata}}


def error(code: int, *, message: str = "told") -> JsonObject:
    return {"type": "ERROR", "object": {"kind": "Status", "code": code, "message": message}}


async def hang(exchange: Exchange) -> None:
    await exchange.disconnected()


def streaming(*lines: JsonObject | bytes, then: Answer = hang) -> Answer:
    async def answer(exchange: Exchange) -> None:
        exchange.stream()
        await exchange.send(*lines)
        await then(exchange)

    return answer


def listing(version: int, *objects: JsonObject, then: Answer = hang) -> Answer:
    """A streamed list, and what follows it."""
    lines = [{"type": "ADDED", "object": obj} for obj in objects]
    return streaming(*lines, bookmark(version, ends_list=True), then=then)


def sending(*lines: JsonObject | bytes, then: Answer = hang) -> Answer:
    """Goes on with a stream."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(*lines)
        await then(exchange)

    return answer


async def end(exchange: Exchange) -> None:
    await exchange.end()


async def reset(exchange: Exchange) -> None:
    exchange.abort()


@dataclass
class Watched:
    server: FaultyServer
    clock: Clock
    changes: list[tuple[ChangeKind, Content | None, Content | None]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    came_back: int = 0
    cache: WatchCache[Content] = field(init=False)
    stop: Callable[[], object] = field(init=False)

    def back(self) -> None:
        self.came_back += 1

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    @property
    def values(self) -> dict[str, Content]:
        return {name: value for (_, name), value in self.cache.objects.items()}

    @property
    def asked(self) -> list[str]:
        """How each request began: "list" (a streamed one), "page", or the version to go on from."""
        return [
            "list"
            if "sendInitialEvents" in exchange.query
            else exchange.query.get("resourceVersion", "page")
            for exchange in self.server.exchanges
        ]


@contextlib.asynccontextmanager
async def watched(
    *answers: Answer,
    times: WatchTimes | None = None,
    transform: Callable[[JsonObject], Content | None] = lambda obj: str(obj["content"]),
    on_change: Callable[[ChangeKind, Content | None, Content | None], None] | None = None,
    label_selector: str = "",
) -> AsyncIterator[Watched]:
    """The first request gets the first answer and so on; those after the last one hang."""
    waiting = list(answers)

    async def handle(exchange: Exchange) -> None:
        await (waiting.pop(0) if waiting else hang)(exchange)

    async with (
        asyncio.timeout(60),  # a test that waits for what never comes fails, and tells where
        faulty_server(handle) as server,
        connected(server.url) as connection,
    ):
        it = Watched(server, Clock())
        it.cache = WatchCache(
            KubernetesApi(connection),
            CONFIGMAPS,
            namespace="ns",
            transform=transform,
            on_change=on_change or (lambda *change: it.changes.append(change)),
            on_back=it.back,
            label_selector=label_selector,
            times=times,
            backoff=Backoff(chance=lambda: 0.0),
            monotonic=it.clock,
            pause=it.pause,
        )
        running = asyncio.create_task(it.cache.run())
        it.stop = running.cancel
        try:
            yield it
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
