"""What the Alertmanagers say, and can't say, told to people: metrics, and a line per change."""

from collections import Counter
from collections.abc import Mapping, Sequence

import structlog

from responder.evidence.comparing import Doubt
from responder.evidence.listings import Listing, Unheard
from responder.evidence.verdict import Unknown
from responder.incidents.quiet import Quiet
from responder.metrics import Metrics

log = structlog.get_logger()


class Hearsay:
    """Remembers what was told, so that it is told once."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._unheard: dict[str, Unknown | None] = {}
        self._reasons: frozenset[Unknown] = frozenset()
        self._quiet: Mapping[str, Quiet] = {}

    def tell_answers(self, answers: Sequence[Listing | Unheard]) -> None:
        for answer in answers:
            reason = answer.reason if isinstance(answer, Unheard) else None
            self._metrics.alertmanager_up.labels(alertmanager=answer.source).set(reason is None)
            if self._unheard.get(answer.source) == reason and answer.source in self._unheard:
                continue
            self._unheard[answer.source] = reason
            if isinstance(answer, Unheard):
                log.warning(
                    "alertmanager_unheard",
                    alertmanager=answer.source,
                    reason=str(reason),
                    why=answer.message[:500],
                )
            else:
                log.info(
                    "alertmanager_heard",
                    alertmanager=answer.source,
                    alerts=len(answer.alerts),
                    uptime_seconds=round(answer.uptime_seconds),
                )

    def tell_doubts(self, doubts: Mapping[str, Doubt]) -> None:
        found = Counter(doubt.reason for doubt in doubts.values())
        self._metrics.alerts_unknown.clear()
        for reason, number in found.items():
            self._metrics.alerts_unknown.labels(reason=str(reason)).set(number)
        # What was just heard of is known a minute later.
        reasons = frozenset(found) - {Unknown.JUST_HEARD}
        if reasons == self._reasons:
            return
        self._reasons = reasons
        if not reasons:
            log.info("alerts_known")
        for reason in sorted(reasons):
            example = next(doubt for doubt in doubts.values() if doubt.reason is reason)
            log.warning(
                "alerts_unknown",
                reason=str(reason),
                alerts=found[reason],
                why=example.message[:500],
            )

    def tell_quiet(self, quiet: Mapping[str, Quiet]) -> None:
        found = Counter(each.reason for each in quiet.values())
        self._metrics.alerts_quiet.clear()
        for why, number in found.items():
            self._metrics.alerts_quiet.labels(why=why).set(number)
        if quiet != self._quiet:
            self._quiet = quiet
            log.info("alerts_quiet", **{why.lower(): number for why, number in found.items()})
