"""A test whose programs can't be had is skipped on a laptop, and fails in CI."""

import dataclasses
from pathlib import Path

import pytest

from tests.controlplane.fixtures import require
from tests.controlplane.toolsets import ALERTMANAGER


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [
        pytest.param("", pytest.skip.Exception, id="laptop"),
        pytest.param("true", pytest.fail.Exception, id="CI"),
    ],
)
def test_without_go(
    ci: str,
    outcome: type[BaseException],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    # A copy, because what was found once is remembered per toolset.
    with pytest.raises(outcome, match="`go` is not on the PATH"):
        require(dataclasses.replace(ALERTMANAGER), pytestconfig)
