"""What the cases create."""

from typing import Any

Json = dict[str, Any]


def configmap(name: str = "c", **data: str) -> Json:
    return {"metadata": {"name": name}, "data": data or {"a": "1"}}


def deployment(name: str = "d", replicas: int | None = 2, **meta: Any) -> Json:  # noqa: ANN401
    labels = {"app": name}
    spec = {} if replicas is None else {"replicas": replicas}
    return {
        "metadata": {"name": name, **meta},
        "spec": {
            **spec,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "none"}]},
            },
        },
    }


def autoscaler(name: str = "h", least: int | None = 2, most: int = 5, target: str = "d") -> Json:
    spec: Json = {
        "maxReplicas": most,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
    }
    if least is not None:
        spec["minReplicas"] = least
    return {"metadata": {"name": name}, "spec": spec}


def managers(body: Json, *path: str) -> list[str]:
    """Who owns a field; `path` as FieldsV1 has it."""
    found = []
    for entry in body["metadata"].get("managedFields", ()):
        node = entry["fieldsV1"]
        for step in path:
            node = node.get(step) if isinstance(node, dict) else None
        if node is not None:
            found.append(f"{entry['manager']}/{entry['operation']}")
    return sorted(found)
