"""2,000 incidents at once, two responders at once, junk, and an end in the middle of it."""

import concurrent.futures
import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from responder.sandbox.audit.versions import DEPLOYMENT, LEDGER, Version
from tests.auditor.auditor import Auditor
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.e2e.cluster import DEPLOYMENTS, Cluster
from tests.e2e.conftest import StartResponder
from tests.e2e.process import ResponderProcess, alert, notification, sample
from tests.e2e.stage import is_over

pytestmark = pytest.mark.real_control_plane("the load is meant for a real one")

CAMPAIGNS = 2_000
LIMITS = {"mild": 6, "harder": 4, "hardest": 2}
PATIENCE_SECONDS = 300.0
"""2,000 incidents are some 14,000 writes and as many Events, on a machine that others use too."""

PLAYBOOKS = [
    f"""
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {{name: {name}}}
spec:
  matchers: [alertname="Storm", severity="{name}"]
  incidentPer: [campaign]
  holds:
    - scale: {{deployment: bulk, to: {limit}}}
  resume: {{start: {{after: 0s}}}}
"""
    for name, limit in LIMITS.items()
]
"""Of one alert a campaign each; the Deployment is the same for all."""

Alert = dict[str, Any]

BULK = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "bulk", "labels": {"campaign-responder.dev/hold": "allowed"}},
    "spec": {
        "replicas": 8,
        "selector": {"matchLabels": {"app": "bulk"}},
        "template": {
            "metadata": {"labels": {"app": "bulk"}},
            "spec": {"containers": [{"name": "sender", "image": "sender.invalid/sender"}]},
        },
    },
}


@pytest.fixture
def bulk(kube: Kube) -> Cluster:
    """A Deployment without an autoscaler, so that every write of its replicas is somebody's."""
    kube.apply(BULK)
    return Cluster(kube)


def storm(severity: str, numbers: Sequence[int], *, status: str = "firing") -> list[Alert]:
    return [
        alert(
            alertname="Storm",
            severity=severity,
            campaign=f"campaign-{number}",
            fingerprint=f"{number:016x}",
            status=status,
        )
        for number in numbers
    ]


def batched(alerts: Sequence[Alert], size: int) -> Iterator[tuple[Alert, ...]]:
    rest = iter(alerts)
    while batch := tuple(itertools.islice(rest, size)):
        yield batch


def send(responder: ResponderProcess, alerts: Sequence[Alert], *, in_one: int = 200) -> None:
    """As Alertmanager does: one notification after the other, each again until it is taken."""
    for batch in batched(alerts, in_one):
        eventually_blocking(
            lambda batch=batch: responder.notify(*batch).status == 200,  # type: ignore[misc]
            within_seconds=PATIENCE_SECONDS,
            what="the notification is taken",
        )


def wait_replicas(cluster: Cluster, replicas: int) -> None:
    eventually_blocking(
        lambda: cluster.deployment("bulk")["spec"]["replicas"] == replicas,
        within_seconds=PATIENCE_SECONDS,
        what=f"{replicas} replicas",
    )


def wait_closed(responder: ResponderProcess, cluster: Cluster, incidents: int) -> None:
    # Told by the responder first: a list of them all is 20 MB.
    eventually_blocking(
        lambda: sample(responder, "responder_incidents", 'phase="Closed"') == incidents,
        within_seconds=PATIENCE_SECONDS,
        every_seconds=1.0,
        what="every incident is closed",
    )
    eventually_blocking(
        lambda: is_over(cluster), every_seconds=1.0, what="everything is given back and told"
    )
    assert len(cluster.incidents()) == incidents


def holder(version: Version) -> str:
    """Whom the ledger names; "" where there is none."""
    entries = version.ledger or {}
    return str(entries["replicas"]["holder"]) if entries else ""


def test_two_thousand_incidents_on_one_deployment_are_one_write_for_each_change(
    bulk: Cluster,
    auditor: Auditor,
    start_responder: StartResponder,
    record_property: Callable[[str, object], None],
) -> None:
    before = bulk.snapshot()
    responder = start_responder(*PLAYBOOKS)
    parts = {
        "mild": range(CAMPAIGNS // 2),
        "harder": range(CAMPAIGNS // 2, 3 * CAMPAIGNS // 4),
        "hardest": range(3 * CAMPAIGNS // 4, CAMPAIGNS),
    }
    began = time.monotonic()
    for severity, numbers in parts.items():
        send(responder, storm(severity, numbers))
        wait_replicas(bulk, LIMITS[severity])
    record_property("stored_and_held_seconds", round(time.monotonic() - began, 1))
    assert [version.fields["replicas"] for version in auditor.writes(DEPLOYMENT, "bulk")] == [
        *LIMITS.values()
    ]

    began = time.monotonic()
    for severity, numbers in reversed(parts.items()):
        send(responder, storm(severity, numbers, status="resolved"))
    wait_closed(responder, bulk, CAMPAIGNS)
    record_property("resolved_and_given_back_seconds", round(time.monotonic() - began, 1))

    assert bulk.snapshot() == before
    *writes, tidied = auditor.writes(DEPLOYMENT, "bulk")
    record_property("writes_on_the_deployment", len(writes) + 1)
    # The ledger names the strictest holder, and another one once that one has left.
    told = [(version.fields["replicas"], holder(version)) for version in writes]
    assert all(one != other for one, other in itertools.pairwise(told))
    assert told[-1] == (8, "")
    assert not tidied.traces
    given_back = [replicas for replicas, _ in told[2:]]
    assert given_back == sorted(given_back)
    held = [version.annotations.get(LEDGER, "") for version in writes]
    record_property("ledger_bytes", max(len(text.encode()) for text in held))
    assert max(len(text.encode()) for text in held) < 2048
    # Nobody interfered, and nothing is told as if somebody did.
    assert sample(responder, "responder_findings_total") == 0


def test_two_responders_at_once_hold_and_give_back_as_one_would(
    bulk: Cluster, auditor: Auditor, start_responder: StartResponder
) -> None:
    before = bulk.snapshot()
    both = [start_responder(*PLAYBOOKS), start_responder(*PLAYBOOKS)]
    parts = {"mild": range(40), "harder": range(40, 60), "hardest": range(60, 80)}

    def tell_both(alerts: Sequence[Alert]) -> None:
        # Two Alertmanagers, each of which tells one of them, at the same time.
        with concurrent.futures.ThreadPoolExecutor() as senders:
            for done in [senders.submit(send, each, alerts, in_one=20) for each in both]:
                done.result()

    for severity, numbers in parts.items():
        tell_both(storm(severity, numbers))
        wait_replicas(bulk, LIMITS[severity])
    assert len(bulk.incidents()) == 80
    bulk.kube.patch(*DEPLOYMENTS, "bulk", {"spec": {"replicas": 12}})
    wait_replicas(bulk, 2)
    for severity, numbers in reversed(parts.items()):
        tell_both(storm(severity, numbers, status="resolved"))
    for each in both:
        wait_closed(each, bulk, 80)

    before["deployments/bulk"]["spec"]["replicas"] = 12
    assert bulk.snapshot() == before
    replicas = [version.fields["replicas"] for version in auditor.versions(DEPLOYMENT, "bulk")]
    assert max(replicas[: -replicas[::-1].index(2)][3:]) == 12
    for each in both:
        # Neither decides on old knowledge, so each write is one that the other had not done.
        assert sample(each, "responder_work_failures_total", 'loop="target"') < 5
    assert len(auditor.writes(DEPLOYMENT, "bulk")) < 40


JUNK = {
    "ten megabytes of anything": (b"\xff\x00junk" * 1_800_000, 413),
    "brackets, opened a million times": (b"[" * 1_000_000, 400),
    "an alert with a summary of three megabytes": (
        json.dumps(
            notification(storm("mild", [1])[0] | {"annotations": {"summary": "long " * 600_000}})
        ).encode(),
        200,
    ),
}


@pytest.mark.parametrize(("junk", "status"), JUNK.values(), ids=JUNK)
def test_a_body_too_large_or_too_odd_disturbs_no_hold(
    junk: bytes, status: int, bulk: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(*PLAYBOOKS)
    send(responder, storm("hardest", [7]))
    wait_replicas(bulk, 2)
    memory = peak_memory_bytes(responder)
    with concurrent.futures.ThreadPoolExecutor() as senders:
        answers = [senders.submit(responder.post, "/webhooks/alertmanager", junk) for _ in range(4)]
        send(responder, storm("harder", [8]))
        assert {answer.result().status for answer in answers} == {status}
    assert peak_memory_bytes(responder) - memory < 100 * 2**20
    assert bulk.deployment("bulk")["spec"]["replicas"] == 2
    numbers = {"hardest": [7], "harder": [8], "mild": [1]}
    for severity, number in numbers.items():
        send(responder, storm(severity, number, status="resolved"))
    wait_replicas(bulk, 8)


def peak_memory_bytes(responder: ResponderProcess) -> int:
    told = Path(f"/proc/{responder.server.pid}/status").read_text()
    [line] = [line for line in told.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def test_ended_in_the_middle_of_a_storm_it_goes_in_order_and_the_next_one_goes_on(
    bulk: Cluster, start_responder: StartResponder
) -> None:
    before = bulk.snapshot()
    responder = start_responder(*PLAYBOOKS)
    alerts = storm("hardest", range(120))
    answers: list[int] = []
    under_way = threading.Event()

    def send_all() -> None:
        for batch in batched(alerts, 10):
            with contextlib.suppress(OSError):
                answers.append(responder.notify(*batch).status)
            if len(answers) > 2:
                under_way.set()

    with concurrent.futures.ThreadPoolExecutor() as sender:
        done = sender.submit(send_all)
        assert under_way.wait(PATIENCE_SECONDS)
        asked = time.monotonic()
        responder.server.terminate(within_seconds=30.0)
        assert time.monotonic() - asked < 10.0
        assert responder.server.exit_code == 0
        done.result()
    taken = answers.count(200) * 10
    assert set(answers) <= {200, 503}
    assert 0 < taken < 120
    assert len(bulk.incidents()) >= taken

    responder.again()
    wait_replicas(bulk, 2)
    send(responder, alerts)
    assert len(bulk.incidents()) == 120
    send(responder, storm("hardest", range(120), status="resolved"))
    wait_closed(responder, bulk, 120)
    assert bulk.snapshot() == before
