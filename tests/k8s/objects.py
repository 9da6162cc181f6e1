"""The objects of a sending team, as it would create them: what the responder may and may not."""

from collections.abc import Mapping
from typing import Any

Marks = Mapping[str, str]


def meta(name: str, *, labels: Marks | None = None, annotations: Marks | None = None) -> Any:  # noqa: ANN401 -- JSON
    return {"name": name, "labels": dict(labels or {}), "annotations": dict(annotations or {})}


def workload(
    kind: str,
    name: str,
    *,
    labels: Marks | None = None,
    annotations: Marks | None = None,
    selector: Marks | None = None,
    pod_labels: Marks | None = None,
) -> dict[str, Any]:
    """A Deployment or a StatefulSet of 8."""
    chosen = {"app": name, **(selector or {})}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": meta(name, labels=labels, annotations=annotations),
        "spec": {
            "replicas": 8,
            "minReadySeconds": 5,
            "selector": {"matchLabels": chosen},
            "template": {
                "metadata": {"labels": {**chosen, **(pod_labels or {})}},
                "spec": {"containers": [{"name": "main", "image": "none.invalid/none"}]},
            },
        },
    }


def autoscaler(
    name: str, *, labels: Marks | None = None, annotations: Marks | None = None
) -> dict[str, Any]:
    """2..20, of a Deployment that need not exist."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta(name, labels=labels, annotations=annotations),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 2,
            "maxReplicas": 20,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 50},
                    },
                }
            ],
        },
    }


def config_map(
    name: str,
    data: Marks | None = None,
    *,
    labels: Marks | None = None,
    annotations: Marks | None = None,
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta(name, labels=labels, annotations=annotations),
        "data": dict(data or {}),
    }
