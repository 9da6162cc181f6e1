"""The subresource `scale`: the replicas of a workload, and nothing else of it."""

from collections.abc import Mapping
from typing import Any

from responder.sandbox.api.failures import Json


def scale_of(body: Mapping[str, Any]) -> Json:
    """Give a workload's scale."""
    metadata = body["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = (body["spec"].get("selector") or {}).get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": body["spec"].get("replicas", 1)},
        "status": {
            "replicas": (body.get("status") or {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in labels.items()),
        },
    }


def scaled(body: Mapping[str, Any], scale: Mapping[str, Any]) -> Json:
    """Give the workload with the replicas, and the version it was read at, of a scale."""
    metadata = dict(body["metadata"])
    version = (scale.get("metadata") or {}).get("resourceVersion")
    metadata["resourceVersion"] = version or metadata["resourceVersion"]
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    return {**body, "metadata": metadata, "spec": {**body["spec"], "replicas": replicas}}
