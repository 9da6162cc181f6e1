"""The options of a write, as its query gives them."""

from collections.abc import Mapping
from typing import Any

from responder.sandbox.api.failures import Cause, Refused
from responder.sandbox.api.strategy import Options

_KINDS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}
_VALIDATIONS = ("Ignore", "Warn", "Strict")
_MANAGER_BYTES = 128
_POLICIES = ("Foreground", "Background", "Orphan")


def options(
    method: str, parameters: Mapping[str, str], *, agent: str, applies: bool = False
) -> Options:
    """Raises Refused: 422."""
    causes = []
    dry_run = parameters.get("dryRun", "")
    manager = parameters.get("fieldManager", "")
    validation = parameters.get("fieldValidation", "")
    force = parameters.get("force", "")
    if applies and not manager:
        told = "Required value: is required for apply patch"
        causes.append(Cause("FieldValueRequired", told, "fieldManager"))
    if force and not applies:
        told = "Forbidden: may not be specified for non-apply patch"
        causes.append(Cause("FieldValueForbidden", told, "force"))
    if len(manager) > _MANAGER_BYTES:
        told = f"Too long: may not be more than {_MANAGER_BYTES} bytes"
        causes.append(Cause("FieldValueTooLong", told, "fieldManager"))
    if dry_run not in ("", "All"):
        told = f'Unsupported value: "{dry_run}": supported values: "All"'
        causes.append(Cause("FieldValueNotSupported", told, "dryRun"))
    if validation and validation not in _VALIDATIONS:
        allowed = '"", "Ignore", "Strict", "Warn"'
        told = f'Unsupported value: "{validation}": supported values: {allowed}'
        causes.append(Cause("FieldValueNotSupported", told, "fieldValidation"))
    if causes:
        raise Refused.bad_options(_KINDS[method], causes)
    return Options(
        manager or agent.partition("/")[0] or "unknown",
        dry_run=bool(dry_run),
        force=force in ("true", "1"),
        validation=validation or "Warn",
    )


def require_deletable(wish: Mapping[str, Any]) -> None:
    """Check a DeleteOptions. Raises Refused: 422."""
    causes = []
    dry_run, policy = wish.get("dryRun") or [], wish.get("propagationPolicy")
    if policy and "orphanDependents" in wish:
        told = "orphanDependents and deletionPropagation cannot be both set"
        told = f'Invalid value: "{policy}": {told}'
        causes.append(Cause("FieldValueInvalid", told, "propagationPolicy"))
    elif policy and policy not in _POLICIES:
        listed = ", ".join(f'"{name}"' for name in (*_POLICIES, "nil"))
        told = f'Unsupported value: "{policy}": supported values: {listed}'
        causes.append(Cause("FieldValueNotSupported", told, "propagationPolicy"))
    if dry_run not in ([], ["All"]):
        shown = ",".join(f'"{one}"' for one in dry_run)
        told = f'Unsupported value: [{shown}]: supported values: "All"'
        causes.append(Cause("FieldValueNotSupported", told, "dryRun"))
    if causes:
        raise Refused.bad_options("DeleteOptions", causes)
