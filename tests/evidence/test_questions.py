"""What a playbook asks is bound to its incident, widens to nothing else, and survives storing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.errors import BadInput
from responder.evidence.loading import load_metrics, read_metrics
from responder.evidence.questions import NotAskable, Question, bind
from responder.evidence.verdict import Truth, Unknown
from responder.playbooks.resume import Evidence

METRICS = load_metrics(Path(__file__).parents[2] / "rules" / "metrics").metrics


def asked(**evidence: str | float) -> Evidence:
    return Evidence.model_validate(evidence)


def question(labels: dict[str, str], **evidence: str | float) -> Question:
    found = bind(asked(**evidence), labels, metrics=METRICS)
    assert isinstance(found, Question)
    return found


def refusal(labels: dict[str, str], **evidence: str | float) -> NotAskable:
    found = bind(asked(**evidence), labels, metrics=METRICS)
    assert isinstance(found, NotAskable)
    return found


def test_a_metric_is_about_the_labels_that_the_incident_has() -> None:
    found = question(
        {"mailbox_provider": "gmail", "pool": "bulk", "severity": "x"},
        metric="deferral-rate",
        max="10%",
    )
    selected = 'pool="bulk", mailbox_provider="gmail"'
    assert found.events.over(600) == f"sum(increase(mail_deferrals_total{{ {selected} }}[600s]))"
    assert found.total is not None
    assert found.total.over(600) == f"sum(increase(mail_attempts_total{{ {selected} }}[600s]))"
    assert (found.bound, found.threshold, found.window_seconds) == ("max", 0.1, 900)
    assert (found.minimum_samples, found.minimum_events) == (200, 100)


def test_a_window_of_the_playbook_goes_before_that_of_the_metric() -> None:
    assert question({"pool": "b"}, metric="attempts", min=1, window="2h").window_seconds == 7200


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({}, Unknown.MISSING_LABEL),
        ({"severity": "critical"}, Unknown.MISSING_LABEL),
        ({"campaign": ""}, Unknown.MISSING_LABEL),
        ({"campaign": "spring", "pool": ""}, Unknown.MISSING_LABEL),
        ({"campaign": "\ud800"}, Unknown.MISSING_LABEL),
    ],
)
def test_a_label_that_is_missing_never_widens_the_question(
    labels: dict[str, str], reason: Unknown
) -> None:
    assert refusal(labels, metric="bounce-rate", max="5%").reason is reason


def test_a_metric_that_is_gone_can_not_be_asked() -> None:
    gone = refusal({"campaign": "x"}, metric="gone", max=1)
    assert gone.reason is Unknown.UNKNOWN_METRIC
    assert (gone.finding.truth, gone.finding.message) == (Truth.UNKNOWN, gone.message)


def test_a_raw_query_is_bound_to_its_labels() -> None:
    found = question(
        {"campaign": 'a"b'},
        query='sum(increase(x{campaign="{{ labels.campaign }}"}[{{ window }}]))',
        window="15m",
        max=20,
    )
    assert found.events.over(60) == 'sum(increase(x{campaign="a\\"b"}[60s]))'
    assert (found.name, found.measure, found.window_seconds) == ("query", "value", 900)
    assert refusal({}, query='x{a="{{ labels.a }}"}').reason is Unknown.MISSING_LABEL


def test_a_metric_may_name_its_labels_otherwise_than_the_incident_does() -> None:
    text = """metadata: {name: kumo}
spec:
  measure: count
  window: 15m
  events: >-
    sum(increase(total_messages_transfail_by_provider{
    provider="{{ labels.mailbox_provider }}"}[{{ window }}]))
"""
    metrics = read_metrics(text, file="kumo.yaml").metrics
    found = bind(asked(metric="kumo", max=5), {"mailbox_provider": "gmail"}, metrics=metrics)
    assert isinstance(found, Question)
    assert 'provider="gmail"' in found.events.over(1)
    assert metrics["kumo"].reference.labels == {"mailbox_provider"}


@given(st.text(min_size=1, max_size=30))
def test_whatever_the_labels_hold_binding_does_not_raise_and_storing_loses_nothing(
    value: str,
) -> None:
    found = bind(asked(metric="bounce-rate", max="5%"), {"campaign": value}, metrics=METRICS)
    if isinstance(found, Question):
        assert Question.from_json(json.loads(json.dumps(found.to_json()))) == found


STORED: dict[str, Any] = question({"campaign": "x"}, metric="bounce-rate", max="5%").to_json()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"measure": "rate"}, "measure"),
        ({"bound": None}, ""),
        ({"total": None}, ""),
        ({"threshold": float("nan")}, "threshold"),
        ({"windowSeconds": -1}, "windowSeconds"),
        ({"events": {"texts": []}}, "events.texts"),
        ({"events": {"texts": "x"}}, "events.texts"),
        ({"events": {"texts": ["x"], "reachSeconds": -1}}, "events.reachSeconds"),
        ({"extra": 1}, "extra"),
        ({"name": None}, "name"),
    ],
)
def test_a_stored_question_is_read_as_strictly_as_a_strangers(
    changes: dict[str, Any], field: str
) -> None:
    given_ = {key: value for key, value in {**STORED, **changes}.items() if value is not None}
    with pytest.raises(BadInput) as raised:
        Question.from_json(given_)
    assert field in {problem.field for problem in raised.value.problems}
    with pytest.raises(BadInput):
        Question.from_json(None)


def test_each_measure_is_judged_in_its_own_way() -> None:
    labels = {"campaign": "x"}
    rate = question(labels, metric="bounce-rate", max="5%")
    assert rate.judge(0, 1000).truth is Truth.YES
    assert rate.judge(0, 199).reason is Unknown.TOO_FEW_SENDS
    blocks = question(labels, metric="block-count", max=5)
    assert blocks.judge(0, 10).reason is Unknown.TOO_FEW_SENDS
    assert blocks.judge(9, 10).truth is Truth.NO
    assert question(labels, metric="attempts", min=1).judge(0, None).truth is Truth.NO
    assert question(labels, query="x").judge(2, None).truth is Truth.YES
