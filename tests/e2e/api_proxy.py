"""Stands between a responder and the API server, and fails at exactly the request a test names.

Speaks plain HTTP to the responder, so that requests are seen one by one; behind it is the API
server. A write may be lost before it was carried out, or be carried out and its answer lost.
"""

import contextlib
import dataclasses
import enum
import http.client
import http.server
import json
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.controlplane.api_server import ApiServer
from tests.e2e.process import ResponderProcess

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "host"})
_CHUNK_BYTES = 2**16
_UPSTREAM_SECONDS = 600.0
_REACHED_WITHIN_SECONDS = 30.0
_GATEWAY_TIMEOUT = json.dumps(
    {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": "Timeout",
        "message": "request did not complete within the allotted timeout",
        "code": 504,
    }
).encode()


class Fault(enum.Enum):
    """What becomes of a request."""

    DIES_BEFORE = "the responder dies, and the request is not carried out"
    DIES_AFTER = "the responder dies, and the request is carried out"
    LOST = "carried out, and the connection breaks instead of an answer"
    GATEWAY_TIMEOUT = "carried out, and answered by 504"
    SILENCE = "carried out, and not answered"
    LATE = "carried out and answered, but only when the test says so"
    HELD_BACK = "neither carried out nor answered, like every one after it that matches"


DEADLY = (Fault.DIES_BEFORE, Fault.DIES_AFTER)
CARRIED_OUT = (Fault.DIES_AFTER, Fault.LOST, Fault.GATEWAY_TIMEOUT, Fault.SILENCE)


@dataclasses.dataclass(slots=True)
class Breakpoint:
    """One request, counted among those that match, and what becomes of it."""

    method: re.Pattern[str]
    path: re.Pattern[str]
    body: re.Pattern[bytes]
    nth: int
    fault: Fault
    victim: int
    reached: threading.Event = dataclasses.field(default_factory=threading.Event)
    over: threading.Event = dataclasses.field(default_factory=threading.Event)

    def meets(self, method: str, path: str, body: bytes) -> bool:
        """Counts down, and is True for the n-th request that matches."""
        if not (
            self.method.fullmatch(method) and self.path.search(path) and self.body.search(body)
        ):
            return False
        self.nth -= 1
        return self.nth == 0 or (self.nth < 0 and self.fault is Fault.HELD_BACK)

    def let_go(self) -> None:
        self.over.set()

    def wait(self) -> None:
        what = f"{self.method.pattern} {self.path.pattern}"
        assert self.reached.wait(_REACHED_WITHIN_SECONDS), f"nothing was sent like {what}"


class ApiProxy:
    """Forwards until it is cut or a breakpoint is reached; `mend` makes all well again."""

    def __init__(self, control_plane: ApiServer) -> None:
        self.delay_seconds = 0.0
        """How long each answer is kept back."""
        self.writes: list[str] = []
        """Every write that was carried out, except Events: `METHOD path?query`."""
        self.cluster = control_plane.cluster
        self._lock = threading.Lock()
        self._is_cut = False
        self._stopped = threading.Event()
        self._breakpoints: list[Breakpoint] = []
        self._sockets: set[socket.socket] = set()
        self._listener = _Listener(self)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,))
        self._thread.start()

    def kubeconfig(self, given: Path) -> Path:
        """The same user, by way of this proxy."""
        config = json.loads(given.read_text())
        host, port = self._listener.server_address[:2]
        config["clusters"][0]["cluster"] = {"server": f"http://{host!s}:{port}"}
        path = given.with_suffix(".proxied")
        path.write_text(json.dumps(config))
        return path

    def break_at(
        self,
        method: str,
        path: str,
        fault: Fault,
        *,
        body: str = "",
        nth: int = 1,
        victim: ResponderProcess | None = None,
    ) -> Breakpoint:
        """Regular expressions: of the whole method, of a part of the path with its query, and of
        a part of the body.

        A deadly fault needs a victim. Where a request has to be carried out, one that the API
        server refuses (a conflict, say) is none; it is answered, and the next one is meant.
        """
        pid = 0 if victim is None else victim.server.pid
        point = Breakpoint(
            re.compile(method), re.compile(path), re.compile(body.encode()), nth, fault, pid
        )
        with self._lock:
            self._breakpoints.append(point)
        return point

    def cut(self) -> None:
        """From now on every connection breaks, and no request is carried out."""
        with self._lock:
            self._is_cut = True
            for point in self._breakpoints:
                point.over.set()
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Forgets the breakpoints and forwards."""
        with self._lock:
            for point in self._breakpoints:
                point.over.set()
            self._breakpoints.clear()
            self._is_cut = False

    def stop(self) -> None:
        self._stopped.set()
        self._listener.shutdown()
        self.cut()
        self._listener.server_close()
        self._thread.join()

    # What a connection asks

    def admit(self, method: str, path: str, body: bytes) -> Breakpoint | None:
        """The breakpoint that this request is; raises ConnectionError while nothing may pass."""
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError("cut")
            met = [point for point in self._breakpoints if point.meets(method, path, body)]
            if met and met[0].fault in DEADLY:
                self._is_cut = True
            return met[0] if met else None

    def refused(self, point: Breakpoint) -> None:
        """The request was not carried out: the breakpoint is for the next one."""
        with self._lock:
            point.nth += 1
            if point.fault in DEADLY:
                self._is_cut = False

    def note(self, method: str, path: str) -> None:
        if method != "GET" and "/events" not in path and "dryRun" not in path:
            self.writes.append(f"{method} {path}")

    def kill(self, point: Breakpoint) -> None:
        os.kill(point.victim, signal.SIGKILL)
        self.cut()
        point.reached.set()

    def linger(self) -> None:
        self._stopped.wait(self.delay_seconds)

    @contextlib.contextmanager
    def breakable(self, connection: socket.socket) -> Iterator[None]:
        """While in this context the connection ends when the proxy is cut."""
        with self._lock:
            self._sockets.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.discard(connection)


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for them
    request_queue_size = 128

    def __init__(self, proxy: ApiProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """A broken connection is what it is all about; anything else is shown."""
        error = sys.exception()
        if not isinstance(error, OSError | http.client.HTTPException):
            super().handle_error(request, client_address)


class _Connection(http.server.BaseHTTPRequestHandler):
    """One connection of the responder's, and one of its own to the API server behind it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def handle(self) -> None:
        proxy = self.server.proxy
        upstream = proxy.cluster.connection(timeout_seconds=_UPSTREAM_SECONDS)
        with contextlib.closing(upstream), proxy.breakable(self.connection):
            upstream.connect()
            with proxy.breakable(upstream.sock):
                self.upstream = upstream
                super().handle()

    def forward(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        point = proxy.admit(self.command, self.path, body)
        if point is not None:
            if point.fault is Fault.DIES_BEFORE:
                proxy.kill(point)
            elif point.fault in {Fault.HELD_BACK, Fault.LATE}:
                point.reached.set()
                point.over.wait()
            if point.fault in {Fault.DIES_BEFORE, Fault.HELD_BACK}:
                raise ConnectionAbortedError(point.fault.value)
        headers = {
            key: value for key, value in self.headers.items() if key.lower() not in _HOP_BY_HOP
        }
        self.upstream.request(self.command, self.path, body=body or None, headers=headers)
        answer = self.upstream.getresponse()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            if point is not None and point.fault in CARRIED_OUT:
                proxy.refused(point)
                point = None
        else:
            proxy.note(self.command, self.path)
        if point is None or point.fault is Fault.LATE:
            proxy.linger()
            self._pass_on(answer)
            return
        answer.read()
        self._break(point)

    do_GET = do_POST = do_PATCH = do_DELETE = forward  # noqa: N815 -- http.server's names

    def _break(self, point: Breakpoint) -> None:
        if point.fault is Fault.DIES_AFTER:
            self.server.proxy.kill(point)
        point.reached.set()
        if point.fault is Fault.GATEWAY_TIMEOUT:
            self.send_response(504)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(_GATEWAY_TIMEOUT)))
            self.end_headers()
            self.wfile.write(_GATEWAY_TIMEOUT)
            return
        if point.fault is Fault.SILENCE:
            point.over.wait()
        raise ConnectionAbortedError(point.fault.value)

    def _pass_on(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status, answer.reason)
        for key, value in answer.getheaders():
            if key.lower() not in _HOP_BY_HOP:
                self.send_header(key, value)
        if answer.length is not None:
            self.end_headers()
            self.wfile.write(answer.read())
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        # A watch: each piece goes on as soon as it is there.
        while piece := answer.read1(_CHUNK_BYTES):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_arguments: object) -> None:
        pass
