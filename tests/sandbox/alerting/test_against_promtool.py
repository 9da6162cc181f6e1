"""The evaluator computes what the real Prometheus does: promtool judges hundreds of cases."""

import math
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from responder.errors import BadInput
from responder.sandbox.alerting.promql import Evaluation
from responder.sandbox.alerting.promql_syntax import parse
from responder.sandbox.alerting.samples import NAME, Labels, Storage
from tests.controlplane.binaries import find
from tests.controlplane.go_build import GoMissingError
from tests.controlplane.toolsets import PROMETHEUS
from tests.sandbox.alerting.promtool_files import RETENTION_MS, stored

WORLDS = 80
EXPRESSIONS = 25
STEP_SECONDS = 15
LENGTH = 80


@pytest.fixture(scope="module")
def promtool() -> Path:
    try:
        return find(PROMETHEUS)["promtool"]
    except GoMissingError as error:
        pytest.skip(str(error))


def series_of(dice: random.Random) -> list[dict[str, str]]:
    told = []
    for name in ("sent_total", "failed_total", "gauge"):
        for campaign in ("a", "b", "c"):
            for pod in ("x", "y"):
                if dice.random() < 0.25:
                    continue
                labels = f'{name}{{campaign="{campaign}", pod="{pod}"}}'
                told.append({"series": labels, "values": _values(name, dice)})
    return [*told, {"series": 'probe{ip="1", rbl="z"}', "values": f"1x{LENGTH}"}]


def _values(name: str, dice: random.Random) -> str:
    value, items = float(dice.choice([0, 0, 3, 250])), []
    for _ in range(LENGTH):
        luck = dice.random()
        if luck < 0.06:
            items.append(dice.choice(["_", "_x7", "_x25", "stale"]))
            continue
        if name == "gauge":
            value = dice.choice([0.0, 1.0, -2.5, dice.uniform(-9, 9)])
        elif luck < 0.09:
            value = float(dice.randrange(3))
        else:
            value += dice.choice([0, 1, 7, dice.uniform(0, 30)])
        items.append(repr(value))
    return " ".join(items)


def _selector(dice: random.Random) -> str:
    name = dice.choice(["sent_total", "failed_total", "gauge", "nothing"])
    matchers = dice.choice(
        ["", "", '{campaign="a"}', '{campaign!="b"}', '{campaign=~"a|c"}', '{pod!~"x.*"}',
         '{campaign="a", pod="x"}', '{none=""}']
    )  # fmt: skip
    return name + matchers


def _relabelled(dice: random.Random, inner: str) -> str:
    target, source = (dice.choice(["pod", "campaign", "new", "none"]) for _ in range(2))
    pattern = dice.choice(["", "a", "(a|b)(.*)", ".*", "(?P<name>.+)", "(x)|y", "a$"])
    template = dice.choice(["", "is", "$1", "${1}-$2", "$name", "$$1", "$9", "$", "$1x"])
    return f'label_replace({inner}, "{target}", "{template}", "{source}", "{pattern}")'


def _vector(dice: random.Random, depth: int) -> str:  # noqa: C901, PLR0911 -- one a shape
    if depth <= 0 or dice.random() < 0.15:
        offset = dice.choice(["", "", "", " offset 2m", " offset 45s"])
        window = dice.choice(["20s", "1m", "2m", "5m", "90s", "15m", "100ms"])
        function = dice.choice(["increase", "rate", "count_over_time", "last_over_time"])
        selector = _selector(dice)
        return dice.choice([f"{selector}{offset}", f"{function}({selector}[{window}]{offset})"])
    inner = _vector(dice, depth - 1)
    other = _vector(dice, depth - 1)
    number = dice.choice(["0", "1", "2.5", "-3", "50", "0.05", "1e3"])
    match dice.randrange(10):
        case 0:
            by = dice.choice(["by (campaign)", "by (pod)", "by ()", "without (pod)", ""])
            return f"{dice.choice(['sum', 'max', 'min', 'count'])} {by} ({inner})"
        case 1:
            return f"{dice.choice(['sqrt', 'abs', 'absent', 'round'])}({inner})"
        case 2:
            return f"{dice.choice(['clamp_max', 'clamp_min', 'round'])}({inner}, {number})"
        case 3:
            # Go's and libm's powers differ in the last digit: only the square is exact in both.
            sign = dice.choice(["+", "-", "*", "/", "%", "^"])
            return f"({inner}) {sign} {'2' if sign == '^' else number}"
        case 4:
            sign = dice.choice(["<", "<=", ">", ">=", "==", "!=", "> bool", "<= bool"])
            return dice.choice([f"({inner}) {sign} {number}", f"{number} {sign} ({inner})"])
        case 5:
            on = dice.choice(["", "", "on (campaign)", "on ()", "ignoring (pod)"])
            return f"({inner}) {dice.choice(['and', 'or', 'unless'])} {on} ({other})"
        case 6:
            sign = dice.choice(["+", "-", "*", "/", ">", "<=", "== bool", "!="])
            on = dice.choice(["", "", "on (campaign, pod)", "ignoring (nothing)", "on (campaign)"])
            return f"({inner}) {sign} {on} ({other})"
        case 7:
            return f"-({inner})"
        case 8:
            return _relabelled(dice, inner)
        case _:
            return f"sum by (campaign) ({inner}) / sum by (campaign) ({other})"


def told_labels(labels: Labels) -> str:
    named = dict(labels)
    metric = named.pop(NAME, "")
    inside = ", ".join(f'{name}="{value}"' for name, value in named.items())
    return f"{metric}{{{inside}}}"


def _world(seed: int) -> tuple[dict[str, Any], int]:
    dice = random.Random(seed)
    series = series_of(dice)
    storage = Storage(retention_ms=RETENTION_MS)
    stored(storage, series, step_ms=STEP_SECONDS * 1000)
    cases: list[dict[str, Any]] = []
    told = 0
    while len(cases) < EXPRESSIONS:
        expression = _vector(dice, dice.randrange(4))
        at = dice.randrange(LENGTH * STEP_SECONDS + 400)
        try:
            found = Evaluation(storage, at_ms=at * 1000).vector(parse(expression))
            if any(math.isnan(value) for value in found.values()):
                # To promtool NaN differs from NaN; compared with itself, it must vanish.
                expression = f"({expression}) == ({expression})"
                found = Evaluation(storage, at_ms=at * 1000).vector(parse(expression))
        except BadInput:
            continue  # many to many, or a name: refused by both, and no unit test can say so
        samples = [
            {"labels": told_labels(labels), "value": value} for labels, value in found.items()
        ]
        told += len(samples)
        cases.append({"expr": expression, "eval_time": f"{at}s", "exp_samples": samples})
    world = {
        "name": f"seed {seed}",
        "interval": f"{STEP_SECONDS}s",
        "input_series": series,
        "promql_expr_test": cases,
    }
    return world, told


def test_promtool_agrees_with_every_computed_value(promtool: Path, tmp_path: Path) -> None:
    worlds, told = zip(*(_world(seed) for seed in range(WORLDS)), strict=True)
    assert sum(told) > WORLDS * EXPRESSIONS  # most expressions give something
    file = tmp_path / "differential.yaml"
    # Promtool stores samples up to the last evaluation only, so it must evaluate at every one.
    document = {
        "evaluation_interval": f"{STEP_SECONDS}s",
        "fuzzy_compare": True,
        "tests": list(worlds),
    }
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    answer = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False, timeout=120
    )
    said = answer.stdout + answer.stderr
    assert answer.returncode == 0, re.sub(r"\n\s*\n", "\n", said)[:6000]
