"""`responder check` looks at playbooks and metrics together."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from responder.cli import app

ROOT = Path(__file__).parents[2]
PLAYBOOK = """spec:
  matchers: [alertname="HighBounceRate"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
  resume:
    check: {metric: NAME, max: 5%}
"""


def check(playbooks: Path, *more: str, name: str = "bounce-rate") -> tuple[int, str]:
    playbooks.mkdir(exist_ok=True)
    text = PLAYBOOK.replace("NAME", name)
    (playbooks / "bounces.yaml").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(playbooks), *more])
    return result.exit_code, result.output


def test_a_metric_that_a_playbook_names_is_looked_up_in_the_usual_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    code, told = check(tmp_path / "books")
    assert code == 0
    assert "8 metric(s), 0 mistake(s)\n1 playbook(s), 0 mistake(s)" in told
    code, told = check(tmp_path / "books", name="bounce-rat")
    assert code == 1
    assert "bounces.yaml:6: spec.resume.check.metric: the metric 'bounce-rat' is unknown" in told
    assert "did you mean `bounce-rate`?" in told


def test_without_a_folder_of_ones_own_there_are_those_of_the_box(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = check(tmp_path / "books")
    assert code == 0
    assert "8 metric(s), 0 mistake(s)" in told


def test_a_folder_without_metrics_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    code, told = check(tmp_path / "books", "--metrics", str(tmp_path / "none"))
    assert code == 1
    assert "holds no metric; put *.yaml files into it" in told


def test_a_mistake_in_a_metric_is_told_and_the_metric_is_not_unknown(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    text = (ROOT / "rules" / "metrics" / "bounce-rate.yaml").read_text(encoding="utf-8")
    (metrics / "bounce-rate.yaml").write_text(text.replace("1h", "1"), encoding="utf-8")
    code, told = check(tmp_path / "books", "--metrics", str(metrics))
    assert code == 1
    assert "spec.window: a duration needs a unit" in told
    assert "unknown" not in told
    code, told = check(tmp_path / "books", "--metrics", str(tmp_path / "none"))
    assert code == 1
    assert "can't be read" in told


@pytest.mark.parametrize(("flag", "title"), [("schema", "Playbook"), ("metric-schema", "Metric")])
def test_the_schemas_are_printed(flag: str, title: str) -> None:
    result = CliRunner().invoke(app, ["check", f"--print-{flag}"])
    assert f'"title": "{title}"' in result.output
