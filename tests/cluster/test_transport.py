"""Whatever the server does to a request, it ends in time and in the right failure."""

import asyncio
import gzip
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from responder.cluster.api import KubernetesApi
from responder.cluster.connection import open_sessions
from responder.cluster.credentials import Credentials, Fixed
from responder.cluster.failures import (
    ApiFailure,
    BadRequest,
    Denied,
    NotFound,
    NotServed,
    TimedOut,
    Unauthenticated,
    Unavailable,
)
from responder.cluster.kubeconfig import Server
from responder.cluster.resources import CONFIGMAPS, JsonObject
from responder.cluster.transport import Limits
from tests.cluster.clocks import Clock
from tests.cluster.faulty_server import Exchange, FaultyServer, Handler, connected, faulty_server
from tests.controlplane.eventually import eventually

QUICK = Limits(connect_seconds=0.2, total_seconds=0.4, page_seconds=0.6)
OBJECT = {"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "1"}}
FORBIDDEN = {
    "kind": "Status",
    "message": 'configmaps "a" is forbidden: User "x" cannot get resource "configmaps"',
}
MAKE = {"metadata": {"name": "a"}}


@dataclass
class Faulty:
    """An API on a faulty server."""

    api: KubernetesApi
    server: FaultyServer

    async def get(self) -> JsonObject:
        return await self.api.get(CONFIGMAPS, namespace="ns", name="a")

    async def create(self) -> JsonObject:
        return await self.api.create(CONFIGMAPS, namespace="ns", body=MAKE, field_manager="me")


@asynccontextmanager
async def faulty(
    handle: Handler,
    *,
    limits: Limits = QUICK,
    credentials: Credentials | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Faulty]:
    async with (
        faulty_server(handle) as server,
        connected(server.url, credentials=credentials) as connection,
    ):
        yield Faulty(KubernetesApi(connection, limits=limits, monotonic=monotonic), server)


def answering(
    status: int, body: JsonObject | str = "", *, content_type: str = "text/plain", **headers: str
) -> Handler:
    async def handle(exchange: Exchange) -> None:
        await exchange.respond(
            status,
            body,
            content_type="application/json" if isinstance(body, dict) else content_type,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return handle


async def hang_before_the_headers(exchange: Exchange) -> None:
    await exchange.disconnected()


async def hang_in_the_body(exchange: Exchange) -> None:
    await exchange.promise(length=100, sent=b'{"kind":')
    await exchange.disconnected()


async def reset(exchange: Exchange) -> None:
    exchange.abort()


async def reset_in_the_body(exchange: Exchange) -> None:
    await exchange.promise(length=100, sent=b'{"kind":')
    exchange.abort()


@pytest.mark.parametrize("handle", [hang_before_the_headers, hang_in_the_body])
async def test_a_server_that_hangs_is_given_up_in_time_and_a_write_is_ambiguous(
    handle: Handler,
) -> None:
    async with faulty(handle) as it:
        for request, ambiguous in ((it.get, False), (it.create, True)):
            asked = time.monotonic()
            with pytest.raises(TimedOut) as caught:
                await request()
            assert 0.3 < time.monotonic() - asked < 2.0
            assert caught.value.ambiguous is ambiguous


@pytest.mark.parametrize("handle", [reset, reset_in_the_body])
async def test_a_connection_that_breaks_makes_a_write_ambiguous_and_it_is_not_sent_twice(
    handle: Handler,
) -> None:
    async with faulty(handle) as it:
        with pytest.raises(Unavailable) as caught:
            await it.create()
        assert caught.value.ambiguous
        assert [exchange.method for exchange in it.server.exchanges] == ["POST"]


async def test_a_pooled_connection_that_broke_meanwhile_makes_a_write_ambiguous() -> None:
    async with faulty(answering(201, OBJECT)) as it:
        await it.create()
        it.server.handle = reset
        with pytest.raises(Unavailable) as caught:
            await it.create()
        assert caught.value.ambiguous
        assert len(it.server.exchanges) == 2


async def test_a_refused_connection_is_not_ambiguous() -> None:
    async with faulty(answering(201, OBJECT)) as it:
        await it.server.stop()
        with pytest.raises(Unavailable) as caught:
            await it.create()
        assert not caught.value.ambiguous
        assert it.api.outages.recently


async def test_a_hang_in_the_tls_handshake_is_given_up_in_time_and_not_ambiguous() -> None:
    connections: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(
        lambda _, writer: connections.append(writer), "127.0.0.1", 0
    )
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    tls = ssl.create_default_context()
    async with open_sessions(Server(url=url, tls=tls, credentials=Fixed(None))) as connection:
        api = KubernetesApi(connection, limits=Limits(connect_seconds=0.2, total_seconds=60.0))
        with pytest.raises(TimedOut) as caught:
            await api.create(CONFIGMAPS, namespace="ns", body=MAKE, field_manager="me")
    assert not caught.value.ambiguous
    assert connections
    for writer in connections:
        writer.close()
    server.close()


@pytest.mark.parametrize(
    ("handle", "expected", "retry_after"),
    [
        pytest.param(
            answering(429, "Too many requests, please try again later.", Retry_After="1"),
            Unavailable,
            1.0,
            id="429-in-plain-text",
        ),
        pytest.param(
            answering(429, {"kind": "Status", "message": "storage is (re)initializing"}),
            Unavailable,
            None,
            id="429-in-json",
        ),
        pytest.param(answering(503), Unavailable, None, id="empty-503"),
        pytest.param(answering(504, {"kind": "Status"}), TimedOut, None, id="504"),
        pytest.param(answering(404, "404 page not found\n"), NotServed, None, id="plain-404"),
        pytest.param(answering(404, {"kind": "Status"}), NotFound, None, id="404"),
        pytest.param(answering(403, FORBIDDEN), Denied, None, id="403"),
        pytest.param(answering(200, "<html>"), Unavailable, None, id="a-proxys-page"),
        pytest.param(answering(200, "[]"), Unavailable, None, id="no-object"),
        pytest.param(answering(500, '{"kind":'), Unavailable, None, id="half-a-status"),
        pytest.param(
            answering(302, Location="http://elsewhere.invalid/"), BadRequest, None, id="redirect"
        ),
    ],
)
async def test_each_answer_is_mapped(
    handle: Handler, expected: type[ApiFailure], retry_after: float | None
) -> None:
    async with faulty(handle) as it:
        with pytest.raises(ApiFailure) as caught:
            await it.get()
        assert type(caught.value) is expected
        assert caught.value.retry_after == retry_after
        assert str(caught.value).startswith("GET /api/v1/namespaces/ns/configmaps/a: ")
        assert len(it.server.exchanges) == 1


@pytest.mark.parametrize("page", ["<html>", '{"a":' * 100_000 + "1" + "}" * 100_000])
async def test_what_is_no_object_in_answer_to_a_write_is_ambiguous(page: str) -> None:
    async with faulty(answering(200, page)) as it:
        for request, ambiguous in ((it.create, True), (it.get, False)):
            with pytest.raises(Unavailable) as caught:
                await request()
            assert caught.value.ambiguous is ambiguous


@pytest.mark.parametrize("outage", [answering(503), reset, hang_before_the_headers])
async def test_a_403_is_a_verdict_only_some_time_after_an_outage(outage: Handler) -> None:
    clock = Clock()
    async with faulty(outage, monotonic=clock) as it:
        with pytest.raises(Unavailable):
            await it.create()
        it.server.handle = answering(403, FORBIDDEN)
        with pytest.raises(Unavailable):
            await it.create()
        clock.advance(60)
        with pytest.raises(Denied):
            await it.create()


async def test_a_403_without_any_outage_is_a_verdict() -> None:
    async with faulty(answering(429, "Too many requests")) as it:
        with pytest.raises(Unavailable):
            await it.get()
        it.server.handle = answering(403, FORBIDDEN)
        with pytest.raises(Denied):
            await it.get()


class Renewable:
    """Gives another token after each rejection."""

    def __init__(self) -> None:
        self.rejections = 0

    async def authorization(self) -> str:
        return f"Bearer {self.rejections}"

    def rejected(self) -> None:
        self.rejections += 1

    async def close(self) -> None:
        pass


async def test_a_401_renews_the_credentials_for_the_next_request() -> None:
    async with faulty(answering(401, {"kind": "Status"}), credentials=Renewable()) as it:
        with pytest.raises(Unauthenticated):
            await it.create()
        it.server.handle = answering(201, OBJECT)
        await it.create()
        sent = [exchange.headers["authorization"] for exchange in it.server.exchanges]
        assert sent == ["Bearer 0", "Bearer 1"]


async def test_requests_are_what_the_server_expects() -> None:
    async with faulty(answering(200, OBJECT)) as it:
        await it.create()
        await it.api.merge_patch(
            CONFIGMAPS, namespace="ns", name="a", body={"é": 1}, field_manager="me", dry_run=True
        )
        created, patched = it.server.exchanges
    assert created.path == "/api/v1/namespaces/ns/configmaps"
    assert created.query == {"fieldManager": "me"}
    assert created.headers["content-type"] == "application/json"
    assert created.headers["accept"] == "application/json"
    assert "gzip" in created.headers["accept-encoding"]
    assert created.headers["user-agent"].startswith("campaign-responder/")
    assert json.loads(created.body) == MAKE
    assert patched.query == {"fieldManager": "me", "dryRun": "All"}
    assert patched.headers["content-type"] == "application/merge-patch+json"
    assert json.loads(patched.body) == {"é": 1}


async def test_a_compressed_answer_is_read() -> None:
    async def compressed(exchange: Exchange) -> None:
        await exchange.respond(
            200, gzip.compress(json.dumps(OBJECT).encode()), headers={"Content-Encoding": "gzip"}
        )

    async with faulty(compressed) as it:
        assert await it.get() == OBJECT


async def test_a_body_of_megabytes_is_sent_whole() -> None:
    async with faulty(answering(201, OBJECT), limits=Limits()) as it:
        body = {"data": {"key": "x" * 2_000_000}}
        await it.api.create(CONFIGMAPS, namespace="ns", body=body, field_manager="me")
        assert json.loads(it.server.exchanges[0].body) == body


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login wrong password wrong\n")
    monkeypatch.setenv("NETRC", str(file))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")


@pytest.mark.usefixtures("netrc")
async def test_neither_netrc_nor_a_proxy_of_the_environment_is_used() -> None:
    async with faulty(answering(200, OBJECT), credentials=Fixed(None)) as it:
        await it.get()
        assert "authorization" not in it.server.exchanges[0].headers


async def test_cookies_are_not_kept() -> None:
    async with faulty(answering(200, OBJECT, Set_Cookie="a=b")) as it:
        await it.get()
        await it.get()
        assert "cookie" not in it.server.exchanges[1].headers


async def test_the_servers_date_is_learned_from_failures_too() -> None:
    async with faulty(
        answering(404, {"kind": "Status"}, Date="Tue, 24 Nov 2026 19:40:25 GMT")
    ) as it:
        with pytest.raises(NotFound):
            await it.get()
        assert it.api.clock.skew_seconds is not None


class Gate:
    """A handler that holds its requests until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.arrived = 0
        self.most = 0
        self.now = 0

    async def __call__(self, exchange: Exchange) -> None:
        self.arrived += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await self.opened.wait()
        self.now -= 1
        await exchange.respond(200, OBJECT)


async def test_no_more_requests_are_under_way_than_allowed_and_all_come_through() -> None:
    gate = Gate()
    limits = Limits(connect_seconds=10.0, total_seconds=10.0, in_flight=3)
    async with faulty(gate, limits=limits) as it:
        tasks = [asyncio.create_task(it.get()) for _ in range(10)]
        await eventually(lambda: gate.arrived == 3)
        gate.opened.set()
        await asyncio.gather(*tasks)
        assert (gate.arrived, gate.most) == (10, 3)


async def test_who_gets_no_turn_in_time_is_told_that_nothing_was_sent() -> None:
    gate = Gate()
    async with faulty(gate, limits=Limits(total_seconds=0.5, page_seconds=60, in_flight=1)) as it:
        first = asyncio.create_task(it.api.list(CONFIGMAPS, namespace="ns"))
        await eventually(lambda: gate.arrived)
        with pytest.raises(TimedOut, match="too many requests") as caught:
            await it.create()
        assert not caught.value.ambiguous
        first.cancel()
        await asyncio.wait([first])
        assert gate.arrived == 1


@pytest.mark.parametrize("handle", [reset, answering(500), hang_before_the_headers])
async def test_a_failed_or_cancelled_request_gives_its_turn_back(handle: Handler) -> None:
    async with faulty(handle, limits=Limits(total_seconds=0.2, in_flight=1)) as it:
        with pytest.raises(Unavailable):
            await it.get()
        cancelled = asyncio.create_task(it.get())
        await eventually(lambda: len(it.server.exchanges) > 1)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        it.server.handle = answering(200, OBJECT)
        assert await it.get() == OBJECT


async def test_a_stream_takes_no_turn() -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.query.get("watch"):
            exchange.stream()
            await exchange.send("{}")
            await exchange.disconnected()
        else:
            await exchange.respond(200, OBJECT)

    async with faulty(handle, limits=Limits(in_flight=1)) as it:
        streams = [
            await it.api.transport.open_stream("/x?watch=1", silence_seconds=5.0) for _ in range(3)
        ]
        assert await it.get() == OBJECT
        for stream in streams:
            stream.close()


async def test_a_stream_is_mapped_like_any_request() -> None:
    requests: list[tuple[Handler, type[ApiFailure]]] = [
        (answering(403, FORBIDDEN), Denied),
        (hang_before_the_headers, TimedOut),
        (reset, Unavailable),
    ]
    async with faulty(reset) as it:
        for handle, expected in requests:
            it.server.handle = handle
            with pytest.raises(expected):
                await it.api.transport.open_stream("/x?watch=1", silence_seconds=5.0)


async def test_a_stop_in_the_middle_leaves_nothing_open() -> None:
    gone: Callable[[Exchange], Awaitable[None]] = hang_before_the_headers
    async with faulty(gone) as it:
        request = asyncio.create_task(it.get())
        await eventually(lambda: it.server.exchanges)
        request.cancel()
        await asyncio.wait([request])
        connector = it.api.transport._connection.session.connector
        assert isinstance(connector, aiohttp.TCPConnector)
        assert not connector._acquired


async def test_a_stream_tells_the_servers_time_as_well() -> None:
    async with faulty(answering(200, OBJECT, Date="Tue, 24 Nov 2026 19:40:25 GMT")) as it:
        stream = await it.api.transport.open_stream("/x?watch=1", silence_seconds=5.0)
        assert it.api.clock.skew_seconds is not None
        stream.close()
