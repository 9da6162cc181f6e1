"""The two servers: each test runs against both, unless it is asked for one."""

import asyncio
import dataclasses
import itertools
import json
import secrets
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from responder.sandbox.api.server import ApiServer, serving
from responder.sandbox.api.store import Store
from tests.contract.server import Json, Server
from tests.controlplane import run_logs
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixtures import require
from tests.controlplane.toolsets import KUBERNETES

_serial = itertools.count(1)


class EmbeddedThread:
    """The embedded server, in an event loop of its own."""

    def __init__(self) -> None:
        self.server = ApiServer(Store(remembers=300))
        self.token = secrets.token_hex(8)
        self.server.access.add_admin(self.token)
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="embedded", daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        async with serving(self.server) as url:
            self.url = url
            self._ready.set()
            await self._stop.wait()

    def forget(self) -> None:
        done = threading.Event()

        def forgetting() -> None:
            self.server.store.forget_history()
            done.set()

        self._loop.call_soon_threadsafe(forgetting)
        assert done.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedThread]:
    thread = EmbeddedThread()
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture(scope="session")
def bare_control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """A real API server without controllers, so that nobody else writes."""
    require(KUBERNETES, request.config)
    plane = ControlPlane.start(
        logs=run_logs.directory(request.config) / "contract", controllers=False
    )
    yield plane
    plane.stop()


def _embedded(request: pytest.FixtureRequest) -> Server:
    thread: EmbeddedThread = request.getfixturevalue("embedded")
    return Server("embedded", thread.url, thread.token, "", forget=thread.forget)


def _real(request: pytest.FixtureRequest) -> Server:
    plane: ControlPlane = request.getfixturevalue("bare_control_plane")
    authority = str(plane.cluster.certificate_authority)
    url = f"http://127.0.0.1:{plane.layout.etcd_port}/v3/kv"

    def compact() -> None:
        present = _etcd(f"{url}/range", {"key": "AA=="})["header"]["revision"]
        _etcd(f"{url}/compaction", {"revision": present})

    return Server("real", plane.url, plane.admin_token, "", authority, forget=compact)


def _etcd(url: str, body: Json) -> Json:
    request = urllib.request.Request(url, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: Json = json.loads(answer.read())
        return found


@pytest.fixture(params=["embedded", "real"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """With a fresh namespace."""
    found = _embedded(request) if request.param == "embedded" else _real(request)
    name = f"contract-{next(_serial)}"
    found.create("/api/v1/namespaces", {"metadata": {"name": name}}).ok()
    yield dataclasses.replace(found, namespace=name)
    found.delete(f"/api/v1/namespaces/{name}")
