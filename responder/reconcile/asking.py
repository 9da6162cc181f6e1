"""Asking Prometheus what open incidents want to know, again and again.

It never holds anything up: an answer is news for an incident, and until there is one it is unknown.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
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
_ENOUGH_SILENCE: Final = _AT_ONCE
"""So many questions in a row without an answer to any: in this round nobody else is let wait."""
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
        self._answers: dict[str, dict[str, Answer]] = {}
        """By uid: another incident may come to have the same name."""
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._silent: list[Finding] = []
        """What came of the last questions of this round, if none of them was answered."""
        self._passed_over: set[tuple[str, str]] = set()
        """Questions that were not put for that reason: they come first in the next round."""

    def answers(self, incident: Incident) -> Mapping[str, Answer]:
        """Give what is known of an incident's questions."""
        return self._answers.get(incident.uid, {})

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(self._interval_seconds)

    async def round(self) -> None:
        """Ask once what all open incidents want to know."""
        first, self._passed_over = self._passed_over, set()
        wanted = sorted(self._wanted(), key=lambda each: (each[1].uid, each[2].name) not in first)
        self._keep_only(wanted)
        self._silent.clear()
        async with asyncio.TaskGroup() as group:
            for key, incident, asked in wanted:
                group.create_task(self._ask(key, incident, asked))
            for key, incident in self._looking.due():
                group.create_task(self._look(key, incident))

    def _keep_only(self, wanted: Iterable[tuple[IncidentKey, Incident, Asked]]) -> None:
        """Forget what nobody asks any more: asked again later, an old answer would count as new."""
        names: dict[str, set[str]] = defaultdict(set)
        for _, incident, asked in wanted:
            names[incident.uid].add(asked.name)
        self._answers = {
            uid: kept
            for uid, known in self._answers.items()
            if (kept := {name: told for name, told in known.items() if name in names[uid]})
        }

    def _wanted(self) -> Iterator[tuple[IncidentKey, Incident, Asked]]:
        for key, incident in self._view.incidents.items():
            for asked in questions_of(incident):
                yield key, incident, asked

    async def _ask(self, key: IncidentKey, incident: Incident, asked: Asked) -> None:
        async with self._room:
            found = await self._answer(incident, asked)
        known = self._answers.setdefault(incident.uid, {})
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

    async def _answer(self, incident: Incident, asked: Asked) -> Answer:
        now = self._now()
        question = read_kept(asked.question)
        if isinstance(question, NotAskable):
            finding = question.finding
        elif self._prometheus is None:
            finding = Finding.unknown(Unknown.DOWN, "no Prometheus is configured")
        else:
            since = read_moment(asked.since)
            if len(self._silent) < _ENOUGH_SILENCE:
                verdict = await self._prometheus.verdict(question, now=now, since=since)
                self._heard(verdict.finding)
                return _told(asked, verdict.finding, now, message=str(verdict))
            self._passed_over.add((incident.uid, asked.name))
            finding = self._silent[-1]
        verdict = Verdict(question=asked.name, finding=finding, at=now)
        return _told(asked, finding, now, message=str(verdict))

    def _heard(self, finding: Finding) -> None:
        if finding.reason in (Unknown.DOWN, Unknown.TIMED_OUT):
            self._silent.append(finding)
        else:
            self._silent.clear()


def _told(asked: Asked, finding: Finding, now: datetime, *, message: str) -> Answer:
    return Answer(
        question=asked.name,
        truth=Truth(str(finding.truth)),
        at=moment(now),
        since=asked.since,
        reason="" if finding.reason is None else str(finding.reason),
        message=message[:_MOST_MESSAGE_CHARACTERS],
    )
