"""What each built-in kind demands, and what it fills in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from responder.sandbox.api import events, names, schema_rules
from responder.sandbox.api.failures import Cause
from responder.sandbox.api.kinds import Kind

Json = dict[str, Any]
_DATA_BYTES: Final = 2**20
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+\Z")
_SPECIFIED: Final = (
    *("Deployment", "ReplicaSet", "HorizontalPodAutoscaler", "CustomResourceDefinition"),
)
_CPU: Final = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
_AT_LEAST_0: Final = "must be greater than or equal to 0"


def defaulted(kind: Kind, body: Json) -> Json:
    """As the server stores it: with what was left out, without what is empty."""
    meta = {
        key: value
        for key, value in body.get("metadata", {}).items()
        if value or key not in ("annotations", "labels", "finalizers", "ownerReferences")
    }
    body = {**body, "metadata": meta}
    spec = body.get("spec")
    if spec is None and kind.kind in _SPECIFIED:
        spec = {}
    if kind.kind in ("ConfigMap", "Secret"):
        body = {key: value for key, value in body.items() if value or key != "data"}
        if kind.kind == "Secret":
            body.setdefault("type", "Opaque")
    if kind.kind == "Namespace":
        meta["labels"] = {"kubernetes.io/metadata.name": meta["name"], **meta.get("labels", {})}
        body = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}, **body}
    if not isinstance(spec, Mapping):
        return body
    if kind.kind in ("Deployment", "ReplicaSet"):
        spec = {**spec, "replicas": 1 if spec.get("replicas") is None else spec["replicas"]}
    if kind.kind == "Deployment":
        rolling = {"type": "RollingUpdate"}
        rolling["rollingUpdate"] = {"maxSurge": "25%", "maxUnavailable": "25%"}  # type: ignore[assignment]
        spec = {
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            "strategy": rolling,
            **spec,
        }
    if kind.kind == "HorizontalPodAutoscaler":
        least = 1 if spec.get("minReplicas") is None else spec["minReplicas"]
        spec = {**spec, "minReplicas": least, "metrics": spec.get("metrics") or [_CPU]}
    if kind.kind == "Service":
        spec = {"type": "ClusterIP", "clusterIP": "None", "sessionAffinity": "None", **spec}
    return {**body, "spec": spec}


def mistakes(kind: Kind, body: Json, old: Json | None) -> Iterator[Cause]:
    """What is wrong with it, as it is or as a change of the old one."""
    yield from names.mistakes(kind, body["metadata"])
    spec = body.get("spec", {})
    match kind.kind:
        case "Deployment" | "ReplicaSet":
            yield from _workload(kind, spec, old)
        case "HorizontalPodAutoscaler":
            yield from _autoscaler(spec)
        case "ConfigMap":
            yield from _configmap(body, old)
            yield from _data(body)
        case "Secret":
            yield from _configmap(body, old)
        case "Lease":
            yield from _lease(spec)
        case "RoleBinding" | "ClusterRoleBinding":
            yield from _binding(kind, body)
        case "CustomResourceDefinition":
            yield from schema_rules.mistakes(body)
        case "Event":
            yield from events.mistakes(kind, body, old)


def _workload(kind: Kind, spec: Json, old: Json | None) -> Iterator[Cause]:
    replicas = spec["replicas"]
    if replicas < 0:
        message = f"Invalid value: {replicas}: {_AT_LEAST_0}"
        yield Cause("FieldValueInvalid", message, "spec.replicas")
    selector = spec.get("selector")
    if selector is None:
        yield Cause("FieldValueRequired", "Required value", "spec.selector")
        return
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        told = f"Invalid value: {{}}: empty selector is invalid for {kind.kind.lower()}"
        yield Cause("FieldValueInvalid", told, "spec.selector")
    if old and old["spec"].get("selector") != selector:
        message = "Invalid value: field is immutable"
        yield Cause("FieldValueInvalid", message, "spec.selector")
    template = spec.get("template", {})
    labels = template.get("metadata", {}).get("labels", {})
    wanted = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        message = f"Invalid value: {_go_map(labels)}: `selector` does not match template `labels`"
        yield Cause("FieldValueInvalid", message, "spec.template.metadata.labels")
    inside = "spec.template.spec.containers"
    containers = template.get("spec", {}).get("containers")
    if not containers:
        yield Cause("FieldValueRequired", "Required value", inside)
    for at, container in enumerate(containers or ()):
        for key in ("name", "image"):
            if not container.get(key):
                yield Cause("FieldValueRequired", "Required value", f"{inside}[{at}].{key}")


def _go_map(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'"{key}":"{value}"' for key, value in sorted(labels.items()))
    return f"{{{inner}}}" if labels else "null"


def _autoscaler(spec: Json) -> Iterator[Cause]:
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    outside = any(m.get("type") in ("Object", "External") for m in spec.get("metrics", ()))
    if least < (0 if outside else 1):
        told = f"must be greater than or equal to {0 if outside else 1}"
        yield Cause("FieldValueInvalid", f"Invalid value: {least}: {told}", "spec.minReplicas")
    if most < 1:
        message = "Required value: must be set and greater than 0"
        yield Cause("FieldValueRequired", message, "spec.maxReplicas")
    if most < least:
        message = f"Invalid value: {most}: must be greater than or equal to `minReplicas`"
        yield Cause("FieldValueInvalid", message, "spec.maxReplicas")
    target = spec.get("scaleTargetRef", {})
    for key in ("kind", "name"):
        if not target.get(key):
            yield Cause("FieldValueRequired", "Required value", f"spec.scaleTargetRef.{key}")
    version = target.get("apiVersion", "")
    if "/" not in version:
        told = f'Invalid value: "{version}": apiVersion must specify API group'
        yield Cause("FieldValueInvalid", told, "spec.scaleTargetRef.apiVersion")


def _configmap(body: Json, old: Json | None) -> Iterator[Cause]:
    for key in sorted({*body.get("data", {}), *body.get("binaryData", {})}):
        if not _KEY.match(key):
            message = (
                f'Invalid value: "{key}": a valid config key must consist of alphanumeric'
                " characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name',"
                " regex used for validation is '[-._a-zA-Z0-9]+')"
            )
            yield Cause("FieldValueInvalid", message, f"data[{key}]")
    for key in sorted({*body.get("data", {})} & {*body.get("binaryData", {})}):
        told = f'Invalid value: "{key}": duplicate of key present in binaryData'
        yield Cause("FieldValueInvalid", told, f"data[{key}]")
    if old is None or not old.get("immutable"):
        return
    told = "Forbidden: field is immutable when `immutable` is set"
    if not body.get("immutable"):
        yield Cause("FieldValueForbidden", told, "immutable")
    for field in ("data", "binaryData"):
        if body.get(field) != old.get(field):
            yield Cause("FieldValueForbidden", told, field)


def _data(body: Json) -> Iterator[Cause]:
    values = [*body.get("data", {}).values(), *body.get("binaryData", {}).values()]
    if sum(len(value.encode()) for value in values) > _DATA_BYTES:
        told = f"Too long: may not be more than {_DATA_BYTES} bytes"
        yield Cause("FieldValueTooLong", told, "[]")


def _lease(spec: Json) -> Iterator[Cause]:
    for field, least in (("leaseDurationSeconds", 1), ("leaseTransitions", 0)):
        value = spec.get(field)
        if value is not None and value < least:
            told = "must be greater than 0" if least else _AT_LEAST_0
            yield Cause("FieldValueInvalid", f"Invalid value: {value}: {told}", f"spec.{field}")


def _binding(kind: Kind, body: Json) -> Iterator[Cause]:
    allowed = ("Role", "ClusterRole") if kind.namespaced else ("ClusterRole",)
    role = body.get("roleRef", {})
    if role.get("kind", "") not in allowed:
        listed = ", ".join(f'"{name}"' for name in allowed)
        told = f'Unsupported value: "{role.get("kind", "")}": supported values: {listed}'
        yield Cause("FieldValueNotSupported", told, "roleRef.kind")
    if not role.get("name"):
        yield Cause("FieldValueRequired", "Required value", "roleRef.name")
    for at, subject in enumerate(body.get("subjects", ())):
        if not subject.get("name"):
            yield Cause("FieldValueRequired", "Required value", f"subjects[{at}].name")
        if subject.get("kind", "") not in ("ServiceAccount", "User", "Group"):
            told = f'Unsupported value: "{subject.get("kind", "")}"'
            told += ': supported values: "Group", "ServiceAccount", "User"'
            yield Cause("FieldValueNotSupported", told, f"subjects[{at}].kind")
