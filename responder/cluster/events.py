"""Tells people on the objects themselves (`kubectl describe`) what was done to them and why.

Best effort: recording never waits, never raises and never grows without bound. One request is
under way at a time, so that Events never crowd out a brake.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from responder.backoff import Backoff
from responder.cluster.api import KubernetesApi
from responder.cluster.event_series import EventType, Series, SeriesTable
from responder.cluster.failures import AlreadyExists, ApiFailure, NotFound, Unavailable
from responder.cluster.resources import EVENTS, JsonObject

_MOST_WAITING = 1000
_TRIES = 5
_REPEATS_SECONDS = 10.0
"""A series' further counts are written at most this often."""


def _now() -> datetime:
    return datetime.now(UTC)


class EventRecorder:
    """`run` sends while it runs. `instance` names this replica; `monotonic` is in seconds."""

    def __init__(
        self,
        api: KubernetesApi,
        *,
        field_manager: str,
        instance: str,
        now: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._field_manager = field_manager
        self._instance = instance
        self._now = now
        self._monotonic = monotonic
        self._pause = pause
        self._table = SeriesTable()
        self._new: deque[Series] = deque()
        self._repeated: OrderedDict[str, tuple[float, Series]] = OrderedDict()
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._drains = False
        self._log = structlog.get_logger()
        self.dropped = 0
        """How many were not written: too many at once, too many about one object, or refused."""

    def record(
        self,
        *,
        regarding: JsonObject,
        type: EventType,  # noqa: A002 -- the field's name in the API
        reason: str,
        action: str,
        note: str,
    ) -> None:
        """`regarding` is the object's `reference`; words up to 128 bytes and notes up to 1024.

        Longer ones are cut. The same again within six minutes is counted, "(x3 over 2m)".
        """
        series = self._table.add(
            regarding=regarding,
            type=type,
            reason=reason,
            action=action,
            note=note,
            at=self._now(),
            heard_at=self._monotonic(),
        )
        if series is None:
            self.dropped += 1
        elif not series.waits:
            self._queue(series)

    def _queue(self, series: Series) -> None:
        if series.sent:
            # The first repetition is written at once: it tells that there is one.
            wait = 0.0 if series.sent == 1 else _REPEATS_SECONDS
            self._repeated[series.name] = (self._monotonic() + wait, series)
        elif len(self._new) < _MOST_WAITING:
            self._new.append(series)
        else:
            self.dropped += 1
            return
        series.waits = True
        self._idle.clear()
        self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            series, wait = self._next()
            if series is not None:
                await self._send(series)
                series.waits = False
                if 0 < series.sent < series.count:
                    self._queue(series)
                continue
            self._woken.clear()
            if wait is None:
                self._idle.set()
            try:
                async with asyncio.timeout(wait):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def drain(self, *, within_seconds: float) -> None:
        """Returns when all is sent, or the time is up. `run` must be running."""
        self._drains = True
        self._woken.set()
        try:
            async with asyncio.timeout(within_seconds):
                await self._idle.wait()
        except TimeoutError:
            pass
        finally:
            self._drains = False

    def _next(self) -> tuple[Series | None, float | None]:
        """What to send now, or else in how many seconds to look again (None: when woken)."""
        if self._new:
            return self._new.popleft(), None
        earliest: float | None = None
        now = self._monotonic()
        for name, (due_at, series) in self._repeated.items():
            if self._drains or due_at <= now:
                del self._repeated[name]
                return series, None
            earliest = due_at if earliest is None else min(earliest, due_at)
        return None, None if earliest is None else earliest - now

    async def _send(self, series: Series) -> None:
        backoff = Backoff()
        for _ in range(_TRIES):
            count = series.count
            try:
                await self._write(series)
            except AlreadyExists:
                pass  # an earlier try came through
            except NotFound as failure:
                if not series.sent:  # its namespace is gone, and what it is about with it
                    self._give_up(failure)
                    return
                series.rename()  # the server keeps Events for an hour
                continue
            except Unavailable as failure:
                await self._pause(backoff.next_seconds(at_least=failure.retry_after))
                continue
            except ApiFailure as failure:
                self._give_up(failure)
                return
            series.sent = count
            return
        self.dropped += 1

    async def _write(self, series: Series) -> None:
        if series.sent:
            await self._api.merge_patch(
                EVENTS,
                namespace=series.namespace,
                name=series.name,
                body=series.patch(),
                field_manager=self._field_manager,
            )
        else:
            await self._api.create(
                EVENTS,
                namespace=series.namespace,
                body=series.body(instance=self._instance),
                field_manager=self._field_manager,
            )

    def _give_up(self, failure: ApiFailure) -> None:
        self.dropped += 1
        self._log.warning("event_refused", reason=str(failure))
