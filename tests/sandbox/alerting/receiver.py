"""A webhook that keeps what it is sent, and a place to serve routes at."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiohttp import web


class Receiver:
    """Answers with these statuses, in turn, and then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._statuses = list(statuses)

    async def _take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        return web.Response(status=self._statuses.pop(0) if self._statuses else 200)

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/hook", self._take)]


@contextlib.asynccontextmanager
async def served(routes: Iterable[web.AbstractRouteDef]) -> AsyncIterator[str]:
    """Serve on a port of the loopback interface; gives host:port."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()
