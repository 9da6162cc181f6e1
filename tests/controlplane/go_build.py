"""Builds a toolset into a cache outside the checkout: once per version, whole or not at all."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.controlplane.toolsets import Toolset

Say = Callable[[str], None]
_PROGRESS_EVERY_SECONDS = 10.0
_KEPT_ERROR_LINES = 30


class GoMissingError(RuntimeError):
    """There is nothing to build with on this machine."""


class BuildFailedError(RuntimeError):
    """Go was there, and refused."""


def cache_directory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "campaign-responder"


def build(toolset: Toolset, *, programs: frozenset[str], say: Say) -> Path:
    """Returns the folder that holds the programs, building it if it isn't there yet.

    Two test runs may ask at once: one builds, the other waits. A build that dies leaves nothing
    behind that looks like a finished one.
    """
    finished = cache_directory() / toolset.cache_key(programs)
    if finished.is_dir():
        return finished
    go = _go_command(toolset)
    finished.parent.mkdir(parents=True, exist_ok=True)
    with _locked(finished.with_name(f"{finished.name}.lock"), say=say):
        if finished.is_dir():
            return finished
        started = time.monotonic()
        say(f"{toolset.name}: building {', '.join(sorted(programs))} into {finished}")
        prefix = f".{finished.name}-"
        for killed in finished.parent.glob(
            f"{prefix}*"
        ):  # while it built: nobody else has the lock
            shutil.rmtree(killed)
        with tempfile.TemporaryDirectory(dir=finished.parent, prefix=prefix) as new:
            unfinished = Path(new) / "bin"
            unfinished.mkdir()
            _compile(toolset, go=go, programs=programs, into=unfinished, say=say)
            _copy_files(toolset, go=go, into=unfinished)
            unfinished.rename(finished)
        say(f"{toolset.name}: built in {time.monotonic() - started:.0f} s")
    return finished


def _go_command(toolset: Toolset) -> str:
    go = shutil.which("go")
    if go is None:
        wanted = next(
            line.split()[1]
            for line in (toolset.module_directory / "go.mod").read_text().splitlines()
            if line.startswith("go ")
        )
        raise GoMissingError(
            f"`go` is not on the PATH; Go {wanted} or newer is needed once, to build "
            f"{', '.join(sorted(toolset.packages))} for the tests. Install it from "
            "https://go.dev/dl/ or with your system's packages, then run this again."
        )
    return go


def _environment() -> dict[str, str]:
    # Go refuses to run without a home, and a container or a CI job may not have one.
    return {"HOME": str(Path.home()), **os.environ}


@contextlib.contextmanager
def _locked(path: Path, *, say: Say) -> Iterator[None]:
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is building {path.stem}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _compile(toolset: Toolset, *, go: str, programs: frozenset[str], into: Path, say: Say) -> None:
    """Each program by its own `go build -o`: only so does etcd's `server` get its own name.

    All packages are compiled by the first command that needs them; what is left for the others
    is linking.
    """
    for program in sorted(programs):
        command = [go, "build", "-v", *toolset.build_flags, "-o", str(into / program)]
        with subprocess.Popen(
            [*command, toolset.packages[program]],
            cwd=toolset.module_directory,
            env=_environment(),
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            tail = _report(process, program=f"{toolset.name}/{program}", say=say)
        if process.returncode != 0:
            raise BuildFailedError(
                f"{' '.join(process.args)!r} in {toolset.module_directory} "  # type: ignore[arg-type]
                f"ended with {process.returncode}:\n" + "\n".join(tail)
            )


def _report(process: subprocess.Popen[str], *, program: str, say: Say) -> list[str]:
    """Counts what `go build -v` names, for people who wait; returns the last lines."""
    assert process.stderr is not None
    tail: list[str] = []
    counts = {"modules downloaded": 0, "packages compiled": 0}
    started = said = time.monotonic()
    for line in process.stderr:
        tail = [*tail[1 - _KEPT_ERROR_LINES :], line.rstrip()]
        counts["modules downloaded" if "downloading" in line else "packages compiled"] += 1
        now = time.monotonic()
        if now - said >= _PROGRESS_EVERY_SECONDS:
            said = now
            done = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
            say(f"{program}: {now - started:.0f} s, {done}")
    return tail


def _copy_files(toolset: Toolset, *, go: str, into: Path) -> None:
    for name, source in toolset.copied.items():
        module, _, path = source.partition(":")
        directory = subprocess.run(
            [go, "list", "-m", "-f", "{{.Dir}}", module],
            cwd=toolset.module_directory,
            env=_environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        # Files of the module cache are read-only; a copy of their bytes is not.
        (into / name).write_bytes((Path(directory) / path).read_bytes())
