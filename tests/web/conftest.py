"""A door on a loopback port, in front of incidents in memory."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from responder.metrics import Metrics
from responder.reconcile.repetitions import Repetitions
from responder.web.authentication import BearerToken
from responder.web.server import create_app
from responder.web.service import Service
from tests.reconcile.door import Door

TOKEN = "a-token-for-tests-alone"


@dataclass
class Web:
    """The door, and a client that shows the token unless told otherwise."""

    door: Door
    app: web.Application
    metrics: Metrics
    url: str
    client: aiohttp.ClientSession
    waiting: list[str] = field(default_factory=list)
    """Why it isn't ready."""
    cut_short: list[str] = field(default_factory=list)
    """Receivers of notifications that left alerts out."""

    async def ask(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {TOKEN}"} | options.pop("headers", {})
        answer = await self.client.request(method, self.url + path, headers=headers, **options)
        await answer.read()
        return answer

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@contextlib.asynccontextmanager
async def opened(
    *,
    token: Path | None,
    most_body_bytes: int = 4 * 2**20,
    most_requests: int = 64,
    request_seconds: float = 8.0,
) -> AsyncIterator[Web]:
    door, metrics = Door(), Metrics()
    waiting: list[str] = []
    cut_short: list[str] = []
    service = Service(
        intake=door.intake,
        repetitions=Repetitions(door.view, playbooks=lambda: door.playbooks),
        view=door.view,
        playbooks=lambda: door.playbooks,
        not_ready=lambda: waiting,
        metrics=metrics,
        pools=(),
        most_requests=most_requests,
        request_seconds=request_seconds,
        on_cut_short=cut_short.append,
    )
    app = create_app(
        service,
        token=None if token is None else BearerToken(token),
        most_body_bytes=most_body_bytes,
    )
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    try:
        async with aiohttp.ClientSession() as client:
            url = str(server.make_url("")).rstrip("/")
            yield Web(door, app, metrics, url, client, waiting, cut_short)
    finally:
        await server.close()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture
async def site(token_file: Path) -> AsyncIterator[Web]:
    async with opened(token=token_file) as found:
        yield found


@pytest.fixture
async def loopback() -> AsyncIterator[Web]:
    """Without a token: only what comes from this machine is taken."""
    async with opened(token=None) as found:
        yield found
