"""Metrics are loaded as playbooks are: each mistake with its line and fix, all of them at once."""

import json
import re
import textwrap
from pathlib import Path

import jsonschema
import pytest
import yaml

from responder.evidence.loading import load_metrics, read_metrics
from responder.evidence.metric import Metric
from responder.evidence.verdict import Unknown
from responder.playbooks.json_schema import published, schema_of
from responder.playbooks.loading import read_playbooks
from responder.playbooks.queries import MATCHERS, WINDOW

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "rules" / "metrics"
SCHEMA = ROOT / "rules" / "metric.schema.json"
MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(schema_of(Metric))

EVERY_LABEL = ("campaign", "pool", "mailbox_provider", "segment", "tenant")


@pytest.mark.parametrize("file", MISTAKES, ids=lambda file: file.stem)
def test_every_mistake_is_told_with_its_place_and_fix(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    expected = [line[3:] for line in text.splitlines() if line.startswith("#= ")]
    loaded = read_metrics(text, file="FILE")
    assert [str(problem) for problem in loaded.problems] == expected
    assert len(loaded.metrics) < max(1, text.count("\nspec:"))


@pytest.mark.parametrize(
    "stem",
    ["measure-misspelt", "samples-zero", "window-missing", "key-misspelt", "kind-is-another"],
)
def test_an_editor_with_the_schema_sees_the_mistake_too(stem: str) -> None:
    text = (Path(__file__).parent / "mistakes" / f"{stem}.yaml").read_text(encoding="utf-8")
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


def test_the_shipped_metrics_load_together_without_any_problem() -> None:
    loaded = load_metrics(SHIPPED)
    assert not loaded.problems
    assert set(loaded.metrics) == {file.stem for file in SHIPPED.iterdir()}
    assert {metric.name for metric in loaded.known} == set(loaded.metrics)


@pytest.mark.parametrize("file", sorted(SHIPPED.iterdir()), ids=lambda file: file.stem)
def test_a_shipped_metric_is_explained_fits_the_schema_and_follows_the_incidents_labels(
    file: Path,
) -> None:
    text = file.read_text(encoding="utf-8")
    VALIDATOR.validate(yaml.safe_load(text))
    assert text.startswith("# yaml-language-server: $schema=../metric.schema.json\n#\n# ")
    (metric,) = read_metrics(text, file=file.name).metrics.values()
    spec = metric.spec
    assert spec.labels == EVERY_LABEL
    assert not metric.reference.labels
    for query in (spec.events, *((spec.total,) if spec.total else ())):
        assert query.uses(MATCHERS)
        assert query.uses(WINDOW)
        assert query.reach_seconds == 0


@pytest.mark.parametrize(
    ("name", "window", "samples", "events"),
    [
        ("bounce-rate", 3_600, 200, 20),
        ("bounce-rate-24h", 86_400, 1_000, 50),
        ("complaint-rate", 3_600, 200, 5),
        ("complaint-rate-24h", 86_400, 1_000, 10),
        ("deferral-rate", 900, 200, 100),
    ],
)
def test_the_guards_are_those_of_the_alerts(
    name: str, window: int, samples: int, events: int
) -> None:
    spec = load_metrics(SHIPPED).metrics[name].spec
    assert (spec.window.seconds, spec.minimum_samples, spec.minimum_events) == (
        *(window, samples, events),
    )


def test_the_published_schema_is_up_to_date() -> None:
    """If not: `responder check --print-metric-schema > rules/metric.schema.json`."""
    assert SCHEMA.read_text(encoding="utf-8") == published(Metric)
    jsonschema.Draft202012Validator.check_schema(json.loads(published(Metric)))


def test_a_folder_that_is_not_there_is_a_problem_and_nothing_raises(tmp_path: Path) -> None:
    (problem,) = load_metrics(tmp_path / "none").errors
    assert "can't be read" in str(problem)
    (problem,) = load_metrics(tmp_path).errors
    assert "holds no metric" in str(problem)


def test_mistakes_of_one_file_leave_the_others_metrics_and_change_the_digest(
    tmp_path: Path,
) -> None:
    good = (SHIPPED / "attempts.yaml").read_text(encoding="utf-8")
    (tmp_path / "attempts.yaml").write_text(good, encoding="utf-8")
    before = load_metrics(tmp_path)
    (tmp_path / "other.yaml").write_text(good.replace("15m", "15"), encoding="utf-8")
    after = load_metrics(tmp_path)
    assert set(after.metrics) == {"attempts"}
    assert len(after.errors) == 2  # its window, and the name that is taken
    assert before.digest != after.digest


def test_a_metric_without_a_name_is_called_like_its_file() -> None:
    text = (SHIPPED / "attempts.yaml").read_text(encoding="utf-8")
    nameless = text.replace("metadata:\n  name: attempts\n", "")
    assert set(read_metrics(nameless, file="folder/tries.yaml").metrics) == {"tries"}


PAGE = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
AROUND = """metadata: {name: around}
spec:
  matchers: [alertname="HighBounceRate"]
  holds: [{pause: {campaign: "{{ labels.campaign }}"}}]
"""


def test_the_examples_of_the_page_are_right() -> None:
    known = load_metrics(SHIPPED).known
    metrics = [text for text in EXAMPLES if "kind: Metric" in text]
    parts = [text for text in EXAMPLES if text.startswith("resume:")]
    assert (len(metrics), len(metrics) + len(parts)) == (1, len(EXAMPLES))
    for text in metrics:
        assert not read_metrics(text, file="example.yaml").problems
    for text in parts:
        playbook = AROUND + textwrap.indent(text, "  ")
        assert not read_playbooks(playbook, file="example.yaml", metrics=known).errors


def test_the_page_lists_every_metric_of_the_box_and_every_reason() -> None:
    for name in load_metrics(SHIPPED).metrics:
        assert f"`{name}`" in PAGE
    for reason in Unknown:
        assert reason in PAGE
