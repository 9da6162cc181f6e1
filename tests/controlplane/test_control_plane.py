"""The control plane does what the tests of the responder rely on."""

from typing import Any

from tests.controlplane.eventually import eventually
from tests.controlplane.kube import Kube


def deployment(name: str, *, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "none.invalid/none"}]},
            },
        },
    }


async def test_a_deployments_pods_come_and_go(kube: Kube) -> None:
    def running() -> int:
        return sum(pod["status"]["phase"] == "Running" for pod in kube.items("v1", "pods"))

    kube.apply(deployment("sender", replicas=3))
    await eventually(lambda: running() == 3)
    kube.kubectl("scale", "deployment/sender", "--replicas=1")
    await eventually(lambda: len(kube.items("v1", "pods")) == 1)
    assert running() == 1
    kube.delete("apps/v1", "deployments", "sender")
    await eventually(lambda: not kube.items("v1", "pods"))
