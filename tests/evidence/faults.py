"""What a server may do to a question, and the clients to ask it with."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from responder.evidence.answers import Answer, NoAnswer
from responder.evidence.credentials import Credentials
from responder.evidence.prometheus import Prometheus
from responder.evidence.transport import Endpoint, Limits, open_transport
from responder.evidence.verdict import Unknown
from tests.cluster.faulty_server import Exchange, FaultyServer, Handler, faulty_server
from tests.evidence.moments import NOW

QUICK = Limits(
    connect_seconds=0.2, total_seconds=0.4, deadline_seconds=3.0, first_pause_seconds=0.01
)


def vector(*values: object, **more: object) -> str:
    result = [{"metric": {"n": str(at)}, "value": [1, value]} for at, value in enumerate(values)]
    data = {"resultType": "vector", "result": result}
    return json.dumps({"status": "success", "data": data, **more})


def error(kind: str, told: str = "no") -> str:
    return json.dumps({"status": "error", "errorType": kind, "error": told})


def answering(
    *answers: tuple[int, str | bytes], content_type: str = "application/json", **headers: str
) -> Handler:
    """Each request gets the next answer, and those after them the last."""
    left = list(answers)

    async def handle(exchange: Exchange) -> None:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await exchange.respond(status, body, content_type=content_type, headers=named)

    return handle


async def hang(exchange: Exchange) -> None:
    await exchange.disconnected()


async def hang_in_the_body(exchange: Exchange) -> None:
    await exchange.promise(length=100, sent=b'{"status":')
    await exchange.disconnected()


async def reset(exchange: Exchange) -> None:
    exchange.abort()


async def reset_in_the_body(exchange: Exchange) -> None:
    await exchange.promise(length=100, sent=b'{"status":')
    exchange.abort()


def form_of(exchange: Exchange) -> dict[str, str]:
    return dict(parse_qsl(exchange.body.decode()))


@asynccontextmanager
async def asked(
    handle: Handler,
    *,
    credentials: Credentials | None = None,
    **limits: Any,  # noqa: ANN401 - whatever Limits takes
) -> AsyncIterator[tuple[Prometheus, FaultyServer]]:
    """A Prometheus that is only played, and the server that plays it."""
    async with faulty_server(handle) as server:
        endpoint = Endpoint(server.url, credentials or Credentials())
        async with open_transport(endpoint, limits=replace(QUICK, **limits)) as transport:
            yield Prometheus(transport, scrape_interval_seconds=1), server


async def ask(prometheus: Prometheus) -> Answer | NoAnswer:
    return await prometheus.query("up", at=NOW)


async def reason(prometheus: Prometheus) -> Unknown | None:
    found = await ask(prometheus)
    return found.reason if isinstance(found, NoAnswer) else None
