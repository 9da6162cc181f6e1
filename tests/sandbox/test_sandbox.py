"""`responder sandbox` and `rehearse`, as people run them: the whole loop in one command."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.controlplane.eventually import eventually_blocking

SHORT = """
spec:
  lasts: 60m
  workloads: [{name: email-sender, replicas: 4, autoscaler: {min: 2, max: 8}}]
  campaigns:
    - {name: spring-sale, perMinute: 600, inFlight: 1m, delivery: {hardBounces: 0.4%}}
    - {name: Newsletter N°1, perMinute: 300}
    - {name: password-reset, stream: transactional, perMinute: 60, workload: email-sender}
  events:
    - {at: 2m, change: {campaign: spring-sale, delivery: {hardBounces: 30%}}}
    - {at: 15m, change: {campaign: spring-sale, delivery: {hardBounces: 0.4%}}}
    - {at: 20m, scale: {workload: email-sender, to: 5}}
    - {at: 30m, release: {campaign: spring-sale, reason: the list is cleaned}}
  expect:
    - {by: 25m, held: {campaign: spring-sale}}
    - {neverHeld: Newsletter N°1}
    - {neverHeld: password-reset}
    - {replicas: {workload: email-sender, to: 5}}
    - {givenBack: everything}
"""
PLAYBOOK = """
spec:
  matchers: [alertname="HighBounceRate", severity="critical"]
  holds: [{pause: {campaign: "{{ labels.campaign }}", inFlight: drop}}]
  resume: manual
"""
STEPS = """
spec:
  lasts: 8h
  campaigns:
    - {name: spring-sale, perMinute: 6000, delivery: {hardBounces: 0.1%}}
    - {name: newsletter, perMinute: 300}
  events:
    - {at: 5m, change: {campaign: spring-sale, delivery: {hardBounces: 30%}}}
    - {at: 25m, acknowledge: {campaign: spring-sale, reason: it looks well}}
    - {at: 55m, change: {campaign: spring-sale, delivery: {hardBounces: 0.1%}}}
    - {at: 65m, acknowledge: {campaign: spring-sale, reason: the list is cleaned}}
  expect:
    - {held: {campaign: spring-sale}}
    - {neverHeld: newsletter}
    - {incidents: 1}
    - {givenBack: everything}
"""
IN_STEPS = """
spec:
  matchers: [alertname="HighBounceRate", severity="critical"]
  holds: [{pause: {campaign: "{{ labels.campaign }}"}}]
  resume:
    start: {after: 10m, acknowledged: true}
    steps: [10%, {share: 50%, for: 10m, sends: 5000}]
    check: {metric: bounce-rate, max: 2%}
"""
PROPOSING = """
spec:
  mode: approve
  matchers: [alertname="HighBounceRate", severity="critical"]
  holds: [{pause: {campaign: "{{ labels.campaign }}"}}]
  resume: manual
"""
PROPOSED = """
spec:
  lasts: 40m
  campaigns:
    - {name: spring-sale, perMinute: 600}
    - {name: autumn-sale, perMinute: 600}
  events:
    - {at: 2m, change: {delivery: {hardBounces: 30%}}}
    - {at: 14m, approve: {campaign: spring-sale, reason: it is that bad}}
    - {at: 16m, reject: {campaign: autumn-sale, reason: we know of it}}
    - {at: 20m, approve: {campaign: autumn-sale}}
    - {at: 25m, release: {campaign: spring-sale}}
  expect:
    - {held: {campaign: spring-sale}}
    - {neverHeld: autumn-sale}
"""
RULES = """
groups:
  - name: short
    interval: 1m
    rules:
      - alert: HighBounceRate
        expr: sum by (campaign) (increase(mail_bounces_total{type="hard"}[5m])) > 50
        labels: {severity: critical}
"""
"""Looks back five minutes only: the shipped ones go on for a day after the cause is gone."""
COMMAND = (sys.executable, "-m", "responder")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "short.yaml").write_text(SHORT)
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "pause.yaml").write_text(PLAYBOOK)
    return tmp_path


def run(folder: Path, *arguments: str, code: int) -> str:
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), "COLUMNS": "200"},
    )
    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert "Traceback" not in told
    assert not list(folder.glob("sandbox-*")), "something is left behind"
    return told


def test_the_whole_loop_is_told_in_lines_and_ends_with_an_account(folder: Path) -> None:
    told = run(
        folder,
        *("sandbox", "--plain", "--scenario=short.yaml", "--playbooks=playbooks"),
        *("--speed=300", "--prometheus=none", "--log=responder.log"),
        code=0,
    )
    order = [
        "spring-sale: 30% bounce hard",
        "HighBounceRate critical spring-sale",
        "opened by pause for campaign spring-sale",
        "campaign/spring-sale paused, what is in flight dropped",
        "a person scales email-sender",
        "a person releases spring-sale: the list is cleaned",
        "campaign/spring-sale goes on",
        "short: 1 incident(s)",
        "braked within",
        "message(s) not sent because of it",
        "of them dropped in flight",
        "everything is given back, and nothing is left behind",
        "every promise is kept",
    ]
    places = [told.index(each) for each in order]
    assert places == sorted(places), told
    assert told.count("as expected:") == 5
    assert "NOT" not in told
    assert '"incident_advanced"' in (folder / "responder.log").read_text()


def test_a_playbook_that_resumes_in_steps_is_rehearsed_to_its_end(folder: Path) -> None:
    """Paused, acknowledged too early, paused again for what was sent since, and resumed."""
    (folder / "steps.yaml").write_text(STEPS)
    (folder / "rules").mkdir()
    (folder / "rules" / "short.yaml").write_text(RULES)
    (folder / "playbooks" / "pause.yaml").write_text(IN_STEPS)
    told = run(
        folder,
        *("sandbox", "--plain", "--scenario=steps.yaml", "--playbooks=playbooks"),
        *("--rules=rules", "--speed=600", "--prometheus=none"),
        code=0,
    )
    order = [
        "campaign/spring-sale paused",
        "a person acknowledges spring-sale: it looks well",
        "campaign/spring-sale throttled to 10%",
        "held again as at first",
        "campaign/spring-sale paused",
        "a person acknowledges spring-sale: the list is cleaned",
        "campaign/spring-sale throttled to 10%",
        "campaign/spring-sale throttled to 50%",
        "campaign/spring-sale goes on",
        "everything is given back, and nothing is left behind",
        "every promise is kept",
    ]
    place = 0
    for each in order:
        place = told.find(each, place)
        assert place >= 0, f"{each} in {told}"
        place += len(each)
    assert "NOT" not in told


def test_people_of_a_scenario_approve_and_reject(folder: Path) -> None:
    (folder / "proposed.yaml").write_text(PROPOSED)
    (folder / "playbooks" / "pause.yaml").write_text(PROPOSING)
    told = run(
        folder,
        *("sandbox", "--plain", "--scenario=proposed.yaml", "--playbooks=playbooks"),
        *("--speed=200", "--prometheus=none"),
        code=0,
    )
    assert told.index("a person approves spring-sale: it is that bad") < told.index("sale paused")
    assert "a person rejects autumn-sale: we know of it\n" in told
    assert "a person approves autumn-sale: as the scenario says (no incident is about it)" in told


def test_a_rehearsal_that_does_not_come_as_expected_fails(folder: Path) -> None:
    lines = SHORT.replace("by: 25m, held: {campaign: spring-sale}", "incidents: 2").splitlines()
    # Nobody releases it, and nothing else happens after ten minutes.
    kept = [line for line in lines if not line.startswith(("    - {at: 15", "    - {at: 20"))]
    kept = [line for line in kept if not line.startswith("    - {at: 30")]
    (folder / "other.yaml").write_text("\n".join(kept).replace("lasts: 60m", "lasts: 10m"))
    told = run(
        folder,
        *("rehearse", "--quiet", "--speed=300", "--playbooks=playbooks", "--prometheus=none"),
        "other.yaml",
        code=1,
    )
    assert "NOT AS EXPECTED: 2 incident(s) (1 opened)" in told
    assert "NOT AS EXPECTED: everything is given back (still held: campaign/spring-sale paused" in (
        told
    )
    assert "NOT everything is given back" in told
    assert "as expected: campaign/password-reset is never held" in told


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "no-such-scenario": (("sandbox", "--scenario=nowhere"), "those that are shipped: bounces"),
    "no-such-playbooks": (("sandbox", "--playbooks=nowhere"), "can't be read"),
    "no-such-rules": (("sandbox", "--rules=playbooks"), "groups"),
    "no-such-program": (("sandbox", "--prometheus=nowhere"), "nowhere is no program"),
    "a-port-too-high": (("sandbox", "--port=70000"), "65535"),
    "no-place-for-a-kubeconfig": (
        ("sandbox", "--kubeconfig=nowhere/config"),
        "nowhere/config: --kubeconfig: can't be written: No such file or directory",
    ),
    "a-folder-as-kubeconfig": (("sandbox", "--kubeconfig=wrong-playbooks"), "can't be written"),
    "somebody's-kubeconfig": (
        ("sandbox", "--kubeconfig=short.yaml"),
        "is there already, and is none of the sandbox's; name a file that is not there",
    ),
    "too-fast": (("sandbox", "--speed=5000"), "--speed: must be between 1 and 3600, not 5000"),
    "no-log": (("sandbox", "--log=nowhere/log"), "can't be written"),
    "nothing-expected": (("rehearse", "silent.yaml"), "write what should come of it"),
    "a-wrong-scenario": (("rehearse", "wrong.yaml"), "wrong.yaml:3: spec.campaigns[0].perMinute"),
    "a-wrong-playbook": (
        ("sandbox", "--playbooks=wrong-playbooks"),
        "pause.yaml:3: spec.matcher: is not a key that is known here",
    ),
}


@pytest.mark.parametrize(("arguments", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_in_words(folder: Path, arguments: tuple[str, ...], told: str) -> None:
    (folder / "silent.yaml").write_text(SHORT.partition("  expect:")[0])
    (folder / "wrong.yaml").write_text("spec:\n  campaigns:\n    - {name: a, perMinute: many}\n")
    (folder / "wrong-playbooks").mkdir()
    wrong = PLAYBOOK.replace("matchers", "matcher")
    (folder / "wrong-playbooks" / "pause.yaml").write_text(wrong)
    assert told in run(folder, *arguments, code=2)


def test_a_port_that_is_taken_is_told_in_words(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = run(folder, "sandbox", f"--port={port}", code=2)
    assert f"--port: can't listen on 127.0.0.1:{port}" in told


@pytest.fixture
def ctrl_c_counts() -> Iterator[None]:
    """A shell makes what it runs in the background ignore it, and so would our children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_counts")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_stopped_in_the_middle_it_leaves_nothing_behind(
    folder: Path, number: signal.Signals
) -> None:
    lines = folder / "lines"
    with (
        lines.open("w") as output,
        subprocess.Popen(
            [*COMMAND, "sandbox", "--plain", "--prometheus=none", "--port=0"],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
        ) as process,
    ):
        eventually_blocking(lambda: "bounce hard" in lines.read_text(), what="the story began")
        process.send_signal(number)
        assert process.wait(15) == 130
    assert "stopped in the middle: nothing is left running" in lines.read_text()
    assert "Traceback" not in lines.read_text()
    assert not list(folder.glob("sandbox-*"))


def imports(pid: int) -> bool:
    return "site-packages" in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.usefixtures("ctrl_c_counts")
@pytest.mark.parametrize("times", [1, 2])
def test_stopped_while_it_starts_it_ends_without_a_word_too_many(folder: Path, times: int) -> None:
    """From the first import on, whatever it is doing, and however often."""
    for hundredths in range(0, 190, 15):
        with subprocess.Popen(
            [*COMMAND, "sandbox", "--plain", "--prometheus=none", "--kubeconfig=config"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder)},
        ) as process:
            # What comes before is Python's own start, and not ours to answer for.
            eventually_blocking(partial(imports, process.pid), what="it imports")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(hundredths / 100)
            for _ in range(times):
                process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=15)[0]
        assert process.returncode in (130, -signal.SIGINT), told
        assert "Traceback" not in told
        assert "KeyboardInterrupt" not in told
        assert not list(folder.glob("sandbox-*"))
        assert not (folder / "config").exists()


def test_a_kubeconfig_is_there_as_long_as_the_sandbox(folder: Path) -> None:
    config = folder / "config"
    arguments = ("sandbox", "--plain", "--scenario=short.yaml", "--kubeconfig=config")
    with subprocess.Popen(
        [*COMMAND, *arguments, "--prometheus=none"], stdout=subprocess.DEVNULL, cwd=folder
    ) as process:
        eventually_blocking(config.exists, what="the kubeconfig is written")
        process.terminate()
        assert process.wait(15) == 130
    assert not config.exists()


def test_what_people_delete_meanwhile_does_not_end_the_story(folder: Path) -> None:
    """The namespace goes with the workload that is to be scaled and the incident to be released."""
    lines, config = folder / "lines", folder / "config"
    arguments = ("sandbox", "--plain", "--scenario=short.yaml", "--kubeconfig=config")
    with (
        lines.open("w") as output,
        subprocess.Popen(
            [*COMMAND, *arguments, "--playbooks=playbooks", "--speed=300", "--prometheus=none"],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
        ) as process,
    ):
        eventually_blocking(lambda: "spring-sale paused" in lines.read_text(), what="it is paused")
        server = json.loads(config.read_text())["clusters"][0]["cluster"]["server"]
        ask = urllib.request.Request(f"{server}/api/v1/namespaces/mail", method="DELETE")
        urllib.request.urlopen(ask).close()
        assert process.wait(60) == 1
    told = lines.read_text()
    assert "Traceback" not in told
    assert 'email-sender is not scaled: deployments.apps "email-sender" not found' in told


def test_a_terminal_that_knows_no_utf_8_is_shown_what_it_can(folder: Path) -> None:
    """Under a pseudo-terminal, since only then is the picture drawn."""
    us, them = pty.openpty()
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "TERM": "xterm", "COLUMNS": "60"}
    with subprocess.Popen(
        [*COMMAND, "sandbox", "--scenario=short.yaml", "--speed=3600", "--prometheus=none"],
        stdout=them,
        stderr=them,
        cwd=folder,
        env={**environment, "LC_ALL": "C", "PYTHONUTF8": "0"},
    ) as process:
        os.close(them)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: the other side has ended
            while read := os.read(us, 65536):
                shown += read
        assert process.wait(60) in (0, 1)
    os.close(us)
    assert b"Traceback" not in shown
    assert b"Newsletter N" in shown


def test_lines_that_can_not_be_written_are_told_in_words(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "sandbox", "--list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    assert done.returncode == 1
    assert done.stderr == "responder: what it tells can't be written: No space left on device\n"


def test_what_is_shipped_can_be_named(folder: Path) -> None:
    told = run(folder, "sandbox", "--list", code=0)
    for name in ("bounces", "complaints", "deferrals", "spam-trap", "two-at-once", "relapse"):
        assert name in told
