"""The servers' logs of a run stay where it failed, and only there."""

from pathlib import Path

import pytest

PLUGINS = ("-p", "tests.controlplane.run_logs", "-p", "no:cacheprovider")
TEST = """
from tests.controlplane import run_logs

def test_it(request):
    logs = run_logs.directory(request.config)
    logs.mkdir(parents=True)
    (logs / "server.log").write_text("said")
    assert {outcome}
"""


@pytest.fixture(autouse=True)
def _the_plugin_is_importable(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    monkeypatch.setenv("PYTHONPATH", str(pytestconfig.rootpath))


def kept(pytester: pytest.Pytester) -> list[Path]:
    return list((pytester.path / "tests" / ".logs").glob("*/server.log"))


def test_logs_of_a_failed_run_are_kept_and_their_path_is_printed(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(TEST.format(outcome=False))
    result = pytester.runpytest_subprocess(*PLUGINS)
    (log,) = kept(pytester)
    result.stdout.fnmatch_lines([f"Logs of the servers of this run: {log.parent}"])


def test_logs_of_a_run_without_failures_are_removed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST.format(outcome=True))
    result = pytester.runpytest_subprocess(*PLUGINS)
    result.assert_outcomes(passed=1)
    assert not kept(pytester)


def test_only_the_newest_runs_are_kept(pytester: pytest.Pytester) -> None:
    for day in range(8):
        old = pytester.path / "tests" / ".logs" / f"2020010{day}-000000-1"
        old.mkdir(parents=True)
        (old / "server.log").write_text("old")
    pytester.makepyfile(TEST.format(outcome=False))
    pytester.runpytest_subprocess(*PLUGINS)
    runs = sorted(path.parent.name for path in kept(pytester))
    assert runs[:4] == [f"2020010{day}-000000-1" for day in range(4, 8)]
    assert len(runs) == 5


def test_logs_of_workers_are_in_the_folder_of_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_a=TEST.format(outcome=True), test_b=TEST.format(outcome=False))
    result = pytester.runpytest_subprocess(*PLUGINS, "-n2", "--dist=loadfile")
    first, second = sorted((pytester.path / "tests" / ".logs").glob("*/*/server.log"))
    assert [log.parent.name for log in (first, second)] == ["gw0", "gw1"]
    run = first.parents[1]
    assert run == second.parents[1]
    result.stdout.fnmatch_lines([f"Logs of the servers of this run: {run}"])
