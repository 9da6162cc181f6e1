"""A check that waits for ever: over what is sent, while nothing is, and with no step to begin with.

A warning, for a playbook that a person releases by hand may well be meant so.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from responder.errors import Problem
from responder.playbooks.references import KnownMetric
from responder.playbooks.resume import Evidence
from responder.playbooks.schema import Playbook
from responder.playbooks.verbs import Pause

_SENT: Final = re.compile(r"\bmail_(attempts|delivered)_total\b")
_LABELS: Final = (
    ("campaign", "campaign"),
    ("pool", "pool"),
    ("segment", "segment"),
    ("provider", "mailbox_provider"),
)
"""What a pause names, and the label by which a metric is about that alone."""


def waits_for_ever(playbook: Playbook, metrics: Mapping[str, KnownMetric]) -> Problem | None:
    """Warn of a check that has no answer while the playbook's own holds stand."""
    policy = playbook.resume_policy
    if policy.check is None or policy.steps:
        return None
    about = _about(policy.check, playbook, metrics)
    if about is None:
        return None
    for paused in _pauses(playbook):
        if paused.keys() <= about:
            what = " at ".join(paused.values())
            return Problem(
                f"asks about what is sent, and while the {what} is paused nothing is: it stays "
                "unknown, and what is held is given back by hand only",
                field="spec.resume.check",
                fix="add `steps: [10%, 50%]`, the first of which opens without it, or ask about "
                "something that is there while nothing is sent",
                severity="warning",
            )
    return None


def _about(
    check: Evidence, playbook: Playbook, metrics: Mapping[str, KnownMetric]
) -> frozenset[str] | None:
    """Give the labels by which a check selects what was sent; None where it asks of no such."""
    if check.query is not None:
        return frozenset(check.query.labels) if _SENT.search(check.query.text) else None
    metric = metrics.get(check.metric or "")
    if metric is None or not metric.needs_sends:
        return None
    return metric.labels | (metric.selectors & frozenset(playbook.identity_labels))


def _pauses(playbook: Playbook) -> Iterator[dict[str, str]]:
    """Give what is paused, at whatever stage: the labels of it, each with its word."""
    spec = playbook.spec
    for hold in (*spec.holds, *(hold for stage in spec.escalate for hold in stage.holds)):
        verb = hold.verb
        if isinstance(verb, Pause):
            yield {
                label: word.replace("provider", "mailbox provider")
                for word, label in _LABELS
                if getattr(verb, word) is not None
            }
