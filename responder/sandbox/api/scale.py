"""The scale subresource: a Deployment's or ReplicaSet's replicas, and nothing else."""

from typing import Any

Json = dict[str, Any]


def of(body: Json) -> Json:
    """The Scale of an object."""
    meta = body["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    spec, status = body.get("spec", {}), body.get("status", {})
    labels = spec.get("selector", {}).get("matchLabels", {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: meta[key] for key in kept if key in meta},
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": {
            "replicas": status.get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def into(scale: Json, body: Json) -> Json:
    """The object as the Scale wants it."""
    version = scale.get("metadata", {}).get("resourceVersion", "")
    replicas = scale.get("spec", {}).get("replicas", 0)
    meta = {k: v for k, v in body["metadata"].items() if k != "resourceVersion"}
    return {
        **body,
        "metadata": meta | ({"resourceVersion": version} if version else {}),
        "spec": {**body.get("spec", {}), "replicas": replicas},
    }
