"""Rules become pending, fire and end when Prometheus' do: promtool judges random ones."""

import random
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from responder.sandbox.alerting.promql import Evaluation
from responder.sandbox.alerting.promql_syntax import parse
from responder.sandbox.alerting.rule_files import read_rules
from responder.sandbox.alerting.rules import RuleGroup
from responder.sandbox.alerting.samples import Storage
from tests.sandbox.alerting.promtool_files import RETENTION_MS, stored
from tests.sandbox.alerting.test_against_promtool import (
    LENGTH,
    STEP_SECONDS,
    promtool,
    series_of,
    told_labels,
)

__all__ = ["promtool"]
RULES = 12
WORLDS = 12
QUERIES = 20


def _rule(number: int, dice: random.Random) -> dict[str, Any]:
    window = dice.choice(["1m", "2m", "5m"])
    expression = dice.choice(
        [
            f"increase(sent_total[{window}]) > {dice.randrange(60)}",
            f"sum by (campaign) (increase(failed_total[{window}])) > {dice.randrange(90)}",
            f"gauge > {dice.choice([-1, 0, 1])}",
            'absent(gauge{campaign="a", pod="x"})',
            f"rate(sent_total[{window}]) unless failed_total > 50",
        ]
    )
    if dice.random() < 0.3:
        return {"record": f"recorded:{number}", "expr": expression, "labels": {"of": "it"}}
    rule: dict[str, Any] = {"alert": f"Alert{number}", "expr": expression}
    if dice.random() < 0.7:
        rule["for"] = dice.choice(["15s", "30s", "1m", "100s", "5m"])
    if dice.random() < 0.5:
        rule["keep_firing_for"] = dice.choice(["15s", "45s", "2m"])
    rule["labels"] = {"severity": dice.choice(["critical", "of {{ $labels.campaign }}"])}
    return rule


def _world(seed: int, rules: str) -> dict[str, Any]:
    dice = random.Random(seed)
    series = series_of(dice)
    storage = Storage(retention_ms=RETENTION_MS)
    stored(storage, series, step_ms=STEP_SECONDS * 1000)
    groups = [RuleGroup(group) for group in read_rules(rules, file="rules").groups]
    cases = []
    times = sorted(dice.randrange(LENGTH + 20) * STEP_SECONDS for _ in range(QUERIES))
    for second in range(0, times[-1] + 1, STEP_SECONDS):
        for group in groups:
            group.evaluate(storage, now_ms=second * 1000)
    for second in times:
        query = dice.choice(["ALERTS", "ALERTS_FOR_STATE", '{__name__=~"recorded:.*"}'])
        found = Evaluation(storage, at_ms=second * 1000).vector(parse(query))
        samples = [
            {"labels": told_labels(labels), "value": value} for labels, value in found.items()
        ]
        cases.append({"expr": query, "eval_time": f"{second}s", "exp_samples": samples})
    return {
        "name": f"seed {seed}",
        "interval": f"{STEP_SECONDS}s",
        "input_series": series,
        "promql_expr_test": cases,
    }


def test_promtool_agrees_about_every_state_of_every_alert(promtool: Path, tmp_path: Path) -> None:
    dice = random.Random(7)
    rules = yaml.safe_dump(
        {"groups": [{"name": "g", "rules": [_rule(number, dice) for number in range(RULES)]}]}
    )
    (tmp_path / "rules.yaml").write_text(rules)
    worlds = [_world(seed, rules) for seed in range(WORLDS)]
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": f"{STEP_SECONDS}s",
        "fuzzy_compare": True,
        "tests": worlds,
    }
    told = [len(case["exp_samples"]) for world in worlds for case in world["promql_expr_test"]]
    assert sum(told) > 1000
    file = tmp_path / "differential.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    answer = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False, timeout=120
    )
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, re.sub(r"\n\s*\n", "\n", said)[:6000]
