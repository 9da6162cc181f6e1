"""A metric that a playbook names is there, and can be asked about its incidents."""

import pytest

from responder.playbooks.loading import read_playbooks
from responder.playbooks.references import KnownMetric

METRICS = (
    KnownMetric("bounce-rate", selectors=frozenset({"campaign", "pool"})),
    KnownMetric("queue-age", labels=frozenset({"pool", "mta"})),
    KnownMetric("attempts"),
)
EITHER = "`campaign` or `pool`"
FIX = "add it to `incidentPer`, or ask for another metric"
PLAYBOOK = """metadata: {name: bounces}
spec:
  matchers: [alertname="HighBounceRate"]
  incidentPer: [LABELS]
  holds:
    - pause: {campaign: spring}
  escalate:
    - when: {metric: NAME, min: 10%, for: 5m}
      holds: [{pause: {pool: bulk}}]
  resume:
    check: {metric: NAME, max: 5%}
"""


def told(name: str, *, labels: str = "campaign") -> list[str]:
    text = PLAYBOOK.replace("NAME", name).replace("LABELS", labels)
    return [str(problem) for problem in read_playbooks(text, file="F", metrics=METRICS).errors]


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("bounce-rate", "campaign"),
        ("bounce-rate", "tenant, pool"),
        ("queue-age", "pool, mta"),
        ("attempts", "x"),
    ],
)
def test_a_known_metric_that_the_labels_suffice_for_is_no_mistake(name: str, labels: str) -> None:
    assert told(name, labels=labels) == []


@pytest.mark.parametrize(
    ("name", "labels", "mistake"),
    [
        (
            "bounce-rte",
            "campaign",
            "the metric 'bounce-rte' is unknown; did you mean `bounce-rate`?",
        ),
        ("x", "campaign", "the metric 'x' is unknown; there are bounce-rate, queue-age, attempts"),
        ("bounce-rate", "segment", f"`bounce-rate` needs one of the labels {EITHER}; {FIX}"),
        ("queue-age", "pool", f"`queue-age` needs the label `mta`; {FIX}"),
    ],
)
def test_the_mistake_is_told_at_each_place(name: str, labels: str, mistake: str) -> None:
    assert told(name, labels=labels) == [
        f"F:8: spec.escalate[0].when.metric: {mistake}",
        f"F:11: spec.resume.check.metric: {mistake}",
    ]


def test_no_metrics_at_all_are_told_as_such_and_not_asking_tells_nothing() -> None:
    text = PLAYBOOK.replace("NAME", "x").replace("LABELS", "campaign")
    errors = read_playbooks(text, file="F", metrics=()).errors
    assert [problem.fix for problem in errors] == ["there are none", "there are none"]
    assert not read_playbooks(text, file="F").errors


def test_a_playbook_with_other_mistakes_still_hears_of_its_unknown_metric() -> None:
    text = PLAYBOOK.replace("NAME", "x").replace("LABELS", "campaign") + "  mode: atuo\n"
    told_fields = {each.field for each in read_playbooks(text, file="F", metrics=METRICS).errors}
    assert told_fields == {"spec.mode", "spec.escalate[0].when.metric", "spec.resume.check.metric"}
