"""Gauges that are counted anew from time to time: what is open, and what is wrong with it."""

from collections import Counter
from typing import Final

from responder.incidents.confirmation import CONFIRMED, NOT_CONFIRMED, NOTHING_KNOWN
from responder.incidents.summary import NO_TARGET, PAST_REVIEW
from responder.incidents.transitions import Arming
from responder.metrics import Metrics
from responder.reconcile.view import View

_UNCONFIRMED: Final = (NOT_CONFIRMED, NOTHING_KNOWN)


def measure(view: View, metrics: Metrics) -> None:
    """Bring the gauges up to date."""
    metrics.armed.set(view.arming is Arming.ARMED)
    phases = Counter(
        (str(incident.status.phase) or "New", incident.playbook)
        for incident in view.incidents.values()
    )
    metrics.incidents.clear()
    for (phase, playbook), count in phases.items():
        metrics.incidents.labels(phase=phase, playbook=playbook).set(count)
    told = Counter(
        (condition.type, condition.status, condition.reason)
        for incident in view.incidents.values()
        if not incident.closed
        for condition in incident.status.conditions
    )
    for gauge, kind in ((metrics.past_review, PAST_REVIEW), (metrics.without_target, NO_TARGET)):
        gauge.set(
            sum(n for (type_, status, _), n in told.items() if (type_, status) == (kind, "True"))
        )
    for reason in _UNCONFIRMED:
        found = sum(n for (type_, _, why), n in told.items() if (type_, why) == (CONFIRMED, reason))
        metrics.unconfirmed.labels(reason=reason).set(found)
