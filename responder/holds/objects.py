"""The words by which held objects are named, marked and read. Raw JSON in, plain values out."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

JsonObject = dict[str, Any]
"""One Kubernetes object as the API server sent it."""

PREFIX: Final = "campaign-responder.dev/"
LEDGER_ANNOTATION: Final = PREFIX + "ledger"
HOLD_LABEL: Final = PREFIX + "hold"
HOLD_ALLOWED: Final = "allowed"
HOLD_EVEN_TRANSACTIONAL: Final = "even-transactional"
"""Its owner lets it be held although it is of transactional mail, where a playbook forces it."""
HOLD_NEVER: Final = "never"
CAMPAIGN_MARK: Final = PREFIX + "campaign"
KEYS_ANNOTATION: Final = PREFIX + "keys"
WORKLOADS_ANNOTATION: Final = PREFIX + "workloads"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
STREAM_LABELS: Final = (PREFIX + "stream", "stream")
TRANSACTIONAL: Final = "transactional"
POD_LABELS: Final = ("spec", "template", "metadata", "labels")

MANAGER: Final = "campaign-responder"
GIVE_BACK_MANAGER: Final = "campaign-responder-give-back"
CREATE_MANAGER: Final = "campaign-responder-create"
"""Of the object that we make: what it stands for stays in managedFields when no hold is left."""

SENDING_HOLDS: Final = "sending-holds"
"""The ConfigMap of a namespace, ours, with the hold documents of pools, segments and providers."""

HOLD_KEY: Final = "hold.json"
"""The key, ours, in a campaign's own ConfigMap."""


API_VERSIONS: Final = {
    "Deployment": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "ConfigMap": "v1",
}
"""Of the kinds that are held."""


class ObjectKey(NamedTuple):
    """Names one object of the cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Render as kubectl names it, for people."""
        return f"{self.kind}/{self.name}"


def metadata(live: Mapping[str, Any]) -> JsonObject:
    """Give the object's metadata, empty where there is none."""
    found = live.get("metadata")
    return found if isinstance(found, dict) else {}


def name(live: Mapping[str, Any]) -> str:
    return str(metadata(live).get("name", ""))


def namespace(live: Mapping[str, Any]) -> str:
    return str(metadata(live).get("namespace", ""))


def uid(live: Mapping[str, Any]) -> str:
    return str(metadata(live).get("uid", ""))


def resource_version(live: Mapping[str, Any]) -> str:
    return str(metadata(live).get("resourceVersion", ""))


def label(live: Mapping[str, Any], key: str) -> str:
    """Give a label's value, empty where it is not set."""
    return str((metadata(live).get("labels") or {}).get(key, ""))


def annotation(live: Mapping[str, Any], key: str) -> str | None:
    """Give an annotation's value, or None where it is not set."""
    found = (metadata(live).get("annotations") or {}).get(key)
    return found if isinstance(found, str) else None


def value_at(live: Mapping[str, Any], path: tuple[str, ...]) -> Any:  # noqa: ANN401 -- JSON
    """Read a field, e.g. ("spec", "replicas"); None where any part of the path is missing."""
    found: Any = live
    for step in path:
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


def is_transactional(live: Mapping[str, Any]) -> bool:
    """Tell whether the object, or its pods, carry transactional mail, which is never held."""
    pods = value_at(live, POD_LABELS) or {}
    return any(TRANSACTIONAL in {label(live, key), pods.get(key)} for key in STREAM_LABELS)
