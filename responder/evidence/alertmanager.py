"""Alertmanagers asked what still fires; whatever happens there is an answer for each of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Final

from responder.evidence.listings import ListedAlert, Listing, Unheard, listed_alerts, running
from responder.evidence.transport import Endpoint, Limits, NoReply, Transport, open_transport
from responder.evidence.verdict import Unknown

_LIMITS: Final = Limits(total_seconds=15.0, deadline_seconds=40.0, most_bytes=64 * 2**20)
"""Thirty thousand alerts are some 22 MB, and take Alertmanager a second and a half."""
_SLICE: Final = 500
"""Alerts that are read before others get their turn: some milliseconds."""
_ALL: Final = dict.fromkeys(("active", "silenced", "inhibited", "unprocessed"), "true")
_OK: Final = 200


class Alertmanager:
    """One Alertmanager; of several that work together each is asked by itself."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def listing(self, *, now: datetime) -> Listing | Unheard:
        """Ask for all that fires; `now` is kept as the time of asking.

        Its uptime is asked for afterwards: if it restarts in between, it says that it is young.
        """
        body = await self._get("/api/v2/alerts", query=_ALL)
        if isinstance(body, Unheard):
            return body
        try:
            alerts = await _in_slices(body[0])
        except (ValueError, RecursionError) as error:  # pydantic's and Unicode's are ValueErrors
            told = str(error).partition("\n")[0]
            return self._unheard(Unknown.UNREADABLE, f"the alerts can't be read: {told}")
        status = await self._get("/api/v2/status")
        if isinstance(status, Unheard):
            return status
        about = running(status[0], date=status[1])
        if about is None:
            return self._unheard(Unknown.UNREADABLE, "the status has no uptime that can be read")
        return Listing(
            source=self._transport.url,
            alerts=alerts,
            asked_at=now,
            uptime_seconds=about.uptime_seconds,
            peer=about.peer,
            peers=about.peers,
        )

    async def _get(
        self, path: str, *, query: dict[str, str] | None = None
    ) -> tuple[bytes, str] | Unheard:
        reply = await self._transport.ask("GET", path, query=query)
        if isinstance(reply, NoReply):
            return self._unheard(reply.reason, reply.message)
        if reply.status != _OK:
            begins = reply.body[:200].decode(errors="replace")
            return self._unheard(Unknown.UNREADABLE, f"{path}: {reply.status} {begins!r}")
        return reply.body, reply.date

    def _unheard(self, reason: Unknown, message: str) -> Unheard:
        return Unheard(source=self._transport.url, reason=reason, message=message)


async def _in_slices(body: bytes) -> dict[str, ListedAlert]:
    alerts: dict[str, ListedAlert] = {}
    for number, alert in enumerate(listed_alerts(body), start=1):
        alerts[alert.fingerprint] = alert
        if number % _SLICE == 0:
            await asyncio.sleep(0)
    return alerts


class Alertmanagers:
    """All that are configured."""

    def __init__(self, each: Iterable[Alertmanager]) -> None:
        self._each = tuple(each)

    async def listings(self, *, now: datetime) -> tuple[Listing | Unheard, ...]:
        """Ask all of them at once; one answer each, in the order of the configuration."""
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(one.listing(now=now)) for one in self._each]
        return tuple(task.result() for task in asking)


@asynccontextmanager
async def open_alertmanagers(
    endpoints: Iterable[Endpoint], *, limits: Limits | None = None
) -> AsyncIterator[Alertmanagers]:
    """Alertmanagers to be asked, with connections of their own; nothing is sent yet."""
    async with AsyncExitStack() as stack:
        transports = [
            await stack.enter_async_context(open_transport(endpoint, limits=limits or _LIMITS))
            for endpoint in endpoints
        ]
        yield Alertmanagers(Alertmanager(transport) for transport in transports)
