"""Prometheus asked about incidents: every question gets a verdict, and nothing here raises."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from responder.evidence.answers import (
    Answer,
    NoAnswer,
    RangeAnswer,
    is_prometheus_error,
    one_value,
    read_instant,
    read_range,
)
from responder.evidence.measuring import Value, found
from responder.evidence.questions import Question
from responder.evidence.transport import Endpoint, Limits, NoReply, Reply, Transport, open_transport
from responder.evidence.verdict import Finding, Unknown, Verdict
from responder.evidence.windows import ahead_seconds, window_seconds
from responder.playbooks.queries import BoundQuery

SCRAPE_INTERVAL_SECONDS: Final = 60.0
"""Prometheus' own default."""
_LEAST_INTERVALS: Final = 2
_ENOUGH_SERIES: Final = 2
"""One is asked for; a second one tells that there are several."""
_MOST_SKEW_SECONDS: Final = 5.0
"""As towards the API server: beyond, a window may begin before the resume that it shall follow."""


class Prometheus:
    """One Prometheus, or what answers like one."""

    def __init__(
        self,
        transport: Transport,
        *,
        scrape_interval_seconds: float = SCRAPE_INTERVAL_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._monotonic = monotonic
        self._least_seconds = _LEAST_INTERVALS * scrape_interval_seconds

    @property
    def least_window_seconds(self) -> int:
        """The shortest window that holds two samples of each series, in whole seconds."""
        return max(1, math.ceil(self._least_seconds))

    async def verdict(
        self, question: Question, *, now: datetime, since: datetime | None = None
    ) -> Verdict:
        """Ask about one incident at one time; `since` is its last resume, if there was one.

        All queries are for that same time, and together take at most one deadline.
        """
        warnings: tuple[str, ...] = ()
        window = window_seconds(
            wanted_seconds=question.window_seconds,
            queries=question.queries,
            now=now,
            since=since,
            least_seconds=self._least_seconds,
        )
        if window is None:
            told = "too little time has passed since the last resume"
            finding = Finding.unknown(Unknown.TOO_EARLY, told)
        else:
            finding, warnings = await self._finding(question, window=window, now=now)
        return Verdict(
            question=question.name,
            finding=finding,
            at=now,
            window_seconds=window or None,
            warnings=warnings,
        )

    async def query(self, promql: str, *, at: datetime, most_series: int = 0) -> Answer | NoAnswer:
        """Evaluate PromQL at one time; `most_series` bounds what is sent, 0 does not."""
        reply = await self._instant(promql, at=at, most_series=most_series)
        if isinstance(reply, NoReply):
            return _no_answer(reply)
        return read_instant(reply.status, reply.body)

    async def query_range(
        self, promql: str, *, start: datetime, end: datetime, step_seconds: float
    ) -> RangeAnswer | NoAnswer:
        """Evaluate PromQL at each step from `start` to `end`, both included."""
        form = {
            "query": promql,
            "start": _timestamp(start),
            "end": _timestamp(end),
            "step": f"{step_seconds:g}",
            "timeout": self._timeout,
        }
        reply = await self._ask("/api/v1/query_range", form)
        if isinstance(reply, NoReply):
            return _no_answer(reply)
        return read_range(reply.status, reply.body)

    @property
    def _timeout(self) -> str:
        return f"{self._transport.limits.total_seconds:g}"

    async def _instant(self, promql: str, *, at: datetime, most_series: int) -> Reply | NoReply:
        form = {"query": promql, "time": _timestamp(at), "timeout": self._timeout}
        if most_series:
            form["limit"] = str(most_series)
        return await self._ask("/api/v1/query", form)

    async def _ask(self, path: str, form: dict[str, str]) -> Reply | NoReply:
        return await self._transport.ask("POST", path, form=form, is_final=_is_final)

    async def _finding(
        self, question: Question, *, window: int, now: datetime
    ) -> tuple[Finding, tuple[str, ...]]:
        started = self._monotonic()

        async def value(query: BoundQuery | None) -> Value:
            if query is None:
                return None
            reply = await self._instant(query.over(window), at=now, most_series=_ENOUGH_SERIES)
            if isinstance(reply, NoReply):
                return _no_answer(reply)
            took = self._monotonic() - started
            ahead = ahead_seconds(reply.date, asked_at=now, took_seconds=took)
            if abs(ahead) > _MOST_SKEW_SECONDS:
                told = f"its clock differs from the cluster's by {ahead:+.0f} s"
                return NoAnswer(Unknown.SKEWED, told)
            return one_value(read_instant(reply.status, reply.body))

        async with asyncio.TaskGroup() as group:
            events = group.create_task(value(question.events))
            total = group.create_task(value(question.total))
            reported = group.create_task(value(question.reported))
        return found(question, events.result(), total.result(), reported.result())


def _is_final(reply: Reply) -> bool:
    return is_prometheus_error(reply.body)


def _no_answer(reply: NoReply) -> NoAnswer:
    return NoAnswer(reply.reason, reply.message)


def _timestamp(moment: datetime) -> str:
    return f"{moment.timestamp():.3f}"


@asynccontextmanager
async def open_prometheus(
    endpoint: Endpoint,
    *,
    limits: Limits | None = None,
    scrape_interval_seconds: float = SCRAPE_INTERVAL_SECONDS,
) -> AsyncIterator[Prometheus]:
    """A Prometheus to be asked, with connections of its own; nothing is sent yet."""
    async with open_transport(endpoint, limits=limits or Limits()) as transport:
        yield Prometheus(transport, scrape_interval_seconds=scrape_interval_seconds)
