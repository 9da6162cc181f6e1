"""Programs are built once per version, whole or not at all; those that are there are used."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.controlplane import binaries, go_build
from tests.controlplane.go_build import BuildFailedError, GoMissingError, build
from tests.controlplane.toolsets import ALERTMANAGER, KUBERNETES

PROGRAMS = frozenset(ALERTMANAGER.packages)
BUILDS = """#!/bin/sh
echo "$@" >> "$CALLS"
while [ "$1" != -o ]; do shift; done
echo program > "$2"
"""
FAILS = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo half > "$2"
echo "main.go:1: no good" >&2
exit 2
"""
Go = Callable[[str], None]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def go(tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch) -> Go:
    """Puts a `go` on the PATH that is this script, and an empty cache behind it."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(binaries.ASSETS_VARIABLE, raising=False)

    def install(script: str) -> None:
        (folder / "go").write_text(script)
        (folder / "go").chmod(0o755)

    return install


def test_a_toolset_is_built_once_and_found_from_then_on(
    go: Go, calls: Path, said: list[str]
) -> None:
    go(BUILDS)
    first = build(ALERTMANAGER, programs=PROGRAMS, say=said.append)
    again = build(ALERTMANAGER, programs=PROGRAMS, say=said.append)
    assert first == again
    assert (first / "alertmanager").read_text() == "program\n"
    assert len(calls.read_text().splitlines()) == 1
    assert said[0].startswith("alertmanager: building alertmanager into ")
    assert len(said) == 2


def test_other_flags_are_another_build(go: Go, said: list[str]) -> None:
    go(BUILDS)
    one, other = (
        build(toolset, programs=PROGRAMS, say=said.append)
        for toolset in (ALERTMANAGER, dataclasses.replace(ALERTMANAGER, tags="other"))
    )
    assert one != other


def test_a_failed_build_says_what_go_said_and_leaves_nothing_that_looks_built(
    go: Go, said: list[str]
) -> None:
    go(FAILS)
    with pytest.raises(BuildFailedError, match=r"ended with 2:\nmain.go:1: no good"):
        build(ALERTMANAGER, programs=PROGRAMS, say=said.append)
    assert [path.suffix for path in go_build.cache_directory().iterdir()] == [".lock"]
    go(BUILDS)
    assert build(ALERTMANAGER, programs=PROGRAMS, say=said.append).is_dir()


def test_what_a_killed_build_left_is_removed_by_the_next(go: Go, said: list[str]) -> None:
    go(BUILDS)
    key = ALERTMANAGER.cache_key(PROGRAMS)
    left = go_build.cache_directory() / f".{key}-killed"
    left.mkdir(parents=True)
    finished = build(ALERTMANAGER, programs=PROGRAMS, say=said.append)
    assert {path.name for path in finished.parent.iterdir()} == {key, f"{key}.lock"}


def test_without_go_the_error_says_which_version_is_needed_and_for_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(GoMissingError, match=r"Go 1\.\d+.* to build alertmanager"):
        build(ALERTMANAGER, programs=PROGRAMS, say=said.append)


@pytest.mark.parametrize(
    ("present", "complaint"),
    [
        pytest.param({"etcd", "kube-apiserver", "kubectl"}, None, id="all-are-used"),
        pytest.param({"etcd", "kube-apiserver"}, "it lacks kubectl", id="else-none"),
        pytest.param(set(), "it lacks etcd, kube-apiserver, kubectl", id="empty-folder"),
    ],
)
def test_kubebuilder_assets_are_used_and_only_the_rest_is_built(
    go: Go,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    present: set[str],
    complaint: str | None,
) -> None:
    go(BUILDS)
    said: list[str] = []
    assets = tmp_path / "assets"
    assets.mkdir()
    for name in present:
        (assets / name).write_text("#!/bin/sh\necho Kubernetes v1.36.0\n")
        (assets / name).chmod(0o755)
    monkeypatch.setenv(binaries.ASSETS_VARIABLE, str(assets))
    toolset = dataclasses.replace(KUBERNETES, copied={})
    found = binaries.find_now(toolset, say=said.append)
    assert set(found) == set(KUBERNETES.packages)
    taken = {name for name, path in found.items() if path.parent == assets}
    assert taken == (set() if complaint else present)
    assert found["kwok"].read_text() == "program\n"
    assert (complaint or "building kube-controller-manager, kube-scheduler, kwok") in said[0]
