"""Only what its owner allows is held, and what is held stays so whatever marks are taken away."""

import json
from typing import Any

import pytest

from responder.sandbox.audit.versions import DEPLOYMENT
from tests.controlplane.eventually import eventually_blocking
from tests.e2e.cluster import AUTOSCALERS, CONFIG_MAPS, DEPLOYMENTS, Cluster
from tests.e2e.conftest import StartResponder
from tests.e2e.process import alert
from tests.e2e.scene import Scene
from tests.k8s.account import Account, documents, ledger
from tests.k8s.install import client


@pytest.fixture
def account(scene: Scene) -> Account:
    """The responder's own ServiceAccount, used against its will."""
    return Account(client(scene.kube.control_plane, scene.kubeconfig), scene.kube)


@pytest.mark.real_control_plane("admission policies")
def test_an_unlabelled_workload_is_refused_by_us_and_by_admission(
    scene: Scene, account: Account
) -> None:
    scene.deploy(labels={})
    incident = scene.open("stricter")
    eventually_blocking(
        lambda: scene.condition(incident, "Applied").get("reason") == "NotAllowed",
        what="the incident says what it may not hold",
    )
    told = scene.condition(incident, "Applied")["message"]
    assert f"{scene.name} is not labelled campaign-responder.dev/hold=allowed" in told
    assert scene.auditor.writes(DEPLOYMENT, scene.name) == []
    refusal = account.patch(DEPLOYMENTS, scene.name, ledger(replicas=2))
    assert "only what is labelled campaign-responder.dev/hold: allowed may be held" in refusal
    scene.give_back(incident)


@pytest.mark.real_control_plane("admission policies")
def test_a_transactional_campaign_is_refused_by_us_and_by_admission(
    scene: Scene, account: Account
) -> None:
    scene.campaign(labels={"stream": "transactional"})
    incident = scene.open("pause")
    eventually_blocking(
        lambda: scene.condition(incident, "Applied").get("reason") == "Transactional",
        what="the incident says what it may not hold",
    )
    assert scene.cluster.hold(scene.name) is None
    assert scene.auditor.writes("ConfigMap", scene.name) == []
    text = json.dumps({"share": 0.0})
    refusal = account.patch(CONFIG_MAPS, scene.name, documents(hold_json=text))
    assert "transactional mail is never held" in refusal
    scene.give_back(incident)


def test_relabelling_a_campaign_during_a_hold_is_no_escape(scene: Scene) -> None:
    scene.campaign()
    incident = scene.open("pause")
    scene.wait_held(incident)

    moved = {"metadata": {"labels": {"campaign-responder.dev/campaign": "another"}}}
    scene.kube.patch(*CONFIG_MAPS, scene.name, moved)
    with scene.auditor.hands_of_others():
        scene.kube.patch(*CONFIG_MAPS, scene.name, {"data": {"hold.json": None}})

    eventually_blocking(lambda: scene.cluster.hold(scene.name), what="it is held again")
    scene.give_back(incident)
    live = scene.cluster.config_map(scene.name)
    assert live["data"] == scene.campaign_manifest()["data"]
    assert live["metadata"]["labels"] == moved["metadata"]["labels"]
    assert scene.traces() == []


def test_taking_the_label_from_a_workload_during_a_hold_is_no_escape(scene: Scene) -> None:
    scene.deploy()
    scene.autoscale(lowest=1)
    incident = scene.open("stricter")
    scene.wait_held(incident)
    scene.wait_replicas(2)
    unlabelled: dict[str, Any] = {"metadata": {"labels": {"campaign-responder.dev/hold": None}}}
    for resource in (DEPLOYMENTS, AUTOSCALERS):
        scene.kube.patch(*resource, scene.name, unlabelled)
    scene.kube.patch(*AUTOSCALERS, scene.name, {"spec": {"maxReplicas": 10}})
    scene.wait_bounds(1, 2)
    scene.give_back(incident)
    assert scene.bounds == (1, 10)
    assert scene.traces() == []


FORCED = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {{name: forced}}
spec:
  matchers: [alertname="HighBounceRate"]
  holds:
    - pause: {{campaign: "{{{{ labels.campaign }}}}"}}
  resume: {{start: {{after: 0s}}}}
  guards: {{includeTransactional: {forced}}}
"""


@pytest.mark.parametrize(
    ("forced", "agreed", "why"),
    [
        (True, True, ""),
        (True, False, "its owner must too"),
        (False, True, "the playbook must say guards.includeTransactional"),
    ],
    ids=["both", "the playbook alone", "the owner alone"],
)
def test_transactional_mail_is_held_only_where_playbook_and_owner_agree(
    cluster: Cluster,
    start_responder: StartResponder,
    *,
    forced: bool,
    agreed: bool,
    why: str,
) -> None:
    if agreed:
        labels = {"campaign-responder.dev/hold": "even-transactional"}
        cluster.kube.patch(*CONFIG_MAPS, "password-reset", {"metadata": {"labels": labels}})
    responder = start_responder(FORCED.format(forced=str(forced).lower()))
    responder.notify(alert(campaign="password-reset"))
    if why:
        eventually_blocking(
            lambda: any(
                why in condition["message"]
                for item in cluster.incidents()
                for condition in item.get("status", {}).get("conditions", ())
            ),
            what="the incident says why it is not held",
        )
        assert cluster.hold("password-reset") is None
    else:
        eventually_blocking(lambda: cluster.hold("password-reset") is not None, what="it is held")
    responder.notify(alert(status="resolved", campaign="password-reset"))
    cluster.wait_closed()
