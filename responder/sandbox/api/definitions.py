"""The status of a CustomResourceDefinition, from its first moment to its last."""

from typing import Any, Final

from responder.sandbox.api.strategy import now

Json = dict[str, Any]
CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer by which it outlives its objects."""
_IN_PROGRESS: Final = "InstanceDeletionInProgress"


def established(definition: Json) -> Json:
    """It is served."""
    spec = definition["spec"]
    return {
        "conditions": [
            _condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            _condition(
                "Established", "InitialNamesAccepted", "the initial names have been accepted"
            ),
        ],
        "acceptedNames": spec["names"],
        "storedVersions": [v["name"] for v in spec["versions"] if v.get("storage")],
    }


def marked(definition: Json) -> Json:
    """It is to go, once its objects are gone."""
    told = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    return _terminating(definition, _condition("Terminating", "InstanceDeletionPending", told))


def emptied(definition: Json) -> Json:
    """Its objects are being deleted."""
    conditions = definition.get("status", {}).get("conditions", ())
    if any(condition["reason"] == _IN_PROGRESS for condition in conditions):
        status: Json = definition["status"]
        return status
    told = "CustomResource deletion is in progress"
    return _terminating(definition, _condition("Terminating", _IN_PROGRESS, told))


def _terminating(definition: Json, condition: Json) -> Json:
    status = definition.get("status", {})
    others = [c for c in status.get("conditions", ()) if c["type"] != "Terminating"]
    return {**status, "conditions": [*others, condition]}


def _condition(kind: str, reason: str, message: str) -> Json:
    told = {"type": kind, "status": "True", "lastTransitionTime": now()}
    return {**told, "reason": reason, "message": message}
