"""Resident memory of a responder with 10,000 open incidents."""

from pathlib import Path

from tests.benchmarks.bench_brake import PLAYBOOK, SCALE, sender
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.e2e.process import ResponderProcess, alert

INCIDENTS = 10_000
BATCH = 100


def resident_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def child_of(pid: int) -> int:
    """The process itself, where a small parent watches over it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def bench_memory_at_ten_thousand_open_incidents(
    bench_kube: Kube, bench_kubeconfig: Path, tmp_path: Path
) -> None:
    for number in range(200):
        bench_kube.create("apps/v1", "deployments", sender(f"sender-{number}"))
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "bench.yaml").write_text(PLAYBOOK + SCALE)
    responder = ResponderProcess.start(
        bench_kube,
        kubeconfig=bench_kubeconfig,
        playbooks=folder,
        logs=tmp_path,
        flags=(),
        cold=True,
    )
    try:
        before = resident_megabytes(child_of(responder.server.pid))
        for first in range(0, INCIDENTS, BATCH):
            numbers = range(first, first + BATCH)
            alerts = (
                alert(campaign=f"c-{n}", sender=f"sender-{n % 200}", fingerprint=f"{n:016x}")
                for n in numbers
            )
            batch = list(alerts)
            # A sender comes again after a 503, as Alertmanager does.
            eventually_blocking(
                lambda batch=batch: responder.notify(*batch).status == 200,  # type: ignore[misc]
                what="the notification is stored",
                within_seconds=120,
            )
        eventually_blocking(
            lambda: holding(responder) >= INCIDENTS,
            what="every incident has its status",
            within_seconds=300,
        )
        after = resident_megabytes(child_of(responder.server.pid))
        responder.server.terminate()
        responder.again()
        restarted = resident_megabytes(child_of(responder.server.pid))
        print(
            f"\nresident memory: {before:.0f} MB idle, {after:.0f} MB at {INCIDENTS} open"
            f" incidents, {restarted:.0f} MB right after a restart with them (goal under 250 MB)"
        )
    finally:
        responder.server.terminate()


def holding(responder: ResponderProcess) -> int:
    wanted = 'responder_incidents{phase="Holding",playbook="bench"} '
    for line in responder.get("/metrics").text.splitlines():
        if line.startswith(wanted):
            return int(float(line.removeprefix(wanted)))
    return 0
