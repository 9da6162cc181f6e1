"""The responder's RBAC is what it needs and nothing more; people get theirs through their roles."""

from typing import Any

import pytest

from tests.controlplane.eventually import eventually
from tests.controlplane.kube import Kube
from tests.k8s.account import (
    ALLOWED,
    AUTOSCALERS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GIVE_BACK,
    Account,
    documents,
    ledger,
)
from tests.k8s.incidents import INCIDENTS, MOMENT, incident, status
from tests.k8s.install import ACCOUNT, K8S, build, install
from tests.k8s.objects import autoscaler, config_map, workload

RIGHTS = {
    ("campaign-responder.dev", "incidents"): "create delete get list patch watch",
    ("campaign-responder.dev", "incidents/status"): "patch",
    ("apps", "deployments"): "get list patch watch",
    ("autoscaling", "horizontalpodautoscalers"): "get list patch watch",
    ("", "configmaps"): "create get list patch watch",
    ("events.k8s.io", "events"): "create patch",
    ("coordination.k8s.io", "leases"): "create get patch",
}
JSON = "application/json"
LEASES = ("coordination.k8s.io/v1", "leases")
OF_EVERY_ACCOUNT = {"authentication.k8s.io", "authorization.k8s.io"}


def granted(responder: Account, namespace: str) -> dict[tuple[str, str], str]:
    """What the API server says that the account may do there, besides asking about itself."""
    answer = responder.client.request(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        body={
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        },
        content_type=JSON,
        timeout_seconds=30.0,
    )
    found: dict[tuple[str, str], set[str]] = {}
    for rule in answer["status"]["resourceRules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                if group not in OF_EVERY_ACCOUNT:
                    found.setdefault((group, resource), set()).update(rule["verbs"])
    return {key: " ".join(sorted(verbs)) for key, verbs in found.items()}


def test_the_responder_has_exactly_these_rights_in_its_namespace(responder: Account) -> None:
    assert granted(responder, responder.kube.namespace) == RIGHTS


def test_the_responder_has_no_rights_anywhere_else(responder: Account) -> None:
    assert granted(responder, "default") == {}
    assert granted(responder, "kube-system") == {}


def test_the_lease_is_the_responders_own_and_no_other(responder: Account) -> None:
    for name in (ACCOUNT, "another"):
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name},
        }
        assert responder.write("POST", LEASES, body=lease, content_type=JSON) == ""
    renewal = {"spec": {"holderIdentity": "a", "renewTime": MOMENT}}
    assert responder.patch(LEASES, ACCOUNT, renewal) == ""
    assert "403" in responder.patch(LEASES, "another", renewal)


def test_another_namespace_is_bound_by_its_overlay(responder: Account) -> None:
    """The overlay names the responder's namespace once; here it is another, as a user's is."""
    plane = responder.kube.control_plane
    shop = build(plane, K8S / "overlays" / "further-namespace")
    subjects = [subject for manifest in shop for subject in manifest.get("subjects", ())]
    assert [subject["namespace"] for subject in subjects] == ["mail"]
    subjects[0]["namespace"] = responder.kube.namespace
    plane.create_namespace("shop")
    Kube(control_plane=plane, namespace="shop").apply(*shop)
    only_of_its_own = {"campaign-responder.dev", "coordination.k8s.io"}
    assert granted(responder, "shop") == {
        key: verbs for key, verbs in RIGHTS.items() if key[0] not in only_of_its_own
    }


WRITES = {
    "Deployment": (
        DEPLOYMENTS,
        workload("Deployment", "sender", labels=ALLOWED),
        ledger(replicas=0),
        ledger(None, replicas=8),
    ),
    "HorizontalPodAutoscaler": (
        AUTOSCALERS,
        autoscaler("sender", labels=ALLOWED),
        ledger(minReplicas=1, maxReplicas=1),
        ledger(None, minReplicas=2, maxReplicas=20),
    ),
    "ConfigMap": (
        CONFIG_MAPS,
        config_map("sender", labels={"campaign-responder.dev/campaign": "spring-sale"}),
        documents(hold_json="{}"),
        documents(None, hold_json=None),
    ),
}


@pytest.mark.parametrize(("resource", "manifest", "hold", "give_back"), WRITES.values(), ids=WRITES)
def test_a_hold_is_made_and_given_back_with_these_rights(
    responder: Account,
    resource: tuple[str, str],
    manifest: dict[str, Any],
    hold: dict[str, Any],
    give_back: dict[str, Any],
) -> None:
    responder.kube.create(*resource, manifest)
    assert responder.patch(resource, "sender", hold) == ""
    assert responder.patch(resource, "sender", give_back, manager=GIVE_BACK) == ""
    assert responder.tidy(resource, "sender") == ""
    assert "403" in responder.write("DELETE", resource, "sender")


def test_an_incident_lives_and_ends_with_these_rights(responder: Account) -> None:
    name = "hbr-3f2a90b1c4d5e6f7-1"
    told = {"status": status()}
    assert responder.write("POST", INCIDENTS, body=incident(name), content_type=JSON) == ""
    assert responder.write("PATCH", INCIDENTS, name, told, subresource="status") == ""
    assert responder.patch(INCIDENTS, name, {"metadata": {"finalizers": []}}) == ""
    assert responder.write("DELETE", INCIDENTS, name) == ""


@pytest.mark.parametrize(
    ("role", "verbs"),
    [
        ("view", {"get", "list", "watch"}),
        ("edit", {"delete", "get", "list", "patch", "watch"}),
        ("admin", {"delete", "get", "list", "patch", "watch"}),
    ],
)
@pytest.mark.usefixtures("controllers")
async def test_people_see_and_release_incidents_through_the_roles_they_have(
    fresh: Kube, role: str, verbs: set[str]
) -> None:
    """Nobody may create one: its plan is executed with the responder's rights, not with theirs."""
    install(fresh)

    def aggregated() -> set[str]:
        found = fresh.control_plane.request(
            "GET", f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{role}"
        )
        return {
            verb
            for rule in found["rules"]
            if "incidents" in rule.get("resources", ())
            for verb in rule["verbs"]
        }

    assert await eventually(lambda: aggregated() == verbs)
