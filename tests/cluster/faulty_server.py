"""An HTTP server that does exactly what a test tells it, down to half a line and a reset."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from responder.cluster.connection import Connection, open_sessions
from responder.cluster.credentials import Credentials, Fixed
from responder.cluster.kubeconfig import Server
from responder.cluster.resources import JsonObject


@dataclass(slots=True)
class Exchange:
    """One request, and the means to answer it, in pieces if need be."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def respond(
        self,
        status: int = 200,
        body: JsonObject | str | bytes = b"",
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        content = _bytes(body)
        self._head(status, {"Content-Type": content_type, **(headers or {})}, len(content))
        self._writer.write(content)
        await self._writer.drain()

    async def promise(self, *, length: int, sent: bytes = b"") -> None:
        """Headers that announce more than follows."""
        self._head(200, {"Content-Type": "application/json"}, length)
        self._writer.write(sent)
        await self._writer.drain()

    async def raw(self, piece: bytes) -> None:
        """A piece of what was promised."""
        self._writer.write(piece)
        await self._writer.drain()

    def stream(self) -> None:
        self._head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}, None)

    async def send(self, *pieces: JsonObject | str | bytes) -> None:
        """A chunk for each; an object is a whole line."""
        for piece in pieces:
            content = _bytes(piece) + (b"\n" if isinstance(piece, dict) else b"")
            self._writer.write(b"%x\r\n%s\r\n" % (len(content), content))
        await self._writer.drain()

    async def end(self) -> None:
        """Ends the stream in order."""
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def abort(self) -> None:
        """Resets the connection, whatever was promised."""
        self._writer.transport.abort()

    async def disconnected(self) -> None:
        """Returns when the client has closed its side."""
        with contextlib.suppress(ConnectionError):
            await self._reader.read()

    def _head(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self._writer.write("\r\n".join([*lines, "", ""]).encode())


Handler = Callable[[Exchange], Awaitable[None]]


@dataclass(slots=True)
class FaultyServer:
    """`handle` answers every request; replace it at any time. `exchanges` are all so far."""

    handle: Handler
    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self._port, limit=2**24
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def _port(self) -> int:
        return urlsplit(self.url).port or 0

    async def stop(self) -> None:
        """Refuses from now on, and resets what is open. May be started again."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while exchange := await _read(reader, writer):
                self.exchanges.append(exchange)
                await self.handle(exchange)
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    url = urlsplit(target)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Exchange(method, url.path, dict(parse_qsl(url.query)), headers, body, reader, writer)


def _bytes(body: JsonObject | str | bytes) -> bytes:
    if isinstance(body, bytes):
        return body
    return (json.dumps(body) if isinstance(body, dict) else body).encode()


@contextlib.asynccontextmanager
async def faulty_server(handle: Handler) -> AsyncIterator[FaultyServer]:
    server = FaultyServer(handle)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def connected(
    url: str, *, credentials: Credentials | None = None, server_hostname: str | None = None
) -> AsyncIterator[Connection]:
    """Our sessions to `url`, closed at the end."""
    connection = open_sessions(
        Server(
            url=url,
            tls=None,
            credentials=credentials or Fixed("Bearer faulty"),
            server_hostname=server_hostname,
        )
    )
    async with connection:
        yield connection
