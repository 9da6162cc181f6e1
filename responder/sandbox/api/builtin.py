"""Defaults and rules of the built-in kinds, as far as somebody could trip over them here."""

import re
from typing import Any, Final

from responder.sandbox.api.failures import Cause, bad_request

Json = dict[str, Any]

_SECOND_CPU_PERCENT: Final = 80
_MICRO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")


def defaulted_deployment(body: Json) -> Json:
    """Give a Deployment with the defaults that matter for what is held."""
    spec = dict(body.get("spec") or {})
    if spec.get("replicas") is None:
        spec["replicas"] = 1
    rolling = {"maxUnavailable": "25%", "maxSurge": "25%"}
    spec.setdefault("strategy", {"type": "RollingUpdate", "rollingUpdate": rolling})
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    return {**body, "spec": spec}


def defaulted_autoscaler(body: Json) -> Json:
    """Give an autoscaler with a minimum and with a metric."""
    spec = dict(body.get("spec") or {})
    if spec.get("minReplicas") is None:
        spec["minReplicas"] = 1
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": _SECOND_CPU_PERCENT}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {**body, "spec": spec}


def wrong_deployment(body: Json, old: Json | None) -> list[Cause]:
    """Check replicas, selector and template."""
    spec = body["spec"]
    found: list[Cause] = []
    replicas = spec.get("replicas")
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        found.append(Cause("spec.replicas", f"Invalid value: {replicas!r}: must be an integer"))
    elif replicas < 0:
        told = f"Invalid value: {replicas}: must be greater than or equal to 0"
        found.append(Cause("spec.replicas", told))
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    wanted = (spec.get("selector") or {}).get("matchLabels") or {}
    if not wanted:
        found.append(Cause("spec.selector", "Required value", "FieldValueRequired"))
    elif any(labels.get(key) != value for key, value in wanted.items()):
        told = f"Invalid value: {labels!r}: `selector` does not match template `labels`"
        found.append(Cause("spec.template.metadata.labels", told))
    if not ((spec.get("template") or {}).get("spec") or {}).get("containers"):
        found.append(Cause("spec.template.spec.containers", "Required value", "FieldValueRequired"))
    if old is not None and old["spec"].get("selector") != spec.get("selector"):
        told = f"Invalid value: {spec.get('selector')!r}: field is immutable"
        found.append(Cause("spec.selector", told))
    return found


def wrong_autoscaler(body: Json, _old: Json | None) -> list[Cause]:
    """Check the bounds and the reference."""
    spec = body["spec"]
    found: list[Cause] = []
    least, most = spec.get("minReplicas"), spec.get("maxReplicas")
    if not isinstance(most, int):
        return [Cause("spec.maxReplicas", "Required value", "FieldValueRequired")]
    outside = any(
        metric.get("type") in ("Object", "External") for metric in spec.get("metrics") or ()
    )
    lowest = 0 if outside else 1
    if isinstance(least, int) and least < lowest:
        told = f"Invalid value: {least}: must be greater than or equal to {lowest}"
        found.append(Cause("spec.minReplicas", told))
    if most < 1:
        found.append(Cause("spec.maxReplicas", f"Invalid value: {most}: must be greater than 0"))
    if isinstance(least, int) and most < least:
        told = f"Invalid value: {most}: must be greater than or equal to `minReplicas`"
        found.append(Cause("spec.maxReplicas", told))
    if not (spec.get("scaleTargetRef") or {}).get("name"):
        found.append(Cause("spec.scaleTargetRef.name", "Required value", "FieldValueRequired"))
    return found


def wrong_lease(body: Json, _old: Json | None) -> list[Cause]:
    """Check the times, which have exactly six digits of a second; raises Refused."""
    for name in ("acquireTime", "renewTime"):
        _require_micro_time((body.get("spec") or {}).get(name))
    return []


def wrong_event(body: Json, _old: Json | None) -> list[Cause]:
    """Check the time, and what every Event has; raises Refused."""
    _require_micro_time(body.get("eventTime"))
    _require_micro_time((body.get("series") or {}).get("lastObservedTime"))
    needed = ("eventTime", "reportingController", "reportingInstance", "action", "reason")
    found = [
        Cause(name, "Required value", "FieldValueRequired") for name in needed if not body.get(name)
    ]
    if body.get("type") not in ("Normal", "Warning"):
        found.append(Cause("type", f'Invalid value: "{body.get("type", "")}": has invalid value'))
    return found


def _require_micro_time(moment: object) -> None:
    if moment is not None and _MICRO_TIME.fullmatch(str(moment)) is None:
        raise bad_request(f"parsing time {str(moment)!r} as a MicroTime: six digits are needed")


def wrong_config_map(body: Json, old: Json | None) -> list[Cause]:
    """Check the keys and values, and that what is immutable stays as it is."""
    found = [
        Cause(f"data[{key}]", "Invalid value: must be a string")
        for key, value in (body.get("data") or {}).items()
        if not isinstance(value, str)
    ]
    if old is not None and old.get("immutable") is True:
        told = "Forbidden: field is immutable when `immutable` is set"
        if body.get("immutable") is not True:
            found.append(Cause("immutable", told, "FieldValueForbidden"))
        found += [
            Cause(part, told, "FieldValueForbidden")
            for part in ("data", "binaryData")
            if body.get(part) != old.get(part)
        ]
    return found
