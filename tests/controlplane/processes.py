"""One child process with its log: it never outlives us, and says why when it ends early."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from tests.controlplane.eventually import eventually_blocking

_DIES_WITH_PARENT = Path(__file__).with_name("dies_with_parent.py")
_SHOWN_LOG_LINES = 25
_ENVIRONMENT = {"GOGC": "400", "GOMEMLIMIT": "1536MiB"}
"""Collected less often, an API server takes a fifth less time, for memory that is there: up to the
limit, beyond which it is collected as often as need be.
"""


def _running_threads(pid: int) -> Iterator[Path]:
    """The threads of a process that are not stopped; none where the system doesn't tell."""
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            if thread.read_text().rpartition(")")[2].split()[0] not in "TZX":
                yield thread


class EndedEarlyError(RuntimeError):
    """A server ended before it served; carries the end of its log."""


class Child(Protocol):
    """What a server process needs of `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def executed(command: Sequence[str], log: Path) -> Child:
    """Starts a program, as a shell would."""
    if threading.current_thread() is not threading.main_thread():
        # The kernel counts the death of the *thread* that started a child as its parent's.
        raise RuntimeError("start servers from the main thread, or they end with the other one")
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-ISs", _DIES_WITH_PARENT, str(os.getpid()), *command],
            env=_ENVIRONMENT | os.environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A Ctrl-C on the terminal is for pytest, which then ends its servers in order.
            start_new_session=True,
        )


@dataclasses.dataclass(slots=True)
class ServerProcess:
    """Started by `start`; may be stopped, killed and started again with the same arguments."""

    command: tuple[str, ...]
    log: Path
    begin: Callable[[Sequence[str], Path], Child] = executed
    _child: Child | None = None

    @classmethod
    def start(
        cls,
        command: Sequence[str | Path],
        *,
        log: Path,
        begin: Callable[[Sequence[str], Path], Child] = executed,
    ) -> "ServerProcess":
        server = cls(command=tuple(str(part) for part in command), log=log, begin=begin)
        server.start_again()
        return server

    def start_again(self) -> None:
        if self.running:
            raise RuntimeError(f"{self.name} is running already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._child = self.begin(self.command, self.log)

    @property
    def name(self) -> str:
        return self.log.stem

    @property
    def pid(self) -> int:
        return self._started.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Below zero for the signal that ended it; None while it runs."""
        return self._started.poll()

    def require_running(self) -> None:
        """Raises EndedEarlyError if it ended, whatever its exit code."""
        if not self.running:
            raise EndedEarlyError(
                f"{self.name} ended with {self._started.returncode}; the end of {self.log}:\n"
                + "\n".join(self.log.read_text(errors="replace").splitlines()[-_SHOWN_LOG_LINES:])
            )

    def suspend(self) -> None:
        """SIGSTOP: connections are still accepted by the kernel, and nothing is answered.

        Its threads stop one after the other; returns once all have.
        """
        self._started.send_signal(signal.SIGSTOP)
        eventually_blocking(lambda: not any(_running_threads(self.pid)), every_seconds=0.001)

    def resume(self) -> None:
        self._started.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, stopped or not, and waits until it is gone."""
        self._started.kill()
        self._started.wait()

    def terminate(self, *, within_seconds: float = 10.0) -> None:
        """SIGTERM; SIGKILL once the time is up."""
        self._started.terminate()
        try:
            self._started.wait(within_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def _started(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"{self.log.stem} was never started")
        return self._child
