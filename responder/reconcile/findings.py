"""Telling what was found on objects: a metric, a line in the log, an Event for those who look."""

import structlog

from responder.cluster.events import EventRecorder
from responder.holds.fields import FieldFinding
from responder.holds.ledger import LedgerFinding
from responder.holds.objects import ObjectKey
from responder.holds.planning import Finding, Purpose, Step
from responder.metrics import Metrics
from responder.reconcile.announcing import announce_finding
from responder.reconcile.situation import Situation
from responder.reconcile.view import View

log = structlog.get_logger()


class Findings:
    """Tells findings, and counts the objects on which something vanished is held."""

    def __init__(self, *, view: View, events: EventRecorder, metrics: Metrics) -> None:
        self._view = view
        self._events = events
        self._metrics = metrics
        self._ghosts: set[ObjectKey] = set()

    def tell(self, situation: Situation, step: Step, told_before: set[Finding]) -> None:
        """Tell what a plan found, except what was told before; that grows."""
        for finding in step.findings:
            if finding in told_before or _is_no_news(finding, step):
                continue
            told_before.add(finding)
            if finding.what is FieldFinding.GHOST:
                if finding.key in self._ghosts:
                    continue
                self._ghosts.add(finding.key)
                self._metrics.ghosts.set(len(self._ghosts))
            self._metrics.findings.labels(kind=finding.key.kind, finding=str(finding.what)).inc()
            log.warning(
                "target_finding",
                target=str(finding.key),
                namespace=finding.key.namespace,
                field=finding.field,
                finding=str(finding.what),
                by=finding.by,
            )
            live = self._view.objects.get(finding.key)
            if live is not None:
                announce_finding(self._events, finding, live)
        if not any(found.what is FieldFinding.GHOST for found in step.findings):
            self._ghosts -= {situation.key, *step.uids}
            self._metrics.ghosts.set(len(self._ghosts))


def _is_no_news(finding: Finding, step: Step) -> bool:
    """Tell a ledger that we took away ourselves from one that was taken from us.

    Until the incident's status tells of the give-back, its copy outlives the ledger each time.
    """
    restored = step.write is not None and step.write.purpose in {Purpose.HOLD, Purpose.RECORD}
    return finding.what is LedgerFinding.MISSING and not restored
