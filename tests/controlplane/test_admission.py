"""The API server runs admission policies, validating and mutating, of the API's first version."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane.admin_client import RequestFailedError
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually
from tests.controlplane.kube import Kube

pytestmark = pytest.mark.real_control_plane("it is what is tested")

API = "admissionregistration.k8s.io/v1"
CONFIGMAPS = {
    "resourceRules": [
        {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["configmaps"],
        }
    ]
}


@pytest.fixture
def install(control_plane: ControlPlane, kube: Kube) -> Iterator[Any]:
    """Installs a policy that is bound to the test's namespace, under the namespace's name."""
    installed: list[tuple[str, str]] = []

    def apply(kind: str, spec: dict[str, Any], **binding: Any) -> None:  # noqa: ANN401 - any JSON
        name = kube.namespace
        for suffix, body in (
            ("", {"matchConstraints": CONFIGMAPS, **spec}),
            (
                "Binding",
                {
                    "policyName": name,
                    "matchResources": {
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}
                    },
                    **binding,
                },
            ),
        ):
            manifest = {"apiVersion": API, "kind": f"{kind}{suffix}", "metadata": {"name": name}}
            control_plane.kubectl("apply", "-f", "-", stdin=json.dumps({**manifest, "spec": body}))
            installed.append((f"{kind}{suffix}", name))

    yield apply
    for kind, name in installed:
        control_plane.kubectl("delete", kind, name, "--wait=false")


def create(kube: Kube, name: str) -> dict[str, Any]:
    return kube.create("v1", "configmaps", {"metadata": {"name": name}, "data": {"key": "ours"}})


async def test_a_validating_policy_refuses(kube: Kube, install: Any) -> None:  # noqa: ANN401
    install(
        "ValidatingAdmissionPolicy",
        {"validations": [{"expression": "object.data.key != 'ours'", "message": "not ours"}]},
        validationActions=["Deny"],
    )
    names = (f"try-{number}" for number in range(1000))

    def refused() -> str | None:
        try:
            create(kube, next(names))
        except RequestFailedError as error:
            return error.body
        return None

    assert "not ours" in await eventually(refused)


async def test_a_mutating_policy_writes_another_value(kube: Kube, install: Any) -> None:  # noqa: ANN401
    install(
        "MutatingAdmissionPolicy",
        {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": "Object{data: {'key': 'theirs'}}"},
                }
            ],
        },
    )
    names = (f"try-{number}" for number in range(1000))
    await eventually(lambda: create(kube, next(names))["data"] == {"key": "theirs"})
