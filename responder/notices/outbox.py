"""What one destination is still to be told: bounded, gathered, paced, and tried again.

Notices wait for a moment, so that what happens together is told together: up to three one by one,
more in one digest. A destination that fails is tried again, slower and slower, with what has come
in since; after an hour a notice is news no more and is dropped, which is counted and logged.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from responder.backoff import Backoff
from responder.metrics import Metrics
from responder.notices.couriers import Answer, Outcome
from responder.notices.destinations import DIGEST, Destination
from responder.notices.digest import digest_of

MOST_SINGLY: Final = 3
MOST_PENDING: Final = 200
"""Beyond, notices are counted by playbook and moment, and told as a number."""
_MOST_KINDS: Final = 1_000

log = structlog.get_logger()

Deliver = Callable[[str, Mapping[str, Any]], Awaitable[Answer]]
"""Sends the facts by a template of this name."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long is waited for what."""

    gather_seconds: float = 5.0
    every_seconds: float = 30.0
    first_retry_seconds: float = 2.0
    longest_retry_seconds: float = 300.0
    give_up_seconds: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Notice:
    """The facts of one, and when they were true, by a monotonic clock."""

    facts: Mapping[str, Any]
    at: float

    @property
    def kind(self) -> tuple[str, str]:
        return str(self.facts["playbook"]), str(self.facts["moment"])


class Outbox:
    """The notices of one destination."""

    def __init__(
        self,
        destination: Destination,
        deliver: Deliver,
        *,
        metrics: Metrics,
        pace: Pace,
        namespace: str,
        link: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.destination = destination
        self._deliver = deliver
        self._metrics = metrics
        # From 0 on: of a series that begins with its first drops nothing increases.
        metrics.notices_dropped.labels(destination=destination.name)
        self._pace = pace
        self._namespace = namespace
        self._link = link
        self._clock = clock
        self._pending: list[Notice] = []
        self._beyond: Counter[tuple[str, str]] = Counter()
        self._beyond_since = 0.0
        self._some = asyncio.Event()
        self._backoff = Backoff(
            first_seconds=pace.first_retry_seconds, longest_seconds=pace.longest_retry_seconds
        )

    @property
    def waiting(self) -> int:
        """Count what is still to be told."""
        return len(self._pending) + self._beyond.total()

    def change(self, destination: Destination, deliver: Deliver, *, every_seconds: float) -> None:
        """Go on by new words; what waits is delivered by them, too."""
        if destination != self.destination:
            self._backoff.reset()
        self.destination, self._deliver = destination, deliver
        self._pace = replace(self._pace, every_seconds=every_seconds)

    def put(self, facts: Mapping[str, Any]) -> None:
        """Take a notice in; costs next to nothing."""
        self._keep(Notice(facts, self._clock()))
        self._some.set()

    def _keep(self, notice: Notice) -> None:
        if len(self._pending) < MOST_PENDING:
            self._pending.append(notice)
        elif notice.kind in self._beyond or len(self._beyond) < _MOST_KINDS:
            if not self._beyond:
                self._beyond_since = notice.at
            self._beyond[notice.kind] += 1
        else:
            self._drop(1, why="more kinds of notices than are counted")

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(self._pace.gather_seconds)
            if await self.flush():
                self._backoff.reset()
                await asyncio.sleep(self._pace.every_seconds)
            else:
                await asyncio.sleep(self._backoff.next_seconds())

    async def flush(self) -> bool:
        """Deliver what there is; tells whether all of it arrived.

        A notice leaves the box only once it is sent, so that no interruption loses it.
        """
        self._drop_old()
        self._some.clear()
        arrived = await (self._many() if self.waiting > MOST_SINGLY else self._singly())
        if self.waiting:
            self._some.set()
        return arrived

    async def _singly(self) -> bool:
        for _ in range(len(self._pending)):
            if not await self._sent(self.destination.template, self._pending[0].facts):
                # One that is never taken must not keep the others back.
                self._pending.append(self._pending.pop(0))
                return False
            del self._pending[0]
        return True

    async def _many(self) -> bool:
        batch, beyond = list(self._pending), Counter(self._beyond)
        facts = digest_of(
            [dict(notice.facts) for notice in batch],
            beyond,
            seconds=self._clock() - batch[0].at if batch else 0.0,
            namespace=self._namespace,
            link=self._link,
        )
        if not await self._sent(DIGEST, facts):
            return False
        del self._pending[: len(batch)]
        self._beyond -= beyond
        return True

    async def _sent(self, template: str, facts: Mapping[str, Any]) -> bool:
        name = self.destination.name
        began = self._clock()
        answer = await self._deliver(template, facts)
        self._metrics.notice_seconds.labels(destination=name).observe(self._clock() - began)
        if answer.template_fault:
            log.error(
                "notice_template_failed",
                destination=name,
                template=template,
                fault=answer.template_fault,
                fix="run `responder check --notify-file`; it was sent by the template of ours",
            )
        told = {"destination": name, "template": template, "incident": facts.get("name", "")}
        if answer.outcome is Outcome.SENT:
            self._metrics.notices_sent.labels(destination=name).inc()
            log.info("notice_sent", **told)
            return True
        self._metrics.notices_failed.labels(destination=name, outcome=str(answer.outcome)).inc()
        log.warning("notice_failed", why=answer.why, waiting=self.waiting, **told)
        return False

    def _drop_old(self) -> None:
        oldest = self._clock() - self._pace.give_up_seconds
        fresh = [notice for notice in self._pending if notice.at > oldest]
        dropped = len(self._pending) - len(fresh)
        self._pending = fresh
        if self._beyond and self._beyond_since <= oldest:
            dropped += self._beyond.total()
            self._beyond = Counter()
        if dropped:
            self._drop(dropped, why="it could not be delivered in time")

    def drop_all(self, *, why: str) -> None:
        """Give up what is still to be told."""
        if self.waiting:
            self._drop(self.waiting, why=why)
        self._pending, self._beyond = [], Counter()

    def _drop(self, number: int, *, why: str) -> None:
        self._metrics.notices_dropped.labels(destination=self.destination.name).inc(number)
        log.error("notices_dropped", destination=self.destination.name, notices=number, why=why)
