"""What Prometheus knows of the senders that a hold concerns: who keeps to it, and what is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from responder.evidence.answers import Answer, NoAnswer, one_value
from responder.evidence.metric import Metric
from responder.evidence.prometheus import Prometheus
from responder.evidence.questions import NotAskable, Question, bind_volume
from responder.evidence.verdict import Unknown
from responder.playbooks.queries import matchers_of
from responder.playbooks.refusals import Refused
from responder.playbooks.resume import DEFAULT_VOLUME, Volume

_BY: Final = "count by (job, instance)"
_FACTS: Final = {
    "observed": "count({observed})",
    "blind": "count(({sending}) unless on (job, instance) ({observed}))",
    "silent": "count(({sent}) and on (job, instance) (up == 0))",
}
_OBSERVED: Final = _BY + " (mail_hold_observed{{ {document} }} == 1)"
_SENDING: Final = _BY + " (mail_attempts_total{{ {concerned} }})"
_SENT: Final = _BY + " (last_over_time(mail_attempts_total{{ {concerned} }}[10m]))"


@dataclass(frozen=True, slots=True)
class Senders:
    """Exporters, counted."""

    observed: int = 0
    """Those that say that they keep to the document."""
    blind: int = 0
    """Those that send what it concerns, and don't say so."""
    silent: int = 0
    """Those that sent, and can't be scraped now: nothing is known of what they do."""

    @property
    def all_observe(self) -> bool:
        return self.observed > 0 and not self.blind and not self.silent


async def senders_of(
    prometheus: Prometheus, concerned: Mapping[str, str], *, document: str, now: datetime
) -> Senders | NoAnswer:
    """Ask once for all that is known of the senders of what these labels select.

    `document` is the id of the hold document; empty where it has none.
    """
    try:
        campaign = {key: value for key, value in concerned.items() if key == "campaign"}
        selecting = {
            "document": matchers_of({**campaign, "id": document or "none"}),
            "concerned": matchers_of(concerned),
        }
    except Refused as refused:
        return NoAnswer(Unknown.MISSING_LABEL, refused.message)
    parts = {
        "observed": _OBSERVED.format(**selecting),
        "sending": _SENDING.format(**selecting),
        "sent": _SENT.format(**selecting),
    }
    asked = [
        f'label_replace({query.format(**parts)}, "fact", "{fact}", "", "")'
        for fact, query in _FACTS.items()
    ]
    answer = await prometheus.query(" or ".join(asked), at=now)
    if isinstance(answer, NoAnswer):
        return answer
    if answer.warnings:
        return NoAnswer(Unknown.INCOMPLETE, answer.warnings[0], answer.warnings)
    return _counted(answer)


def _counted(answer: Answer) -> Senders:
    found = {sample.labels.get("fact", ""): int(sample.value) for sample in answer.samples}
    return Senders(
        observed=found.get("observed", 0),
        blind=found.get("blind", 0),
        silent=found.get("silent", 0),
    )


def attempts_of(
    labels: Mapping[str, str], *, metrics: Mapping[str, Metric], window_seconds: int
) -> Question | NotAskable:
    """Bind the metric that counts attempts to these labels, over a window of that length."""
    question = bind_volume(Volume(metric=DEFAULT_VOLUME), labels, metrics=metrics)
    if isinstance(question, NotAskable):
        return question
    return question.model_copy(
        update={"bound": "max", "threshold": 0.0, "window_seconds": window_seconds}
    )


async def sent(
    prometheus: Prometheus, attempts: Question, *, since: datetime, now: datetime
) -> float | NoAnswer:
    """Count what was sent in the last window, all of which lies after `since`."""
    finding = (await prometheus.verdict(attempts, now=now, since=since)).finding
    if finding.reason is Unknown.TOO_EARLY:
        return NoAnswer(Unknown.TOO_EARLY, "too little time has passed since it is held")
    if finding.value is None:
        return NoAnswer(finding.reason or Unknown.NO_DATA, finding.message)
    return finding.value


async def sent_before(
    prometheus: Prometheus, attempts: Question, *, moment: datetime
) -> tuple[float, float] | NoAnswer:
    """Count what was sent in each of the two windows before a moment, the earlier one first."""
    window = attempts.window_seconds
    counted = []
    for at in (moment - timedelta(seconds=window), moment):
        found = one_value(await prometheus.query(attempts.events.over(window), at=at))
        if found is None:
            return NoAnswer(Unknown.NO_DATA, "gives no series")
        if isinstance(found, NoAnswer):
            return found
        counted.append(found)
    return counted[0], counted[1]
