"""The embedded API server: an address on the loopback interface, objects in memory or in a file."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from responder.sandbox.api.access import ADMIN, DELEGATOR, VIEW, Access, User
from responder.sandbox.api.controllers import Controllers
from responder.sandbox.api.kinds import BUILT_IN, NAMESPACE
from responder.sandbox.api.kubeconfig import write_kubeconfig
from responder.sandbox.api.service import Service
from responder.sandbox.api.store import HISTORY, Store
from responder.sandbox.api.strategy import Options
from responder.sandbox.api.writing import Objects

Json = dict[str, Any]
Handler = Callable[[BaseRequest], Awaitable[web.StreamResponse]]
_FIRST_NAMESPACES: Final = ("default", "kube-system")
_READ_AT_MOST_BYTES: Final = 2**24
_SHUTDOWN_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Running:
    """One that serves."""

    url: str
    admin_token: str
    objects: Objects
    access: Access
    controllers: Controllers

    def write_kubeconfig(self, path: Path, *, token: str = "", namespace: str = "default") -> Path:
        """For the administrator, or whoever has the token."""
        token = token or self.admin_token
        return write_kubeconfig(path, url=self.url, token=token, namespace=namespace)


@asynccontextmanager
async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    path: Path | None = None,
    history: int = HISTORY,
    tokens: Mapping[str, User] | None = None,
    sync_seconds: float = 15.0,
    around: Callable[[Handler], Handler] = lambda answer: answer,
) -> AsyncIterator[Running]:
    """Serves until left.

    `path`: a file that keeps the objects; without it they live in memory. `history`: how many
    changes a watch can resume from. `tokens`: further users; RBAC decides what they may do.
    `sync_seconds`: how often autoscalers look. `around`: what stands between the wire and the
    answers, e.g. to break some of them.
    """
    store = Store(history=history, path=path)
    objects = Objects(store)
    admin_token = secrets.token_urlsafe(24)
    access = Access(store, {**(tokens or {}), admin_token: ADMIN})
    controllers = Controllers(objects, sync_seconds)
    service = Service(objects, access)

    def read_whole(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> BaseRequest:
        loop, largest = asyncio.get_running_loop(), _READ_AT_MOST_BYTES
        return BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=largest)

    server = web.Server(around(service.answer), request_factory=read_whole, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    _seed(objects)
    store.forget()
    syncing = asyncio.create_task(controllers.run())
    try:
        bound = runner.addresses[0][1]
        yield Running(f"http://{host}:{bound}", admin_token, objects, access, controllers)
    finally:
        syncing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await syncing
        await runner.cleanup()
        store.close()


def _seed(objects: Objects) -> None:
    """What every cluster has."""
    options = Options("kube-apiserver")
    roles = next(kind for kind in BUILT_IN if kind.kind == "ClusterRole")
    for name in _FIRST_NAMESPACES:
        if objects.store.get(NAMESPACE.key, ("", name)) is None:
            objects.create(NAMESPACE, "", {"metadata": {"name": name}}, options)
    for role in (DELEGATOR, VIEW):
        if objects.store.get(roles.key, ("", role["metadata"]["name"])) is None:
            objects.create(roles, "", role, options)
