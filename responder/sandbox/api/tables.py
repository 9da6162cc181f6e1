"""What `kubectl get` prints: a list or an object as a Table, made by the server."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from responder.sandbox.api.kinds import Column, Kind

Json = dict[str, Any]
_NAME: Final = {"name": "Name", "type": "string", "format": "name", "priority": 0}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def table(kind: Kind, body: Json, *, include: str = "Metadata") -> Json:
    """Of a List or of one object; `include` is what each row carries of it."""
    items = body.get("items", [body])
    meta = body["metadata"]
    kept = ("resourceVersion", "continue", "remainingItemCount")
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {key: meta[key] for key in kept if key in meta},
        "columnDefinitions": [_NAME, *(_definition(column) for column in kind.columns)],
        "rows": [_row(kind, item, include) for item in items],
    }


def _definition(column: Column) -> Json:
    return {
        "name": column.name,
        # The server prints ages itself, so they are texts by then.
        "type": "string" if column.type == "date" else column.type,
        "format": "",
        "description": "",
        "priority": column.priority,
    }


def _row(kind: Kind, item: Json, include: str) -> Json:
    cells = [item["metadata"]["name"], *(_cell(column, item) for column in kind.columns)]
    if include == "Object":
        return {"cells": cells, "object": item}
    return {"cells": cells, "object": partial(item)} if include != "None" else {"cells": cells}


def partial(body: Json) -> Json:
    """The metadata alone, of one object or of each in a list."""
    kind = "PartialObjectMetadata"
    shown: Json = {"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}
    if "items" in body:
        shown |= {"kind": f"{kind}List", "items": [partial(item) for item in body["items"]]}
    return shown


def _cell(column: Column, item: Json) -> Any:  # noqa: ANN401 -- any JSON
    if not column.path.startswith("."):
        return _computed(column.path, item)
    value: Any = item
    for step in re.findall(r"[^.\[\]']+", column.path):
        value = value.get(step) if isinstance(value, Mapping) else None
    if value is None:
        return 0 if column.type == "integer" and ".status" in column.path else None
    if column.type == "date":
        return _age(str(value))
    return value


def _computed(what: str, item: Json) -> Any:  # noqa: ANN401, PLR0911 -- one answer a column
    spec, status = item.get("spec", {}), item.get("status", {})
    match what:
        case "available":
            return f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
        case "ready":
            return "1/1" if status.get("phase") == "Running" else "0/1"
        case "reference":
            target = spec.get("scaleTargetRef", {})
            return f"{target.get('kind')}/{target.get('name')}"
        case "targets":
            return "<unknown>" if spec.get("metrics") else "<none>"
        case "regarding" | "involved":
            about = item.get("regarding") or item.get("involvedObject") or {}
            return f"{about.get('kind', '').lower()}/{about.get('name', '')}"
        case "count:data":
            return len(item.get("data") or ())
    return 0


def _age(since: str) -> str:
    try:
        began = datetime.fromisoformat(since)
    except ValueError:
        return "<invalid>"
    seconds = int((datetime.now(UTC) - began).total_seconds())
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= 2 * unit:
            return f"{seconds // unit}{name}"
    return f"{max(seconds, 0)}s"
