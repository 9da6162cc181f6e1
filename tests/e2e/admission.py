"""Admission policies of a platform that alter what anybody writes, for the time of a test."""

import contextlib
from collections.abc import Callable, Iterator

from tests.controlplane.admin_client import MERGE_PATCH
from tests.controlplane.eventually import eventually_blocking
from tests.e2e.scene import Json, Scene

API = "admissionregistration.k8s.io/v1"


@contextlib.contextmanager
def mutated(
    scene: Scene,
    resource: tuple[str, str],
    name: str,
    *,
    condition: str,
    mutation: Json,
    probe: Json,
    is_in_force: Callable[[Json], bool],
) -> Iterator[None]:
    """A policy that alters each update of one object that meets the condition.

    `probe` is patched without being stored until its answer shows that the policy is in force.
    """
    group, _, version = resource[0].rpartition("/")
    policy = {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [group],
                    "apiVersions": [version],
                    "operations": ["UPDATE"],
                    "resources": [resource[1]],
                }
            ]
        },
        "matchConditions": [
            {"name": "when", "expression": condition},
            {"name": "this", "expression": f"object.metadata.name == '{name}'"},
        ],
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [mutation],
    }
    title = f"{scene.kube.namespace}-{scene.name}"
    namespaces = {"matchLabels": {"kubernetes.io/metadata.name": scene.kube.namespace}}
    binding = {"policyName": title, "matchResources": {"namespaceSelector": namespaces}}
    plane = scene.kube.control_plane
    kinds = {"mutatingadmissionpolicies": policy, "mutatingadmissionpolicybindings": binding}
    for plural, spec in kinds.items():
        body = {"metadata": {"name": title}, "spec": spec}
        plane.request("POST", f"/apis/{API}/{plural}", body=body)
    path = f"{scene.kube.path(*resource, name)}?dryRun=All"

    def mutates() -> bool:
        return is_in_force(plane.request("PATCH", path, body=probe, content_type=MERGE_PATCH))

    eventually_blocking(mutates, what="the policy is in force")
    try:
        yield
    finally:
        for plural in kinds:
            plane.request("DELETE", f"/apis/{API}/{plural}/{title}")
