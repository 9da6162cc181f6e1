"""pytest plugin: the servers' logs of one test run, kept if it failed and removed if it didn't.

Each worker of a run that is shared out has a folder of its own in that of the run.
"""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

_DIRECTORY = pytest.StashKey[Path]()
_KEPT_RUNS = 5


def pytest_configure(config: pytest.Config) -> None:
    run = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    given = _of_worker(config)
    config.stash[_DIRECTORY] = (
        Path(given["logs"]) / given["workerid"]
        if given
        else config.rootpath / "tests" / ".logs" / run
    )


def _of_worker(config: pytest.Config) -> dict[str, str]:
    """What a worker was told at its start; nothing in any other process."""
    given: dict[str, str] = getattr(config, "workerinput", {})
    return given


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 -- of pytest-xdist, which has no types
    """In the process that shares out the tests, for each worker before its start."""
    node.workerinput["logs"] = str(directory(node.config))


def directory(config: pytest.Config) -> Path:
    """Where servers of this run write their logs; made when the first one does."""
    return config.stash[_DIRECTORY]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _of_worker(session.config):
        return
    mine = directory(session.config)
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        shutil.rmtree(mine, ignore_errors=True)
    elif mine.exists():
        for old in sorted(mine.parent.iterdir())[:-_KEPT_RUNS]:
            shutil.rmtree(old, ignore_errors=True)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if directory(config).exists():
        terminalreporter.write_line(f"Logs of the servers of this run: {directory(config)}")
