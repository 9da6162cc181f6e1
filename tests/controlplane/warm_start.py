"""Starts `python -m responder` in some 50 ms instead of a second.

Most of a start is imports. One process has done them, and forks: its child goes on as a program
that was just started does, with its own session, standard streams, environment and arguments, and
with no other open file. It ends with the test run, as every child of ours.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.controlplane import dies_with_parent

RESPONDER = (sys.executable, "-m", "responder")
_FILES_AT_MOST = 4096
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["__main__", "responder.cli", __name__])


@dataclasses.dataclass(frozen=True, slots=True)
class Warm:
    """A child as `subprocess.Popen` has it, as far as the tests need one."""

    process: ForkServerProcess

    @classmethod
    def start(
        cls,
        arguments: Sequence[str],
        *,
        stdin: Path = Path(os.devnull),
        stdout: Path,
        stderr: Path,
        environment: Mapping[str, str] | None = None,
    ) -> "Warm":
        """`python -m responder ARGUMENT...`; output is appended to the files."""
        process = _context.Process(
            target=_become,
            args=(tuple(arguments), (stdin, stdout, stderr), dict(environment or os.environ)),
            daemon=True,
        )
        process.start()
        return cls(process)

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self.process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(RESPONDER, timeout or 0.0)
        return code

    def send_signal(self, sig: int, /) -> None:
        # It may have ended a moment ago, and not be told of yet.
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def begin(command: Sequence[str], log: Path) -> Warm:
    """For a `ServerProcess` whose command is `python -m responder ARGUMENT...`."""
    program, arguments = tuple(command[: len(RESPONDER)]), command[len(RESPONDER) :]
    if program != RESPONDER:
        raise ValueError(f"{program} is not {RESPONDER}")
    return Warm.start(arguments, stdout=log, stderr=log)


def run(
    *arguments: str,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
    within_seconds: float = 120.0,
) -> "subprocess.CompletedProcess[str]":
    """`subprocess.run` of `python -m responder ARGUMENT...`."""
    with tempfile.TemporaryDirectory(prefix="responder-") as folder:
        given, output, errors = (Path(folder) / name for name in ("stdin", "stdout", "stderr"))
        given.write_text(stdin)
        child = Warm.start(
            arguments, stdin=given, stdout=output, stderr=errors, environment=environment
        )
        try:
            code = child.wait(within_seconds)
        finally:
            child.kill()
        return subprocess.CompletedProcess(
            [*RESPONDER, *arguments], code, output.read_text(), errors.read_text()
        )


def _become(
    arguments: Sequence[str], streams: tuple[Path, Path, Path], environment: Mapping[str, str]
) -> None:
    """In the child: what exec, and then the interpreter, do before the first line."""
    os.setsid()
    dies_with_parent.tie(os.getppid())
    # What the fork brought along would also keep its parent alive when the test run is gone.
    sys.stdin.close()
    os.closerange(3, _FILES_AT_MOST)
    for number, path in enumerate(streams):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND if number else os.O_RDONLY
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["responder", *arguments]
    runpy.run_module("responder", run_name="__main__", alter_sys=True)
