"""pytest plugin: the servers' logs of one test run, kept if it failed and removed if it didn't."""

import os
import shutil
import time
from pathlib import Path

import pytest

_DIRECTORY = pytest.StashKey[Path]()
_KEPT_RUNS = 5


def pytest_configure(config: pytest.Config) -> None:
    run = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    config.stash[_DIRECTORY] = config.rootpath / "tests" / ".logs" / run


def directory(config: pytest.Config) -> Path:
    """Where servers of this run write their logs; made when the first one does."""
    return config.stash[_DIRECTORY]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
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
