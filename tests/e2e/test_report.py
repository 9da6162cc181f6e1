"""From observing to acting: what would have been held, and what people did in the same time."""

import json
import os
from typing import Any

import pytest

from tests.auditor.auditor import Auditor
from tests.controlplane import warm_start
from tests.controlplane.admin_client import MERGE_PATCH
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.e2e.cluster import DEPLOYMENTS, INCIDENTS, Cluster
from tests.e2e.conftest import StartResponder
from tests.e2e.process import ResponderProcess, alert

PLAYBOOK = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: high-bounce-rate}
spec:
  mode: observe
  matchers: [alertname="HighBounceRate"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
    - scale: {deployment: plain-sender, to: 2}
  resume: {start: {after: 0s, acknowledged: true}}
"""
ACTING = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: scale-down}
spec:
  matchers: [alertname="ScaleDown"]
  holds:
    - scale: {deployment: plain-sender, to: 4}
  resume: {start: {after: 0s}}
"""
Json = dict[str, Any]


@pytest.fixture
def sender(cluster: Cluster) -> Cluster:
    """A workload without an autoscaler, beside the sample sender."""
    pods = {"app": "plain-sender"}
    container = {"name": "sender", "image": "none.invalid/sender:1"}
    cluster.kube.create(
        *DEPLOYMENTS,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "plain-sender",
                "labels": {"campaign-responder.dev/hold": "allowed"},
            },
            "spec": {
                "replicas": 8,
                "selector": {"matchLabels": pods},
                "template": {"metadata": {"labels": pods}, "spec": {"containers": [container]}},
            },
        },
    )
    return cluster


def report(kube: Kube, *flags: str) -> str:
    """What `responder report` prints for an operator, with the responder up or down."""
    environment = {
        **os.environ,
        "RESPONDER_KUBECONFIG": str(kube.control_plane.kubeconfig),
        "RESPONDER_NAMESPACE": kube.namespace,
    }
    done = warm_start.run("report", *flags, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def scale(cluster: Cluster, replicas: int, *, manager: str = "kubectl-scale") -> None:
    """As a person does it by kubectl."""
    path = cluster.kube.path(*DEPLOYMENTS, "plain-sender")
    cluster.kube.control_plane.request(
        "PATCH",
        f"{path}?fieldManager={manager}",
        body={"spec": {"replicas": replicas}},
        content_type=MERGE_PATCH,
    )


def replicas(cluster: Cluster) -> int:
    return int(cluster.deployment("plain-sender")["spec"]["replicas"])


def status(cluster: Cluster, playbook: str = "high-bounce-rate") -> Json:
    found = [one for one in cluster.incidents() if one["spec"]["playbook"] == playbook]
    return dict(found[0].get("status") or {}) if found else {}


def witnessed(cluster: Cluster, playbook: str = "high-bounce-rate") -> list[tuple[str, str, str]]:
    changes = (status(cluster, playbook).get("witnessed") or {}).get("changes") or []
    return [(one["before"], one["after"], one["by"]) for one in changes]


def observing(responder: ResponderProcess, cluster: Cluster) -> None:
    assert responder.notify(alert()).status == 200
    eventually_blocking(lambda: "decision" in status(cluster), what="what it would do is recorded")


def test_a_person_brakes_by_hand_while_it_only_observes(
    sender: Cluster, start_responder: StartResponder, auditor: Auditor
) -> None:
    responder = start_responder(PLAYBOOK)
    assert "no incidents" in report(sender.kube)
    before = sender.snapshot()
    observing(responder, sender)
    found = {
        one["field"]: (one["before"], one["after"]) for one in status(sender)["decision"]["changes"]
    }
    assert found == {"replicas": ("8", "2"), "hold.json": ("absent", '{"share": 0.0}')}
    assert sender.snapshot() == before

    scale(sender, 2)
    eventually_blocking(
        lambda: witnessed(sender) == [("8", "2", "kubectl-scale")], what="the change is noted"
    )
    assert any(one["what"] == "Changed" for one in status(sender)["timeline"])
    assert responder.notify(alert(status="resolved")).status == 200
    sender.wait_closed()
    responder.server.kill()

    told = report(sender.kube, "--since", "1h")
    for words in (
        "1: 1 observed, 0 held, 0 proposed",
        "Deployment/plain-sender in",
        "; replicas: 8 -> 2",
        "a person lowered replicas 8 -> 2 after",
        "by kubectl-scale",
        "to acknowledge the cause",
        "=> Keep observing: only 1 observed",
    ):
        assert words in told
    assert "no incidents" in report(sender.kube, "--playbook", "another")
    one, other = (json.loads(report(sender.kube, "--json")) for _ in range(2))
    assert one["playbooks"] == other["playbooks"]
    (playbook,) = one["playbooks"]
    assert playbook["brakedByHand"]["incidents"] == 1
    assert {each["kind"] for each in playbook["targets"]} == {"ConfigMap", "Deployment"}
    assert sender.traces() == []
    for kind, name in (("Deployment", "plain-sender"), ("ConfigMap", "spring-sale")):
        assert auditor.writes(kind, name) == []
    values = [found.fields["replicas"] for found in auditor.versions("Deployment", "plain-sender")]
    assert list(dict.fromkeys(values)) == [8, 2]


def test_what_people_did_while_the_responder_was_down_is_noted(
    sender: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(PLAYBOOK)
    observing(responder, sender)
    responder.server.kill()
    scale(sender, 3)
    responder.again()
    eventually_blocking(
        lambda: witnessed(sender) == [("8", "3", "kubectl-scale")], what="the change is noted"
    )


def test_hundreds_of_edits_take_a_bounded_room(
    sender: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(PLAYBOOK)
    observing(responder, sender)
    for number in range(200):
        scale(sender, 10 + number % 7)
    scale(sender, 1)
    eventually_blocking(
        lambda: [one[1] for one in witnessed(sender)][-1:] == ["1"], what="the last one is noted"
    )
    assert len(witnessed(sender)) <= 32
    assert len(status(sender)["timeline"]) <= 64
    assert len(report(sender.kube).splitlines()) < 50
    (stored,) = sender.kube.items(*INCIDENTS)
    assert len(json.dumps(stored)) < 50_000


def test_an_edit_of_what_is_held_is_noted_with_its_manager(
    sender: Cluster, start_responder: StartResponder
) -> None:
    responder = start_responder(ACTING)
    assert responder.notify(alert(alertname="ScaleDown")).status == 200
    eventually_blocking(
        lambda: replicas(sender) == 4 and status(sender, "scale-down").get("targets"),
        what="it is held",
    )
    scale(sender, 6, manager="kubectl-edit")
    eventually_blocking(
        lambda: witnessed(sender, "scale-down") == [("8", "6", "kubectl-edit")],
        what="the edit is noted",
    )
    assert replicas(sender) == 4
    assert "a person lowered replicas 8 -> 6" in report(sender.kube)
    assert responder.notify(alert(alertname="ScaleDown", status="resolved")).status == 200
    sender.wait_closed()
    assert replicas(sender) == 6
