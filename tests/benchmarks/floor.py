"""The yardstick: the same writes by a client that does nothing else."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from responder.cluster.connection import connect


class BareClient:
    """Sends prepared writes, in the name of the same ServiceAccount, and reads the answers."""

    def __init__(self, session: aiohttp.ClientSession, base: str, token: str) -> None:
        self._session = session
        self._base = base
        self._token = token

    async def write(self, method: str, path: str, body: dict[str, Any]) -> None:
        kind = "merge-patch+json" if method == "PATCH" else "json"
        headers = {"Authorization": self._token, "Content-Type": f"application/{kind}"}
        url = f"{self._base}{path}?fieldManager=campaign-responder"
        async with self._session.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status < 300, text


@asynccontextmanager
async def bare_client(kubeconfig: Path) -> AsyncIterator[BareClient]:
    async with await connect(kubeconfig) as connection:
        token = await connection.credentials.authorization()
        base = str(connection.server.url).rstrip("/")
        yield BareClient(connection.session, base, token or "")


async def at_once(writes: Sequence[Callable[[], Awaitable[None]]], *, in_flight: int) -> float:
    """Do all writes, a number of them at a time; returns the seconds it took."""
    room = asyncio.Semaphore(in_flight)

    async def one(write: Callable[[], Awaitable[None]]) -> None:
        async with room:
            await write()

    began = time.perf_counter()
    await asyncio.gather(*(one(write) for write in writes))
    return time.perf_counter() - began


def told(name: str, ours: float, floor: float, goal: str, *, unit: str = "ms") -> str:
    """One line of the report."""
    factor = 1000 if unit == "ms" else 1
    return (
        f"{name}: {ours * factor:.2f} {unit} against {floor * factor:.2f} {unit},"
        f" ratio {ours / floor:.2f} (goal {goal})"
    )


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
