import pytest

from responder.errors import BadInput
from responder.sandbox.alerting.rule_files import read_rules, scaled, written
from responder.sandbox.alerting.rules import AlertState, RuleSet
from responder.sandbox.alerting.samples import NAME, Storage, labels_of
from responder.sandbox.alerting.templates import render

RULES = """
groups:
  - name: g
    interval: 1s
    rules:
      - alert: High
        expr: level > 5
        for: 3s
        keep_firing_for: 2s
        labels: {severity: "{{ $labels.pod }}"}
        annotations: {summary: "{{ $value }}"}
"""
LEVEL = labels_of({NAME: "level", "pod": "a"})


def test_an_alert_is_pending_fires_keeps_firing_and_is_over() -> None:
    storage, rules = Storage(retention_ms=100_000), RuleSet(read_rules(RULES, file="r"))
    seen = []
    for second, level in enumerate([1, 9, 9, 9, 8, 1, 1, 1, 9]):
        storage.append(LEVEL, level, at_ms=second * 1000)
        rules.evaluate(storage, now_ms=second * 1000)
        seen.append([alert.state for alert in rules.alerts()])
    pending, firing, over = AlertState.PENDING, AlertState.FIRING, AlertState.INACTIVE
    assert seen == [
        [], [pending], [pending], [pending], [firing], [firing], [firing], [over], [pending],
    ]  # fmt: skip


def test_the_labels_and_annotations_are_rendered() -> None:
    storage, rules = Storage(retention_ms=100_000), RuleSet(read_rules(RULES, file="r"))
    storage.append(LEVEL, 9, at_ms=0)
    rules.evaluate(storage, now_ms=0)
    (alert,) = rules.alerts()
    assert dict(alert.labels) == {"alertname": "High", "pod": "a", "severity": "a"}
    assert alert.annotations == {"summary": "9"}


def test_every_duration_is_shortened_and_can_be_written() -> None:
    shortened = scaled(read_rules(RULES, file="r"), speed=10)
    group = shortened.groups[0]
    assert (group.interval_ms, group.rules[0].for_ms, group.rules[0].keep_firing_for_ms) == (
        100,
        300,
        200,
    )
    assert read_rules(written(shortened), file="r") == shortened


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: foo(x)\n", "r:5: groups.0.rules.0"),
        ("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: x\n    for: soon\n", "r:6: "),
        ("groups:\n- name: a\n  rules:\n  - expr: x\n", "r:4: "),
        ("groups:\n- name: a\n  color: red\n  rules: []\n", "r:3: "),
        ("groups: [\n", "r:2: is no YAML"),
    ],
    ids=["expression", "duration", "neither", "unknown", "yaml"],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(text: str, place: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_rules(text, file="r")
    assert place in str(caught.value)


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("{{ $value | humanizePercentage }}", 0.0636123, "6.361%"),
        ("{{ $value | humanizeDuration }}", 3600, "1h 0m 0s"),
        ("{{ humanizeDuration $value }}", 0.25, "250ms"),
        ('{{ printf "%.0f" $value }}', 29.6, "30"),
        ("{{ with $labels.pool }}of {{ . }}{{ else }}alone{{ end }}", 0, "of bulk"),
        ("{{ with $labels.none }}of {{ . }}{{ else }}alone{{ end }}", 0, "alone"),
        ('{{ or $labels.none "a list" }}', 0, "a list"),
        ("a {{- if $labels.pool }} b{{ end -}} c", 0, "a bc"),
    ],
)
def test_templates(template: str, value: float, text: str) -> None:
    assert render(template, labels={"pool": "bulk"}, value=value) == text


@pytest.mark.parametrize(
    "template", ["{{ query 1 }}", "{{ if $value }}", "{{ range . }}", "{{ ? }}"]
)
def test_an_unknown_template_is_refused(template: str) -> None:
    with pytest.raises(BadInput):
        render(template, labels={}, value=1)
