"""`kubectl apply -k` installs everything, in any namespace, under the strictest pod security."""

import json
from typing import Any

import pytest

from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually
from tests.controlplane.kube import Kube
from tests.k8s.install import K8S, Manifest, build, install

FOLDERS = ("base", "samples", "targets", "overlays/mail", "overlays/further-namespace",
           "overlays/token-review")  # fmt: skip
CLUSTER_WIDE = {
    "CustomResourceDefinition",
    "ClusterRole",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


def only(manifests: list[Manifest], kind: str, name: str = "") -> Manifest:
    (found,) = (
        manifest
        for manifest in manifests
        if manifest["kind"] == kind and name in {"", manifest["metadata"]["name"]}
    )
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_builds(api_server: ControlPlane, folder: str) -> None:
    assert build(api_server, K8S / folder)


def test_nothing_spans_the_cluster_but_definitions_roles_and_policies(
    api_server: ControlPlane, fresh: Kube
) -> None:
    install(fresh, without=())
    kinds = {manifest["kind"] for manifest in build(api_server, K8S / "base", namespace="mail")}
    namespaced = fresh.kubectl("api-resources", "--namespaced=true", "--no-headers").split()
    assert kinds - set(namespaced) == CLUSTER_WIDE


def test_every_subject_is_the_account_of_the_chosen_namespace(api_server: ControlPlane) -> None:
    for folder, namespace in (("base", "elsewhere"), ("overlays/token-review", "elsewhere")):
        manifests = build(api_server, K8S / folder, namespace=namespace)
        subjects = [s for manifest in manifests for s in manifest.get("subjects", ())]
        assert subjects
        assert all(
            subject == {"kind": "ServiceAccount", "name": "campaign-responder",
                        "namespace": "elsewhere"}
            for subject in subjects
        )  # fmt: skip


def test_it_applies_twice_without_a_change(fresh: Kube) -> None:
    install(fresh, without=())
    again = fresh.apply(
        *build(fresh.control_plane, K8S / "base", namespace=fresh.namespace),
        server_side="true",
        force_conflicts="true",
        dry_run="server",
    )
    assert "campaign-responder" in again
    generation = fresh.get("apps/v1", "deployments", "campaign-responder")["metadata"]["generation"]
    install(fresh, without=())
    after = fresh.get("apps/v1", "deployments", "campaign-responder")["metadata"]["generation"]
    assert after == generation


def test_its_pod_meets_the_restricted_pod_security_standard(fresh: Kube) -> None:
    fresh.kubectl(
        "label", "namespace", fresh.namespace, "pod-security.kubernetes.io/enforce=restricted"
    )
    install(fresh)
    deployment = only(
        build(fresh.control_plane, K8S / "base", namespace=fresh.namespace), "Deployment"
    )
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "as-deployed"},
        "spec": deployment["spec"]["template"]["spec"],
    }
    assert "created" in fresh.kubectl(
        "create", "-f", "-", "--dry-run=server", stdin=json.dumps(pod)
    )


def test_the_pod_gets_what_its_arguments_and_volumes_name(api_server: ControlPlane) -> None:
    manifests = build(api_server, K8S / "base", namespace="mail")
    spec = only(manifests, "Deployment")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert f"--playbooks={mounts['playbooks']}" in container["args"]
    assert f"--bearer-token-file={mounts['token']}/token" in container["args"]
    names = {volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume} | {
        source["configMapRef"]["name"] for source in container["envFrom"]
    }
    generated = {m["metadata"]["name"] for m in manifests if m["kind"] == "ConfigMap"}
    assert names == generated
    playbooks = only(manifests, "ConfigMap", "campaign-responder-playbooks")["data"]
    assert list(playbooks) == ["high-bounce-rate.yaml"]


def test_the_service_reaches_the_pod(api_server: ControlPlane) -> None:
    manifests = build(api_server, K8S / "base", namespace="mail")
    service = only(manifests, "Service")["spec"]
    template = only(manifests, "Deployment")["spec"]["template"]
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    ports = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
    assert {port["targetPort"] for port in service["ports"]} <= ports


@pytest.mark.usefixtures("controllers")
async def test_the_server_finds_no_fault_with_the_policies_expressions(fresh: Kube) -> None:
    """The controller manager checks them against the resources' types, and tells in status."""
    install(fresh)
    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"

    def checked() -> list[dict[str, Any]]:
        policies = [
            policy
            for policy in fresh.control_plane.request("GET", path)["items"]
            if policy["metadata"]["name"].startswith("campaign-responder")
        ]
        return policies if all("typeChecking" in p.get("status", {}) for p in policies) else []

    policies = await eventually(checked)
    assert len(policies) == 2
    assert [policy["status"]["typeChecking"] for policy in policies] == [{}, {}]


def test_the_sample_sender_is_accepted_whole(fresh: Kube) -> None:
    install(fresh)
    fresh.apply(*build(fresh.control_plane, K8S / "samples", namespace=fresh.namespace))
    autoscaler = fresh.get("autoscaling/v2", "horizontalpodautoscalers", "email-sender-hpa")
    bounds = (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"])
    assert bounds == (2, 20)
    assert {cm["metadata"]["name"] for cm in fresh.items("v1", "configmaps")} >= {
        "spring-sale", "newsletter", "password-reset",
    }  # fmt: skip
