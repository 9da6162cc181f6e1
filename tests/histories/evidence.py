"""A Prometheus and an Alertmanager that say what the history has them say."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from responder.evidence.answers import NoAnswer
from responder.evidence.listings import AlertState, ListedAlert, Listing, Unheard
from responder.evidence.questions import Question
from responder.evidence.verdict import Finding, Truth, Unknown, Verdict
from tests.histories.virtual_time import Clocks

EXTERNAL_URL = "http://alertmanager.example"
TRUTHS = {"yes": Truth.YES, "no": Truth.NO}


@dataclass(slots=True)
class Oracle:
    """Each question's answer by the name of its metric; a question without one gets `yes`."""

    heard: Callable[[Question, datetime | None, Truth], None]
    answers: dict[str, str] = field(default_factory=dict)
    is_down: bool = False

    async def verdict(
        self, question: Question, *, now: datetime, since: datetime | None = None
    ) -> Verdict:
        told = "down" if self.is_down else self.answers.get(question.name, "yes")
        truth = TRUTHS.get(told, Truth.UNKNOWN)
        unknown = Finding.unknown(Unknown.DOWN if told == "down" else Unknown.NO_DATA)
        finding = unknown if truth is Truth.UNKNOWN else Finding(truth=truth)
        self.heard(question, since, truth)
        return Verdict(question=question.name, finding=finding, at=now, window_seconds=300)

    async def query(self, *_: Any, **__: Any) -> NoAnswer:  # noqa: ANN401 -- whatever is asked
        return NoAnswer(Unknown.DOWN, "nobody looks at the senders here")


@dataclass(slots=True)
class AlertSource:
    """What fires at the sender's, whoever was told of it."""

    clocks: Clocks
    firing: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    """Fingerprint to labels and start."""
    is_down: bool = False
    started: float = 0.0

    async def listings(self, *, now: datetime) -> tuple[Listing | Unheard, ...]:
        if self.is_down:
            return (Unheard(EXTERNAL_URL, Unknown.DOWN, "down"),)
        told = datetime.fromtimestamp(self.clocks.server(), UTC).isoformat()
        alerts = {
            each: ListedAlert(
                fingerprint=each,
                state=AlertState.ACTIVE,
                labels=labels,
                starts_at=since,
                ends_at=told,
                updated_at=told,
                receivers=("responder",),
            )
            for each, (labels, since) in self.firing.items()
        }
        uptime = self.clocks.loop.time() - self.started
        return (Listing(EXTERNAL_URL, alerts, asked_at=now, uptime_seconds=uptime),)
