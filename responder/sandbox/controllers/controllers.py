"""All controllers of the embedded server, started and stopped together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from responder.sandbox.api.server import ApiServer
from responder.sandbox.controllers.autoscalers import Autoscalers
from responder.sandbox.controllers.namespaces import Namespaces
from responder.sandbox.controllers.workloads import Workloads


class Controllers:
    """Acts on one server; autoscalers look at their workloads every `sync_seconds`."""

    def __init__(self, server: ApiServer, *, sync_seconds: float = 1.0) -> None:
        parts = (server.store, server.kinds, server.operations)
        self._store = server.store
        self._followers = (Workloads(*parts).see, Namespaces(*parts).see)
        self._autoscalers = Autoscalers(*parts, sync_seconds=sync_seconds)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Act while inside."""
        with contextlib.ExitStack() as ends:
            for follower in self._followers:
                ends.callback(self._store.follow(follower))
            syncing = asyncio.create_task(self._autoscalers.run())
            try:
                yield
            finally:
                syncing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await syncing
