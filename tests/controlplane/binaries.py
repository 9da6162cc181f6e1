"""Finds the programs that the tests need: in KUBEBUILDER_ASSETS, in the cache, or by building.

`python -m tests.controlplane.binaries` does it ahead of a test run.
"""

import argparse
import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.controlplane.go_build import BuildFailedError, GoMissingError, build
from tests.controlplane.toolsets import KUBERNETES_VERSION, TOOLSETS, Toolset

GO_IS_MISSING = 3
ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"
_ASSETS = frozenset({"etcd", "kube-apiserver", "kubectl"})
"""What setup-envtest installs. The controllers and kwok are never among it."""


def say_on_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a person waits for this


@functools.cache
def find(toolset: Toolset) -> dict[str, Path]:
    """Name to path of every program and file of the toolset. May take minutes, the first time.

    Raises:
        GoMissingError: something has to be built and there is no `go`.
        BuildFailedError: with the end of what `go build` said.

    """
    return find_now(toolset, say=say_on_stderr)


def find_now(toolset: Toolset, *, say: Callable[[str], None]) -> dict[str, Path]:
    """`find` that remembers nothing of earlier calls, nor of their environment."""
    found = _assets(say=say) if frozenset(toolset.packages) >= _ASSETS else {}
    missing = frozenset(toolset.packages) - frozenset(found)
    directory = build(toolset, programs=missing, say=say)
    return found | {name: directory / name for name in (*missing, *toolset.copied)}


def _assets(*, say: Callable[[str], None]) -> dict[str, Path]:
    """All of them or none: an API server with another etcd's or kubectl's version helps nobody."""
    directory = os.environ.get(ASSETS_VARIABLE)
    if not directory:
        return {}
    found = {name: Path(directory) / name for name in _ASSETS}
    absent = sorted(name for name, path in found.items() if not os.access(path, os.X_OK))
    if absent:
        say(f"{ASSETS_VARIABLE}={directory} is not used: it lacks {', '.join(absent)}")
        return {}
    answer = subprocess.run(
        [found["kube-apiserver"], "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if KUBERNETES_VERSION.rpartition(".")[0] not in answer:
        say(f"{ASSETS_VARIABLE} has {answer}: these tests are written for v{KUBERNETES_VERSION}")
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.controlplane.binaries",
        description="Find or build the programs of the tests, and say where they are.",
        epilog=f"Ends with {GO_IS_MISSING} if something has to be built and there is no Go.",
    )
    parser.add_argument("names", nargs="*", metavar="TOOLSET", help=f"of {', '.join(TOOLSETS)}")
    parser.add_argument("--path", metavar="PROGRAM", help="print this one's path, and nothing else")
    options = parser.parse_args(arguments)
    wanted = [
        toolset
        for name, toolset in TOOLSETS.items()
        if (options.path in toolset.packages if options.path else name in options.names)
    ] or ([] if options.path or options.names else list(TOOLSETS.values()))
    if not wanted:
        parser.error(f"unknown: {options.path or ' '.join(options.names)}")
    try:
        for toolset in wanted:
            found = find(toolset)
            if options.path:
                print(found[options.path])  # noqa: T201 - what was asked for
                continue
            for program in sorted(toolset.packages):
                say_on_stderr(f"{toolset.name}: {program} is {found[program]}")
    except GoMissingError as error:
        say_on_stderr(str(error))
        return GO_IS_MISSING
    except BuildFailedError as error:
        say_on_stderr(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
