"""Where notices arrive in these tests: a web server of its own thread, good or hanging."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.controlplane.eventually import eventually_blocking


@dataclass(slots=True)
class Listener:
    """What was told, in order; a hanging one takes a message in and never answers."""

    url: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return self.url.replace("http://", "json://")

    def wait(self, number: int) -> list[dict[str, Any]]:
        """Returns once so many messages were told."""
        eventually_blocking(lambda: len(self.told) >= number, what=f"{number} message(s) are told")
        return self.told


@contextlib.contextmanager
def listening(*, hanging: bool = False) -> Iterator[Listener]:
    found = Listener()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.told.append(json.loads(body))
            if hanging:
                found.ended.wait()
                return
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/a-token"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
