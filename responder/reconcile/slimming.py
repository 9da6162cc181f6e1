"""What of an object is kept in memory: what we may hold, and what tells whose it is."""

from typing import Any, Final

from responder.holds.effect import GRACE_SECONDS
from responder.holds.ledger import Ledger
from responder.holds.objects import (
    HOLD_KEY,
    KEYS_ANNOTATION,
    LEDGER_ANNOTATION,
    POD_LABELS,
    SENDING_HOLDS,
    STREAM_LABELS,
    JsonObject,
    annotation,
    metadata,
    name,
    value_at,
)
from responder.reconcile.switch import SWITCH_NAME

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_GRACE: Final = "terminationGracePeriodSeconds"
_COUNTED: Final = ("observedGeneration", "replicas", "terminatingReplicas")
_SCALING: Final = ("type", "reason", "lastTransitionTime")
DROPPED: Final = "x-dropped"
"""The names of a ConfigMap's keys that are not kept: it is read in full before one is held."""


def _slim_metadata(live: JsonObject) -> JsonObject:
    meta = dict(metadata(live))
    annotations = meta.get("annotations")
    if annotations and _LAST_APPLIED in annotations:
        meta["annotations"] = {k: v for k, v in annotations.items() if k != _LAST_APPLIED}
    return meta


def slim_deployment(live: JsonObject) -> JsonObject:
    kept: JsonObject = {"replicas": (live.get("spec") or {}).get("replicas")}
    streams = {
        key: value
        for key, value in (value_at(live, POD_LABELS) or {}).items()
        if key in STREAM_LABELS
    }
    template: JsonObject = {"metadata": {"labels": streams}} if streams else {}
    grace = value_at(live, ("spec", "template", "spec", _GRACE))
    if grace not in (None, GRACE_SECONDS):
        template["spec"] = {_GRACE: grace}
    if template:
        kept["template"] = template
    slim: JsonObject = {"metadata": _slim_metadata(live), "spec": kept}
    status = live.get("status") or {}
    counted = {name: status[name] for name in _COUNTED if name in status}
    return slim | ({"status": counted} if counted else {})


def slim_autoscaler(live: JsonObject) -> JsonObject:
    spec = live.get("spec") or {}
    kept = {
        key: spec[key] for key in ("minReplicas", "maxReplicas", "scaleTargetRef") if key in spec
    }
    slim: JsonObject = {"metadata": _slim_metadata(live), "spec": kept}
    conditions = (live.get("status") or {}).get("conditions") or ()
    active = [
        {key: told[key] for key in _SCALING if key in told}
        for told in conditions
        if told.get("type") == "ScalingActive"
    ]
    return slim | ({"status": {"conditions": active}} if active else {})


def slim_config_map(live: JsonObject) -> JsonObject:
    """Keep of a ConfigMap's data the keys that we may hold; others are another program's."""
    data: dict[str, Any] = live.get("data") or {}
    kept: JsonObject = {"metadata": _slim_metadata(live)}
    if live.get("immutable"):
        kept["immutable"] = True
    if not data:
        return kept
    if name(live) in {SENDING_HOLDS, SWITCH_NAME}:
        kept["data"] = data
        return kept
    offered = (annotation(live, KEYS_ANNOTATION) or "").split(",")
    ledger = Ledger.from_text(annotation(live, LEDGER_ANNOTATION))
    wanted = {HOLD_KEY, *(part.strip() for part in offered), *(ledger.fields if ledger else ())}
    few = {key: value for key, value in data.items() if key in wanted}
    if few:
        kept["data"] = few
    if len(few) != len(data):
        kept[DROPPED] = frozenset(data) - frozenset(few)
    return kept
