"""What each built-in kind demands, and what it fills in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from responder.sandbox.api.failures import Cause
from responder.sandbox.api.kinds import Kind

Json = dict[str, Any]
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z")
_NAME_BYTES: Final = 253
_NOTE_BYTES: Final = 1024
_DATA_BYTES: Final = 2**20
_ANNOTATIONS_BYTES: Final = 2**18
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+\Z")
_LABEL: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z")
_CPU: Final = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
_AT_LEAST_0: Final = "must be greater than or equal to 0"
_SUBDOMAIN_TOLD: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
    " '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used"
    r" for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TOLD: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.',"
    " and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or"
    " '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def defaulted(kind: Kind, body: Json) -> Json:
    """As the server stores it: with what was left out, without what is empty."""
    meta = {
        key: value
        for key, value in body.get("metadata", {}).items()
        if value or key not in ("annotations", "labels", "finalizers", "ownerReferences")
    }
    body = {**body, "metadata": meta}
    spec = body.get("spec")
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
    yield from _metadata(body["metadata"])
    spec = body.get("spec", {})
    match kind.kind:
        case "Deployment" | "ReplicaSet":
            yield from _workload(spec, old)
        case "HorizontalPodAutoscaler":
            yield from _autoscaler(spec)
        case "ConfigMap":
            yield from _configmap(body, old)
            yield from _data(body)
        case "Secret":
            yield from _configmap(body, old)
        case "Lease":
            yield from _lease(spec)
        case "Event":
            if body.get("eventTime"):  # core's older ones have none, and no such rules
                yield from _event(body)


def _metadata(meta: Json) -> Iterator[Cause]:
    name = meta["name"]
    if not _SUBDOMAIN.match(name) and not meta.get("generateName") and ":" not in name:
        message = f'Invalid value: "{name}": {_SUBDOMAIN_TOLD}'
        yield Cause("FieldValueInvalid", message, "metadata.name")
    if len(name) > _NAME_BYTES:
        message = f'Invalid value: "{name}": must be no more than 253 bytes'
        yield Cause("FieldValueInvalid", message, "metadata.name")
    annotations = meta.get("annotations", {})
    size = sum(len(f"{key}{value}".encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_BYTES:
        told = f"Too long: may not be more than {_ANNOTATIONS_BYTES} bytes"
        yield Cause("FieldValueTooLong", told, "metadata.annotations")
    for value in meta.get("labels", {}).values():
        if not _LABEL.match(value):
            message = f'Invalid value: "{value}": {_LABEL_TOLD}'
            yield Cause("FieldValueInvalid", message, "metadata.labels")


def _workload(spec: Json, old: Json | None) -> Iterator[Cause]:
    replicas = spec["replicas"]
    if replicas < 0:
        message = f"Invalid value: {replicas}: {_AT_LEAST_0}"
        yield Cause("FieldValueInvalid", message, "spec.replicas")
    selector = spec.get("selector")
    if not selector:
        yield Cause("FieldValueRequired", "Required value", "spec.selector")
        return
    if old and old["spec"].get("selector") != selector:
        message = "Invalid value: field is immutable"
        yield Cause("FieldValueInvalid", message, "spec.selector")
    template = spec.get("template", {})
    labels = template.get("metadata", {}).get("labels", {})
    wanted = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        message = f"Invalid value: {_go_map(labels)}: `selector` does not match template `labels`"
        yield Cause("FieldValueInvalid", message, "spec.template.metadata.labels")
    if not template.get("spec", {}).get("containers"):
        yield Cause("FieldValueRequired", "Required value", "spec.template.spec.containers")


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


def _configmap(body: Json, old: Json | None) -> Iterator[Cause]:
    for key in sorted({*body.get("data", {}), *body.get("binaryData", {})}):
        if not _KEY.match(key):
            message = (
                f'Invalid value: "{key}": a valid config key must consist of alphanumeric'
                " characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name',"
                " regex used for validation is '[-._a-zA-Z0-9]+')"
            )
            yield Cause("FieldValueInvalid", message, f"data[{key}]")
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


def _event(body: Json) -> Iterator[Cause]:
    for field in ("reportingController", "reportingInstance", "action", "reason"):
        if not body.get(field):
            yield Cause("FieldValueRequired", "Required value", field)
    if body.get("type") not in ("Normal", "Warning"):
        message = f'Invalid value: "{body.get("type", "")}": has invalid value: {body.get("type")}'
        yield Cause("FieldValueInvalid", message, "type")
    if len(str(body.get("note", "")).encode()) > _NOTE_BYTES:
        message = f"Invalid value: can have at most {_NOTE_BYTES} characters"
        yield Cause("FieldValueInvalid", message, "note")


def _lease(spec: Json) -> Iterator[Cause]:
    for field, least in (("leaseDurationSeconds", 1), ("leaseTransitions", 0)):
        value = spec.get(field)
        if value is not None and value < least:
            told = "must be greater than 0" if least else _AT_LEAST_0
            yield Cause("FieldValueInvalid", f"Invalid value: {value}: {told}", f"spec.{field}")


TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "spec.replicas": int,
    "spec.minReplicas": int,
    "spec.maxReplicas": int,
    "spec.leaseDurationSeconds": int,
    "data.*": str,
    "metadata.labels.*": str,
    "metadata.annotations.*": str,
}
_MICRO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)\Z")
_MICRO_TIMES: Final = ("eventTime", "spec.renewTime", "spec.acquireTime", "series.lastObservedTime")


def unreadable(kind: Kind, body: Json) -> str:
    """What the server can't even decode, in a word; "" if there is nothing."""
    for path, wanted in TYPES.items():
        *above, last = path.split(".")
        node: Any = body
        for step in above:
            node = node.get(step) if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping):
            continue
        values = node.values() if last == "*" else [node.get(last)]
        for value in values:
            if value is not None and (not isinstance(value, wanted) or isinstance(value, bool)):
                return f"json: cannot unmarshal into Go struct field .{path}"
    if kind.group in ("events.k8s.io", "coordination.k8s.io"):
        for path in _MICRO_TIMES:
            time: Any = body
            for step in path.split("."):
                time = time.get(step) if isinstance(time, Mapping) else None
            if time is not None and not _MICRO_TIME.match(str(time)):
                return f'parsing time "{time}" as "2006-01-02T15:04:05.000000Z07:00"'
    return ""
