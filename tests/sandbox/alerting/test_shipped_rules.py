"""The evaluator agrees with promtool about every test of the shipped rules."""

from pathlib import Path

import pytest

from responder.sandbox.alerting.rule_files import load_rules
from tests.sandbox.alerting.promtool_files import failures_of

ALERTS = Path(__file__).parents[3] / "rules" / "alerts"
FILES = sorted((ALERTS / "tests").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_promtool_tests_of_the_shipped_rules_pass(file: Path) -> None:
    assert list(failures_of(file)) == []


def test_every_shipped_rule_is_read() -> None:
    rules = load_rules(ALERTS)
    assert len(rules.groups) == len({group.name for group in rules.groups}) == 7
