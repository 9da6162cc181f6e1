"""The control plane does what the tests of the responder rely on."""

from typing import Any

import pytest

from tests.controlplane.eventually import eventually
from tests.controlplane.external_metrics import ExternalMetrics
from tests.controlplane.kube import Kube

pytestmark = pytest.mark.real_control_plane("it is what is tested")


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


def autoscaler(name: str, *, lowest: int, highest: int, metric: str) -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": lowest,
            "maxReplicas": highest,
            "metrics": [
                {
                    "type": "External",
                    "external": {
                        "metric": {"name": metric},
                        "target": {"type": "AverageValue", "averageValue": "10"},
                    },
                }
            ],
        },
    }


def replicas(kube: Kube, name: str) -> int:
    answer: int = kube.get("apps/v1", "deployments", name)["spec"]["replicas"]
    return answer


async def test_a_real_autoscaler_lowers_to_its_bound_without_any_metric(kube: Kube) -> None:
    kube.apply(deployment("sender", replicas=6))
    kube.apply(autoscaler("sender", lowest=1, highest=6, metric="unknown"))
    kube.patch("autoscaling/v2", "horizontalpodautoscalers", "sender", {"spec": {"maxReplicas": 2}})
    await eventually(lambda: replicas(kube, "sender") == 2)


async def test_an_external_metric_moves_a_real_autoscaler(
    kube: Kube, external_metrics: ExternalMetrics
) -> None:
    external_metrics.set("queue", 10, namespace=kube.namespace)
    kube.apply(
        deployment("sender", replicas=1), autoscaler("sender", lowest=1, highest=5, metric="queue")
    )
    external_metrics.set("queue", 40, namespace=kube.namespace)
    await eventually(lambda: replicas(kube, "sender") == 4)
    external_metrics.set("queue", 15, namespace=kube.namespace)
    await eventually(lambda: replicas(kube, "sender") == 2)
