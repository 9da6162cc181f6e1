"""`Applied` says that the write is in, `Confirmed` that its effect is seen: with real servers."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane import run_logs
from tests.controlplane.admin_client import MERGE_PATCH
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.fixtures import StartPrometheus
from tests.controlplane.kube import Kube
from tests.controlplane.real_prometheus import scrape_configuration
from tests.e2e.cluster import AUTOSCALERS, DEPLOYMENTS, Cluster
from tests.e2e.conftest import StartResponder
from tests.e2e.obedient_sender import ObedientSender, sending
from tests.e2e.process import ResponderProcess, alert, sample
from tests.k8s.install import K8S, install

PODS = ("v1", "pods")
EVENTS = ("events.k8s.io/v1", "events")
PAUSE = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: high-bounce-rate}
spec:
  matchers: [alertname="HighBounceRate"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
"""
ESCALATES = (
    PAUSE
    + """
  escalate:
    - when: {confirmed: false, for: 1s}
      holds:
        - scale: {deployment: email-sender, to: 0}
"""
)
HOLD = 'pause: {campaign: "{{ labels.campaign }}"}'
THROTTLE = PAUSE.replace(HOLD, 'throttle: {campaign: "{{ labels.campaign }}", to: 20%}')


STEADY = " and ".join(
    f"abs(sum(increase(mail_attempts_total[2s] offset {back})) - 2000) < 200"
    for back in ("0s", "2s")
)
"""The sender's 1,000 messages a second, in each of two windows of a question."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    # Twice as long as it is, so that a scrape that a busy machine misses leaves no gap.
    monkeypatch.setenv("RESPONDER_SCRAPE_INTERVAL_SECONDS", "1")
    monkeypatch.setenv("RESPONDER_EVIDENCE_INTERVAL_SECONDS", "0.2")
    monkeypatch.setenv("RESPONDER_CONFIRM_WITHIN_SECONDS", "3")


@pytest.fixture
def sender(cluster: Cluster) -> Iterator[ObedientSender]:
    with sending(cluster, "spring-sale") as one:
        yield one


@pytest.fixture
def metrics_of(sender: ObedientSender, start_prometheus: StartPrometheus) -> str:
    """Where the sender's metrics are asked for, once they show that it sends."""
    prometheus = start_prometheus(scrape_configuration(sender.address, interval="500ms"))
    eventually_blocking(
        lambda: counted(prometheus.url, STEADY),
        what="Prometheus has seen the sender send",
    )
    return f"--prometheus-url={prometheus.url}"


def counted(url: str, promql: str) -> int:
    """How many series a query gives."""
    query = urllib.parse.urlencode({"query": promql})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=10) as answer:
        return len(json.load(answer)["data"]["result"])


def confirmed(cluster: Cluster) -> dict[str, Any]:
    """The condition of the one incident; empty while it has none."""
    conditions = [
        condition
        for item in cluster.incidents()
        for condition in item.get("status", {}).get("conditions", ())
        if condition["type"] == "Confirmed"
    ]
    return conditions[0] if conditions else {}


def status_of(cluster: Cluster) -> dict[str, Any]:
    return dict(cluster.incidents()[0]["status"])


def is_told(cluster: Cluster, status: str, reason: str) -> bool:
    found = confirmed(cluster)
    assert (found.get("status"), found.get("reason")) == (status, reason), found
    return True


def wait_for(cluster: Cluster, status: str, reason: str, *, within_seconds: float = 30) -> str:
    eventually_blocking(
        lambda: is_told(cluster, status, reason),
        what=f"Confirmed is {status}: {reason}",
        within_seconds=within_seconds,
    )
    return str(confirmed(cluster)["message"])


def told_by_events(cluster: Cluster, reason: str) -> list[str]:
    events = cluster.kube.items(*EVENTS)
    return [event["type"] for event in events if event["reason"] == reason]


def brake(responder: ResponderProcess) -> None:
    assert responder.notify(alert()).status == 200


def test_a_sender_that_stops_confirms_by_its_attempts(
    cluster: Cluster, start_responder: StartResponder, metrics_of: str
) -> None:
    responder = start_responder(PAUSE, flags=(metrics_of,))
    brake(responder)
    told = wait_for(cluster, "True", "Seen")
    assert told == "campaign/spring-sale: nothing is sent any more"
    record = status_of(cluster)["confirmation"]
    assert record["begunAt"] <= record["appliedAt"] < record["confirmedAt"]
    # Attempts are counted over a window that begins once the hold is in.
    assert 1000 <= record["milliseconds"] < 30_000
    assert "Confirmed" in [entry["what"] for entry in status_of(cluster)["timeline"]]
    eventually_blocking(lambda: told_by_events(cluster, "Confirmed") == ["Normal"], what="an Event")
    text = responder.get("/metrics").text
    assert "responder_confirm_seconds_count 1.0" in text
    assert not sample(responder, "responder_not_confirmed_total")


def test_a_sender_that_says_which_document_it_keeps_to_confirms_at_once(
    cluster: Cluster, start_responder: StartResponder, sender: ObedientSender, metrics_of: str
) -> None:
    """Even while what is under way is still sent: it has heard."""
    sender.tells = True
    responder = start_responder(THROTTLE, flags=(metrics_of,))
    brake(responder)
    told = wait_for(cluster, "True", "Seen")
    hold = cluster.hold()
    assert hold is not None
    assert told == (f"campaign/spring-sale: all 1 exporter(s) say that they keep to {hold['id']}")


def test_attempts_that_fall_to_a_share_confirm_it(
    cluster: Cluster, start_responder: StartResponder, metrics_of: str
) -> None:
    responder = start_responder(THROTTLE, flags=(metrics_of,))
    brake(responder)
    assert wait_for(cluster, "True", "Seen").endswith("attempts fell to what is asked")


def test_a_sender_that_goes_on_is_loud_and_the_next_stage_holds_its_pods(
    cluster: Cluster, start_responder: StartResponder, sender: ObedientSender, metrics_of: str
) -> None:
    sender.obeys = False
    responder = start_responder(ESCALATES, flags=(metrics_of,))
    brake(responder)
    assert wait_for(cluster, "False", "NotConfirmed") == (
        "campaign/spring-sale: mail is still sent"
    )
    eventually_blocking(
        lambda: told_by_events(cluster, "NotConfirmed") == ["Warning"], what="a loud Event"
    )
    assert sample(responder, "responder_not_confirmed_total", 'reason="NotConfirmed"') == 1
    eventually_blocking(lambda: cluster.replicas() == 0, what="the stage is held")
    why = [entry["why"] for entry in status_of(cluster)["timeline"] if "Escalated" in entry["why"]]
    assert len(why) == 1
    assert why[0].endswith("has not taken hold: campaign/spring-sale: mail is still sent")
    # What is asked for now is confirmed anew, and is no more than it was.
    assert status_of(cluster)["confirmation"]["turn"] == "0-1"


def test_without_prometheus_it_is_unknown_and_nothing_is_escalated(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(ESCALATES, flags=("--prometheus-url=http://127.0.0.1:9",))
    brake(responder)
    told = wait_for(cluster, "Unknown", "NothingKnown")
    assert told.startswith("campaign/spring-sale: Down: ")
    eventually_blocking(
        lambda: sample(responder, "responder_incidents_unconfirmed", 'reason="NothingKnown"') == 1,
        what="the gauge counts it",
    )
    assert status_of(cluster).get("stages") is None
    assert told_by_events(cluster, "NotConfirmed") == []


def scaled(to: int) -> str:
    return PAUSE.replace(HOLD, f"scale: {{deployment: email-sender, to: {to}}}")


@pytest.mark.real_control_plane("pods that come and go")
def test_pods_that_take_their_time_are_waited_for(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    eventually_blocking(lambda: cluster.pods() == 8, what="the sender's pods run")
    pods = [pod["metadata"]["name"] for pod in cluster.kube.items(*PODS)]
    for name in pods:
        cluster.kube.patch(*PODS, name, {"metadata": {"finalizers": ["example.com/flush"]}})
    responder = start_responder(scaled(2))
    brake(responder)
    eventually_blocking(lambda: cluster.pods() == 2, what="six pods are told to end")
    # They don't: by the deadline that is evidence against the brake, and it is told.
    told = wait_for(cluster, "False", "NotConfirmed")
    assert told == "Deployment/email-sender: 8 pod(s) are left, and 2 may be"
    for name in pods:
        cluster.kube.patch(*PODS, name, {"metadata": {"finalizers": None}})
    told = wait_for(cluster, "True", "Seen")
    assert told == "Deployment/email-sender: no more than 2 pod(s)"


@pytest.mark.real_control_plane("pods that come and go, and an autoscaler that syncs")
def test_zero_is_confirmed_only_after_the_autoscaler_has_synced_at_zero(
    cluster: Cluster, start_responder: StartResponder
) -> None:
    eventually_blocking(lambda: cluster.pods() == 8, what="the sender's pods run")
    responder = start_responder(scaled(0))
    brake(responder)
    eventually_blocking(lambda: cluster.pods() == 0, what="no pod is left")
    told = wait_for(cluster, "True", "Seen", within_seconds=60)
    assert told == "Deployment/email-sender: no pod is left"
    active = [
        condition
        for condition in cluster.autoscaler()["status"]["conditions"]
        if condition["type"] == "ScalingActive"
    ]
    assert active[0]["reason"] == "ScalingDisabled"


@pytest.fixture
def slow_motion(
    own_control_plane: ControlPlane, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    """A real API server without controllers, with a responder: what they do, the test does."""
    own_control_plane.create_namespace("test")
    kube = Kube(control_plane=own_control_plane, namespace="test")
    for name in ("sender.yaml", "campaigns.yaml"):
        kube.apply((K8S / "samples" / name).read_text())
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    (playbooks / "0.yaml").write_text(scaled(0))
    responder = ResponderProcess.start(
        kube,
        kubeconfig=install(kube),
        playbooks=playbooks,
        logs=run_logs.directory(request.config) / kube.namespace,
    )
    cluster = Cluster(kube)
    reports(cluster, pods=8, autoscaler="ValidMetricFound")
    brake(responder)
    eventually_blocking(lambda: cluster.replicas() == 0, what="zero is asked for")
    yield cluster
    responder.server.terminate()


def reports(cluster: Cluster, *, pods: int, ending: int = 0, autoscaler: str = "") -> None:
    """Report as the controllers do, about the specs as they are now."""
    seen = cluster.deployment()["metadata"]["generation"]
    counted = {"observedGeneration": seen, "replicas": pods, "terminatingReplicas": ending}
    write_status(cluster, DEPLOYMENTS, "email-sender", counted)
    if autoscaler:
        active = "False" if autoscaler == "ScalingDisabled" else "True"
        condition = {"type": "ScalingActive", "status": active, "reason": autoscaler}
        told = {"currentReplicas": pods, "desiredReplicas": pods, "conditions": [condition]}
        write_status(cluster, AUTOSCALERS, "email-sender-hpa", told)


def write_status(
    cluster: Cluster, kind: tuple[str, str], name: str, status: dict[str, Any]
) -> None:
    kube = cluster.kube
    kube.control_plane.request(
        "PATCH",
        kube.path(*kind, name, subresource="status"),
        body={"status": status},
        content_type=MERGE_PATCH,
    )


def test_zero_waits_for_pods_that_are_ending_and_for_an_autoscaler_that_has_not_synced(
    slow_motion: Cluster,
) -> None:
    sender = "Deployment/email-sender: "
    reports(slow_motion, pods=0, ending=3)
    told = wait_for(slow_motion, "False", "NotConfirmed")
    assert told == f"{sender}3 pod(s) are left, and 0 may be"
    reports(slow_motion, pods=0)
    told = wait_for(slow_motion, "Unknown", "NothingKnown")
    assert told == f"{sender}email-sender-hpa has not synced at zero yet"

    # A sync that was in flight raises it, and the hold is renewed at once.
    slow_motion.kube.patch(*DEPLOYMENTS, "email-sender", {"spec": {"replicas": 1}})
    eventually_blocking(lambda: slow_motion.replicas() == 0, what="it is held at zero again")
    reports(slow_motion, pods=0)
    assert confirmed(slow_motion)["status"] != "True"

    reports(slow_motion, pods=0, autoscaler="ScalingDisabled")
    assert wait_for(slow_motion, "True", "Seen") == f"{sender}no pod is left"
