"""Telling what was found on objects: a metric, a line in the log, an Event for those who look.

Each once, when it comes up: hundreds that find no room in one object would drown all else in what
has been known since the last look. What stands by now is told by a gauge.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

import structlog

from responder.cluster.events import EventRecorder
from responder.holds.fields import FieldFinding
from responder.holds.ledger import LedgerFinding
from responder.holds.objects import ObjectKey
from responder.holds.planning import Finding, Purpose, Step
from responder.metrics import Metrics
from responder.reconcile.announcing import announce_finding
from responder.reconcile.explaining import refusal_state
from responder.reconcile.situation import Situation
from responder.reconcile.view import View

log = structlog.get_logger()


class Findings:
    """What stands on which target, as far as it was told."""

    def __init__(
        self,
        *,
        view: View,
        events: EventRecorder,
        metrics: Metrics,
        on_edited: Callable[[Finding], None] = lambda _finding: None,
    ) -> None:
        self._view = view
        self._events = events
        self._metrics = metrics
        self._on_edited = on_edited
        self._standing: dict[ObjectKey, dict[Finding, str]] = defaultdict(dict)
        """By target; each with the state of what is refused."""
        self._measured = True

    def tell(self, situation: Situation, step: Step) -> None:
        """Tell what a plan found, except what is known to stand."""
        known = self._standing[situation.key]
        for finding in step.findings:
            refusal = situation.refusals.get(finding.field)
            if refusal is None or finding.what is not FieldFinding.REFUSED:
                state, why = "", {}
            else:
                state, why = str(refusal_state(refusal)), {"why": refusal.message}
            if known.get(finding) == state or _is_no_news(finding, step):
                continue
            # Of an object with a hundred ghosts one is told: they are given back together.
            heard = finding.what is FieldFinding.GHOST and finding.key in _haunted(known)
            known[finding] = state
            self._measured = False
            if not heard:
                self._tell(finding, why)

    def _tell(self, finding: Finding, why: Mapping[str, str]) -> None:
        if finding.what is FieldFinding.EDITED:
            self._on_edited(finding)
        self._metrics.findings.labels(kind=finding.key.kind, finding=str(finding.what)).inc()
        log.warning(
            "target_finding",
            target=str(finding.key),
            namespace=finding.key.namespace,
            field=finding.field,
            finding=str(finding.what),
            by=finding.by,
            **why,
        )
        live = self._view.objects.get(finding.key)
        if live is not None:
            announce_finding(self._events, finding, live)

    def settled(self, key: ObjectKey, step: Step) -> None:
        """Forget what a target's last plan found no more: if it comes up again, it is news.

        Only then: while keys are tried one by one, what is found of the others comes and goes.
        """
        before, found = self._standing.pop(key, {}), frozenset(step.findings)
        standing = {finding: state for finding, state in before.items() if finding in found}
        if standing:
            self._standing[key] = standing
        if not self._measured or standing != before:
            self._measure()

    def _measure(self) -> None:
        told = [finding for standing in self._standing.values() for finding in standing]
        self._metrics.ghosts.set(len(_haunted(told)))
        self._metrics.standing.clear()
        for (kind, what), number in Counter((each.key.kind, each.what) for each in told).items():
            self._metrics.standing.labels(kind=kind, finding=str(what)).set(number)
        self._measured = True


def _haunted(findings: Iterable[Finding]) -> set[ObjectKey]:
    return {finding.key for finding in findings if finding.what is FieldFinding.GHOST}


def _is_no_news(finding: Finding, step: Step) -> bool:
    """Tell a ledger that we took away ourselves from one that was taken from us.

    Until the incident's status tells of the give-back, its copy outlives the ledger each time.
    """
    restored = step.write is not None and step.write.purpose in {Purpose.HOLD, Purpose.RECORD}
    return finding.what is LedgerFinding.MISSING and not restored
