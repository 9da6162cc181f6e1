"""The hand tools when all else fails: nobody there, too few rights, leftovers, hostile labels."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.auditor.auditor import Auditor
from tests.controlplane import warm_start
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.controlplane.ports import free_port
from tests.e2e.cluster import AUTOSCALERS, CONFIG_MAPS, INCIDENTS, LEDGER, Cluster
from tests.e2e.process import ResponderProcess, alert, notification
from tests.e2e.test_hand_tools import Tool
from tests.e2e.test_notifications import applied, held, versions

PERSON = "ada"


@pytest.fixture
def tool(cluster: Cluster, responder: ResponderProcess) -> Tool:
    return Tool(cluster, responder.playbooks)


def kubeconfig_of_a_person(kube: Kube, *roles: str, path: Path) -> Path:
    """With exactly these cluster roles in the namespace, as `k8s/base/people.yaml` offers them."""
    kube.create("v1", "serviceaccounts", {"metadata": {"name": PERSON}})
    group = "rbac.authorization.k8s.io"
    for role in roles:
        binding = {
            "metadata": {"name": f"{PERSON}-{role}"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": PERSON, "namespace": kube.namespace}],
        }
        kube.create(f"{group}/v1", "rolebindings", binding)
    made = kube.control_plane.service_account_kubeconfig(namespace=kube.namespace, name=PERSON)
    path.write_text(made.read_text())
    return path


def run(
    *arguments: str, environment: Mapping[str, str], code: int
) -> "subprocess.CompletedProcess[str]":
    done = warm_start.run(*arguments, environment={**os.environ, **environment})
    assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback (most recent call last)" not in done.stderr
    return done


def test_who_may_only_look_lists_and_shows(
    cluster: Cluster, responder: ResponderProcess, tmp_path: Path
) -> None:
    """Incidents are all that these commands read."""
    responder.notify(alert())
    kubeconfig = kubeconfig_of_a_person(
        cluster.kube, "campaign-responder-view", path=tmp_path / "kubeconfig"
    )
    environment = {
        "RESPONDER_KUBECONFIG": str(kubeconfig),
        "RESPONDER_NAMESPACE": cluster.kube.namespace,
    }
    listed = run("incidents", "list", environment=environment, code=0).stdout
    name = cluster.incidents()[0]["metadata"]["name"]
    assert name in listed
    assert "spring-sale" in run("incidents", "show", name, environment=environment, code=0).stdout


def test_who_may_only_operate_releases_and_the_responder_does_the_work(
    cluster: Cluster, responder: ResponderProcess, tmp_path: Path
) -> None:
    """Its rights end at the wish: status and objects are the responder's to write."""
    before = cluster.snapshot()
    responder.notify(alert())
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    kubeconfig = kubeconfig_of_a_person(
        cluster.kube, "campaign-responder-operate", "view", path=tmp_path / "kubeconfig"
    )
    environment = {
        "RESPONDER_KUBECONFIG": str(kubeconfig),
        "RESPONDER_NAMESPACE": cluster.kube.namespace,
    }
    name = cluster.incidents()[0]["metadata"]["name"]
    done = run("release", name, "--reason", "clean", environment=environment, code=0)
    assert f"given back: {name}" in done.stdout
    assert cluster.snapshot() == before
    assert cluster.traces() == []


def test_what_can_not_be_given_back_is_told_in_time_with_the_reason(
    cluster: Cluster, responder: ResponderProcess, tmp_path: Path
) -> None:
    """Nobody there, and too few rights to do it oneself: the wish is stored, and that is told."""
    responder.notify(alert())
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    responder.server.kill()
    kubeconfig = kubeconfig_of_a_person(
        cluster.kube, "campaign-responder-operate", "view", path=tmp_path / "kubeconfig"
    )
    environment = {
        "RESPONDER_KUBECONFIG": str(kubeconfig),
        "RESPONDER_NAMESPACE": cluster.kube.namespace,
    }
    name = cluster.incidents()[0]["metadata"]["name"]
    began = time.monotonic()
    done = run("release", name, "--within", "6", environment=environment, code=1)
    assert f"not given back: {name}" in done.stderr
    assert time.monotonic() - began < 60
    assert "forbidden" in done.stderr.lower()
    assert "\x1b" not in done.stderr
    assert cluster.incidents()[0]["spec"]["release"]["by"]
    responder.again()
    cluster.wait_closed()
    assert cluster.traces() == []


def test_what_a_vanished_incident_holds_is_given_back_by_all_alone(
    cluster: Cluster, responder: ResponderProcess, tool: Tool, auditor: Auditor
) -> None:
    before = cluster.snapshot()
    responder.notify(alert())
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    responder.server.kill()
    name = cluster.incidents()[0]["metadata"]["name"]
    cluster.kube.patch(*INCIDENTS, name, {"metadata": {"finalizers": None}})
    cluster.kube.delete(*INCIDENTS, name)

    assert "no incident" in tool("release", name, code=2)
    assert held(cluster)
    auditor.allow_release_of_ghosts()

    told = tool("release", "--all", "--reason", "drill")

    assert "given back, held by a vanished incident: ConfigMap/spring-sale" in told
    assert "no open incident" not in told
    assert cluster.snapshot() == before
    assert cluster.traces() == []


def test_what_a_vanished_incident_left_without_its_ledger_is_given_back_or_told(
    cluster: Cluster, responder: ResponderProcess, tool: Tool, auditor: Auditor
) -> None:
    """The document's key is ours, so there was none before; of the bounds nobody knows."""
    before = cluster.snapshot()
    responder.notify(alert())
    eventually_blocking(lambda: held(cluster) and applied(cluster), what="held and recorded")
    responder.server.kill()
    name = cluster.incidents()[0]["metadata"]["name"]
    cluster.kube.patch(*INCIDENTS, name, {"metadata": {"finalizers": None}})
    cluster.kube.delete(*INCIDENTS, name)
    auditor.allow_release_of_ghosts()
    with auditor.hands_of_others():
        for place in ((*AUTOSCALERS, "email-sender-hpa"), (*CONFIG_MAPS, "spring-sale")):
            cluster.kube.patch(*place, {"metadata": {"annotations": {LEDGER: None}}})

    told = tool("release", "--all", "--reason", "drill", code=1)

    assert "given back, held by a vanished incident: ConfigMap/spring-sale" in told
    assert "HorizontalPodAutoscaler/email-sender-hpa; set it by hand" in told
    assert cluster.hold() is None
    assert cluster.bounds() == (2, 2), "not given back by guess"
    cluster.kube.patch(*AUTOSCALERS, "email-sender-hpa", {"spec": {"maxReplicas": 20}})
    cluster.kube.patch(*AUTOSCALERS, "email-sender-hpa", {"spec": {"minReplicas": None}})
    cluster.kube.patch(*AUTOSCALERS, "email-sender-hpa", {"spec": {"minReplicas": 2}})
    tool("release", "--all")
    assert cluster.traces() == []
    after = cluster.snapshot()
    bounded = "horizontalpodautoscalers/email-sender-hpa"
    assert after[bounded] == before[bounded]


def test_one_of_two_is_released_and_the_other_stays_held(
    cluster: Cluster, responder: ResponderProcess, tool: Tool
) -> None:
    responder.notify(alert(), alert(campaign="newsletter", fingerprint="00000000000000bb"))
    eventually_blocking(
        lambda: held(cluster) and cluster.hold("newsletter") is not None, what="held"
    )
    responder.server.kill()
    one = next(
        item["metadata"]["name"]
        for item in cluster.incidents()
        if item["spec"]["identity"]["campaign"] == "spring-sale"
    )

    tool("release", one)

    assert cluster.hold() is None
    assert cluster.hold("newsletter") is not None
    assert cluster.bounds() == (2, 2)
    assert "is closed already" in tool("release", one, code=2)
    tool("release", "--all")
    assert cluster.traces() == []


def test_a_plan_says_what_would_not_be_held_and_which_alerts_are_none(
    cluster: Cluster, responder: ResponderProcess, tool: Tool
) -> None:
    untouched = versions(cluster)
    del responder
    cluster.kube.kubectl("label", "deployment/email-sender", "campaign-responder.dev/hold-")
    bad = {**alert(fingerprint="00000000000000bb"), "startsAt": "yesterday"}
    payload = json.dumps(notification(alert(campaign="password-reset"), bad))

    told = tool("plan", "--payload", "-", stdin=payload)

    assert "no change" in told
    assert "transactional" in told
    assert "not labelled" in told
    assert "alerts[1].startsAt" in told
    resolved = json.dumps(notification(alert(status="resolved")))
    assert "no playbook matches" in tool("plan", "--payload", "-", stdin=resolved)
    assert "no ConfigMap is marked" in tool(
        "plan", "--playbook", "high-bounce-rate", "--label", "campaign=nowhere"
    )
    assert {key: value for key, value in versions(cluster).items() if value[1]} == {
        key: value for key, value in untouched.items() if value[1]
    }
    assert cluster.incidents() == []


def test_hostile_labels_play_no_tricks_on_a_terminal(
    cluster: Cluster, responder: ResponderProcess, tool: Tool
) -> None:
    hostile = "[/bold]\x1b[2J\u202eevil"
    responder.notify(alert(campaign=hostile))
    name = cluster.incidents()[0]["metadata"]["name"]
    for told in (tool("incidents", "list"), tool("incidents", "show", name)):
        assert "\x1b" not in told
        assert "\u202e" not in told
        assert "[/bold]\\x1b[2J\\u202eevil" in told
    shown = tool("incidents", "show", name, "--json")
    assert json.loads(shown)["identity"]["campaign"] == hostile
    assert "\x1b" not in shown
    payload = json.dumps(notification(alert(campaign=hostile)))
    assert "\x1b" not in tool("plan", "--payload", "-", stdin=payload)


@pytest.mark.parametrize(
    "arguments",
    [("incidents", "list"), ("incidents", "show", "x"), ("release", "x"), ("release", "--all")],
    ids=" ".join,
)
def test_without_an_api_server_it_says_so(
    cluster: Cluster, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    config = yaml.safe_load(cluster.kube.control_plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    done = run(*arguments, environment={"RESPONDER_KUBECONFIG": str(path)}, code=2)
    assert done.stderr.startswith("responder: ")
    assert "127.0.0.1" in done.stderr


def test_without_a_kubeconfig_it_says_so(tmp_path: Path) -> None:
    environment = {"RESPONDER_KUBECONFIG": str(tmp_path / "nowhere")}
    assert "nowhere" in run("incidents", "list", environment=environment, code=2).stderr


def test_in_a_cluster_without_our_definition_it_says_what_to_do(own_kube: Kube) -> None:
    plane = own_kube.control_plane
    environment = {
        "RESPONDER_KUBECONFIG": str(plane.kubeconfig),
        "RESPONDER_NAMESPACE": own_kube.namespace,
    }
    assert "install it" in run("incidents", "list", environment=environment, code=2).stderr
    assert "no open incident" in run("release", "--all", environment=environment, code=0).stdout
