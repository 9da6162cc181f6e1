"""Asking Prometheus what open incidents want to know, again and again.

It never holds anything up: an answer is news for an incident, and until there is one it is unknown.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

import structlog

from responder.evidence.prometheus import Prometheus
from responder.evidence.questions import NotAskable, read_kept
from responder.evidence.verdict import Finding, Unknown, Verdict
from responder.incidents.evidence import Asked, answer_to, followed, questions_of
from responder.incidents.incident import Incident
from responder.incidents.status import Answer, Truth
from responder.incidents.transitions import moment, read_moment
from responder.metrics import Metrics
from responder.reconcile.looking import Looking
from responder.reconcile.view import IncidentKey, View

_AT_ONCE: Final = 8
_MOST_MESSAGE_CHARACTERS: Final = 1000

log = structlog.get_logger()


class Asking:
    """The newest answer to each question of each open incident."""

    def __init__(
        self,
        *,
        view: View,
        prometheus: Prometheus | None,
        metrics: Metrics,
        now: Callable[[], datetime],
        on_answer: Callable[[IncidentKey], None],
        interval_seconds: float,
        looking: Looking,
    ) -> None:
        self._view = view
        self._prometheus = prometheus
        self._metrics = metrics
        self._now = now
        self._on_answer = on_answer
        self._interval_seconds = interval_seconds
        self._looking = looking
        self._answers: dict[IncidentKey, dict[str, Answer]] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)

    def answers(self, key: IncidentKey) -> Mapping[str, Answer]:
        """Give what is known of an incident's questions."""
        return self._answers.get(key, {})

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(self._interval_seconds)

    async def round(self) -> None:
        """Ask once what all open incidents want to know."""
        for key in [key for key in self._answers if key not in self._view.incidents]:
            del self._answers[key]
        wanted = list(self._wanted())
        async with asyncio.TaskGroup() as group:
            for key, incident, asked in wanted:
                group.create_task(self._ask(key, incident, asked))
            for key, incident in self._looking.due():
                group.create_task(self._look(key, incident))

    def _wanted(self) -> Iterator[tuple[IncidentKey, Incident, Asked]]:
        for key, incident in self._view.incidents.items():
            for asked in questions_of(incident):
                yield key, incident, asked

    async def _ask(self, key: IncidentKey, incident: Incident, asked: Asked) -> None:
        async with self._room:
            found = await self._answer(asked)
        known = self._answers.setdefault(key, {})
        # After a restart the status remembers for how long it has been yes.
        stored = {answer.question: answer for answer in incident.status.answers}
        before = answer_to(asked, known) or answer_to(asked, stored)
        known[asked.name] = followed(before, found)
        kind = asked.name.partition("-")[0]
        self._metrics.evidence.labels(question=kind, truth=str(found.truth)).inc()
        if before is None or (before.truth, before.reason) != (found.truth, found.reason):
            log.info(
                "evidence",
                incident=key.name,
                question=asked.name,
                truth=str(found.truth),
                reason=found.reason,
                message=found.message,
            )
        self._on_answer(key)

    async def _look(self, key: IncidentKey, incident: Incident) -> None:
        async with self._room:
            await self._looking.look(key, incident)
        self._on_answer(key)

    async def _answer(self, asked: Asked) -> Answer:
        now = self._now()
        question = read_kept(asked.question)
        if isinstance(question, NotAskable):
            finding = question.finding
        elif self._prometheus is None:
            finding = Finding.unknown(Unknown.DOWN, "no Prometheus is configured")
        else:
            since = read_moment(asked.since)
            verdict = await self._prometheus.verdict(question, now=now, since=since)
            return _told(asked, verdict.finding, now, message=str(verdict))
        verdict = Verdict(question=asked.name, finding=finding, at=now)
        return _told(asked, finding, now, message=str(verdict))


def _told(asked: Asked, finding: Finding, now: datetime, *, message: str) -> Answer:
    return Answer(
        question=asked.name,
        truth=Truth(str(finding.truth)),
        at=moment(now),
        since=asked.since,
        reason="" if finding.reason is None else str(finding.reason),
        message=message[:_MOST_MESSAGE_CHARACTERS],
    )
