"""Promtool's unit tests of rules, run by the sandbox's evaluator instead."""

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from responder.sandbox.alerting.promql import Evaluation
from responder.sandbox.alerting.promql_syntax import parse
from responder.sandbox.alerting.promql_tokens import duration_ms
from responder.sandbox.alerting.promql_tree import Selector
from responder.sandbox.alerting.rule_files import Group, read_rules
from responder.sandbox.alerting.rules import AlertState, RuleGroup
from responder.sandbox.alerting.samples import NAME, Labels, Storage, labels_of

_ITEM = re.compile(
    r"(?P<none>_)(?:x(?P<gap>\d+))?|(?P<stale>stale)"
    r"|(?P<start>-?[\d.]+(?:e-?\d+)?)(?P<step>[-+][\d.]+(?:e-?\d+)?)?(?:x(?P<times>\d+))?"
)
RETENTION_MS = 10**12


def values_of(notation: str) -> Iterator[float | str | None]:
    """Promtool's series notation: None is no sample, "stale" a stale marker."""
    for item in notation.split():
        match = _ITEM.fullmatch(item)
        assert match, item
        if match["none"]:
            yield from itertools.repeat(None, int(match["gap"] or 1))
        elif match["stale"]:
            yield "stale"
        else:
            value, step = float(match["start"]), float(match["step"] or 0)
            for _ in range(int(match["times"] or 0) + 1):
                yield value
                value += step


def labels_in(text: str) -> Labels:
    """The labels of a series as a selector writes it."""
    if text in {"", "{}"}:
        return ()
    selector = parse(text)
    assert isinstance(selector, Selector)
    named = {matcher.name: matcher.value for matcher in selector.matchers}
    return labels_of({**named, NAME: selector.metric or ""})


def stored(storage: Storage, input_series: list[dict[str, Any]], *, step_ms: int) -> None:
    for series in input_series:
        labels = labels_in(series["series"])
        for index, value in enumerate(values_of(series["values"])):
            if isinstance(value, float):
                storage.append(labels, value, at_ms=index * step_ms)
            elif value == "stale":
                storage.end(labels, at_ms=index * step_ms)


def groups_of(file: Path, document: dict[str, Any]) -> list[Group]:
    groups = [
        group
        for name in document.get("rule_files", [])
        for group in read_rules((file.parent / name).read_text(), file=name).groups
    ]
    order = document.get("group_eval_order", [])
    rank = {name: index for index, name in enumerate(order)}
    return sorted(groups, key=lambda group: rank.get(group.name, len(order)))


def failures_of(file: Path) -> Iterator[str]:
    """Everything in which the evaluator differs from what the file expects."""
    # Texts stay texts, as in Go: to PyYAML the series `0x60` is a hexadecimal number.
    document = yaml.load(file.read_text(), Loader=yaml.BaseLoader)
    for case in document["tests"]:
        for failure in _case_failures(file, document, case):
            yield f"{case.get('name', '')}: {failure}"


def _case_failures(file: Path, document: dict[str, Any], case: dict[str, Any]) -> Iterator[str]:
    storage = Storage(retention_ms=RETENTION_MS)
    stored(storage, case["input_series"], step_ms=duration_ms(case["interval"]))
    groups = [RuleGroup(group) for group in groups_of(file, document)]
    every = duration_ms(document["evaluation_interval"])
    alert_tests = case.get("alert_rule_test", [])
    value_tests = case.get("promql_expr_test", [])
    last = max(duration_ms(test["eval_time"]) for test in (*alert_tests, *value_tests))
    for now in range(0, last + 1, every):
        for group in groups:
            group.evaluate(storage, now_ms=now)
        for test in alert_tests:
            if now <= duration_ms(test["eval_time"]) < now + every:
                yield from _alert_failures(test, groups)
    for test in value_tests:
        at = duration_ms(test["eval_time"])
        given = Evaluation(storage, at_ms=at).vector(parse(test["expr"]))
        wanted = {
            labels_in(one["labels"]): float(one["value"]) for one in test.get("exp_samples", [])
        }
        if given.keys() != wanted.keys() or any(
            not math.isclose(given[labels], wanted[labels], rel_tol=1e-12) for labels in wanted
        ):
            yield f"{test['expr']} at {test['eval_time']}: wanted {wanted}, got {given}"


def _alert_failures(test: dict[str, Any], groups: list[RuleGroup]) -> Iterator[str]:
    name = test["alertname"]
    given = sorted(
        (alert.labels, sorted(alert.annotations.items()))
        for group in groups
        for alert in group.alerts()
        if alert.state is AlertState.FIRING and dict(alert.labels)["alertname"] == name
    )
    expected = test.get("exp_alerts") or []
    labels = [labels_of({**one["exp_labels"], "alertname": name}) for one in expected]
    if [one[0] for one in given] != sorted(labels):
        yield f"{name} at {test['eval_time']}: wanted {labels}, got {given}"
        return
    for one, label in zip(expected, labels, strict=True):
        wanted = sorted(one.get("exp_annotations", {}).items())
        if wanted and (label, wanted) not in given:
            yield f"{name} at {test['eval_time']}: wanted {wanted}, got {given}"
