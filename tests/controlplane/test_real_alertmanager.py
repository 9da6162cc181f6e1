"""The real Alertmanager calls a webhook with what the test fired and resolved."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from tests.controlplane.eventually import eventually
from tests.controlplane.fixtures import StartAlertmanager
from tests.controlplane.ports import free_port
from tests.controlplane.real_alertmanager import webhook_configuration

LABELS = {"alertname": "HighBounceRate", "campaign": "spring-sale"}


@contextlib.asynccontextmanager
async def webhook(received: list[dict[str, Any]], *, port: int) -> AsyncIterator[None]:
    async def receive(request: web.Request) -> web.Response:
        body = await request.json()
        body["authorization"] = request.headers.get("Authorization")
        received.append(body)
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/hook", receive)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()


async def test_an_alert_is_delivered_and_its_resolve_too(
    start_alertmanager: StartAlertmanager,
) -> None:
    received: list[dict[str, Any]] = []
    port = free_port()
    configuration = webhook_configuration(f"http://127.0.0.1:{port}/hook", bearer_token="secret")
    async with webhook(received, port=port):
        alertmanager = start_alertmanager(configuration)
        alertmanager.fire(LABELS, annotations={"summary": "bounces"})
        await eventually(lambda: received)
        alertmanager.resolve(LABELS)
        await eventually(lambda: received[-1]["status"] == "resolved")
    first, last = received[0]["alerts"][0], received[-1]["alerts"][0]
    assert first["status"] == "firing"
    assert first["labels"] == LABELS
    assert first["annotations"] == {"summary": "bounces"}
    assert received[0]["authorization"] == "Bearer secret"
    assert (last["startsAt"], last["fingerprint"]) == (first["startsAt"], first["fingerprint"])
