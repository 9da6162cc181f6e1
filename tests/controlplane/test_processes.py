"""Servers never outlive the tests, and say why when they end early."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.processes import EndedEarlyError, ServerProcess

SLEEPS = (sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()")
PARENT = f"""
import signal, sys
from pathlib import Path
from tests.controlplane.processes import ServerProcess
server = ServerProcess.start({SLEEPS!r}, log=Path(sys.argv[1]))
while not server.log.read_text():
    pass
if sys.argv[2] == "stopped":
    server.suspend()
print(server.pid, flush=True)
signal.pause()
"""


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"  # a zombie has ended


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_server_ends_with_a_parent_that_was_killed(tmp_path: Path, state: str) -> None:
    ends_with_its_parent(PARENT, str(tmp_path / "server.log"), state)


def ends_with_its_parent(program: str, *arguments: str) -> None:
    """The child whose process id the program prints is gone soon after the program is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        os.kill(parent.pid, signal.SIGKILL)
    eventually_blocking(lambda: not is_alive(child), within_seconds=10)


def test_a_server_that_ends_shows_the_end_of_its_log(tmp_path: Path) -> None:
    server = ServerProcess.start(
        (sys.executable, "-c", "raise SystemExit('no such flag')"), log=tmp_path / "server.log"
    )
    eventually_blocking(lambda: not server.running)
    with pytest.raises(EndedEarlyError, match="ended with 1") as raised:
        server.require_running()
    assert str(raised.value).endswith("no such flag")


def test_a_server_is_stopped_by_its_own_handler_or_killed_when_that_takes_too_long(
    tmp_path: Path,
) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "
    for program, ended_with in (
        (SLEEPS[2], -signal.SIGTERM),
        (f"{deaf} signal.pause()", -signal.SIGKILL),
    ):
        log = tmp_path / f"{ended_with}.log"
        server = ServerProcess.start((sys.executable, "-c", program), log=log)
        eventually_blocking(log.read_text)
        server.terminate(within_seconds=0.3)
        with pytest.raises(EndedEarlyError, match=f"ended with {ended_with}"):
            server.require_running()
