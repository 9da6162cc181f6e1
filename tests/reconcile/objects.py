"""Held objects as the view keeps them, for tests."""

from collections.abc import Mapping
from typing import Any

from responder.holds.objects import CAMPAIGN_MARK, HOLD_ALLOWED, HOLD_LABEL

Json = dict[str, Any]
ALLOWED = {HOLD_LABEL: HOLD_ALLOWED}


def metadata(
    name: str, *, version: int = 1, uid: str = "", labels: Mapping[str, str] | None = None
) -> Json:
    return {
        "namespace": "mail",
        "name": name,
        "uid": uid or f"{name}-uid",
        "resourceVersion": str(version),
        "labels": dict(labels or {}),
    }


def deployment(name: str = "email-sender", *, replicas: int = 8, **meta: Any) -> Json:  # noqa: ANN401
    return {
        "metadata": metadata(name, **{"labels": ALLOWED, **meta}),
        "spec": {"replicas": replicas},
    }


def autoscaler(
    name: str = "email-sender-hpa",
    *,
    of: str = "email-sender",
    bounds: tuple[int, int] = (2, 20),
    **meta: Any,  # noqa: ANN401 -- as metadata's
) -> Json:
    return {
        "metadata": metadata(name, **{"labels": ALLOWED, **meta}),
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": of},
            "minReplicas": bounds[0],
            "maxReplicas": bounds[1],
        },
    }


def config_map(
    name: str = "spring-sale",
    *,
    campaign: str = "",
    data: Mapping[str, str] | None = None,
    **meta: Any,  # noqa: ANN401 -- as metadata's
) -> Json:
    labels = {CAMPAIGN_MARK: campaign or name} | dict(meta.pop("labels", {}))
    return {"metadata": metadata(name, labels=labels, **meta), "data": dict(data or {})}
