"""A warm start of the responder can't be told from a cold one, except by its time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane import warm_start
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.processes import ServerProcess
from tests.controlplane.test_processes import ends_with_its_parent

PLAYBOOKS = str(Path(__file__).parents[2] / "rules" / "playbooks")
COMMANDS = {
    "standard input": ("plan", "--payload=-", f"--playbooks={PLAYBOOKS}"),
    "environment": ("serve",),
    "no such option": ("serve", "--nowhere"),
}
PARENT = """
import signal, sys
from pathlib import Path
from tests.controlplane import warm_start
log = Path(sys.argv[1])
child = warm_start.Warm.start(("plan", "--payload=" + sys.argv[2]), stdout=log, stderr=log)
print(child.pid, flush=True)
signal.pause()
"""


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_it_says_and_returns_what_a_cold_one_does(arguments: tuple[str, ...]) -> None:
    environment = {**os.environ, "RESPONDER_LISTEN": "nowhere"}
    given = '{"text": "no notification"}'
    warm = warm_start.run(*arguments, stdin=given, environment=environment)
    cold = subprocess.run(
        [*warm_start.RESPONDER, *arguments],
        input=given,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (warm.returncode, warm.stdout, warm.stderr) == (
        cold.returncode,
        cold.stdout,
        cold.stderr,
    )
    assert warm.stdout or warm.stderr


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A file that a command waits for without end."""
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP])
def test_it_is_signalled_like_any_child(number: signal.Signals, fifo: Path) -> None:
    command = (*warm_start.RESPONDER, "plan", f"--payload={fifo}")
    server = ServerProcess.start(command, log=fifo.with_name("log"), begin=warm_start.begin)
    assert server.running
    os.kill(server.pid, number)
    if number == signal.SIGSTOP:
        assert server.exit_code is None
        server.kill()
        number = signal.SIGKILL
    eventually_blocking(lambda: not server.running, what="it ended")
    assert server.exit_code == -number


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
def test_it_ends_with_a_test_run_that_was_killed(fifo: Path) -> None:
    ends_with_its_parent(PARENT, str(fifo.with_name("log")), str(fifo))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which files are open")
def test_it_has_no_file_of_the_test_run(fifo: Path) -> None:
    log = fifo.with_name("log")
    child = warm_start.Warm.start(("plan", f"--payload={fifo}"), stdout=log, stderr=log)
    opened = Path(f"/proc/{child.pid}/fd")
    with fifo.open("wb"):  # returns once it reads
        found = {str(each.readlink()) for each in opened.iterdir()}
        child.kill()
    assert found == {"/dev/null", str(log), str(fifo)}
