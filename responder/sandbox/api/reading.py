"""Lists in pages, partial objects, and the tables that kubectl prints."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from responder.sandbox.api.failures import bad_request, expired
from responder.sandbox.api.kinds import Column, Kind
from responder.sandbox.api.store import Store

Json = dict[str, Any]

_CONTINUE_EXPIRED: Final = (
    "The provided continue parameter is too old to display a consistent list result."
    " You can start a new list without the continue parameter."
)
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400


def page(
    items: Sequence[Json], *, limit: int, after: str, store: Store
) -> tuple[Sequence[Json], Json]:
    """Give one page of a list, and the list's own metadata; raises Refused.

    A page that continues another shows what is there now: only its start is remembered.
    """
    metadata: Json = {"resourceVersion": str(store.revision)}
    first = 0
    if after:
        revision, last = _token(after)
        if not store.is_remembered(revision):
            raise expired(_CONTINUE_EXPIRED)
        metadata["resourceVersion"] = str(revision)
        first = next((at for at, item in enumerate(items) if _position(item) > last), len(items))
    chosen = items[first : first + limit] if limit else items[first:]
    left = len(items) - first - len(chosen)
    if left:
        token = {"rv": int(metadata["resourceVersion"]), "after": _position(chosen[-1])}
        metadata["continue"] = base64.urlsafe_b64encode(json.dumps(token).encode()).decode()
        metadata["remainingItemCount"] = left
    return chosen, metadata


def _position(item: Mapping[str, Any]) -> list[str]:
    metadata = item["metadata"]
    return [metadata.get("namespace", ""), metadata["name"]]


def _token(text: str) -> tuple[int, list[str]]:
    try:
        told = json.loads(base64.urlsafe_b64decode(text.encode()))
        return int(told["rv"]), [str(part) for part in told["after"]]
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request("continue key is not valid") from error


def partial(item: Mapping[str, Any]) -> Json:
    """Give an object's metadata alone."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": item["metadata"],
    }


def table(
    kind: Kind, items: Iterable[Mapping[str, Any]], *, metadata: Json, now: datetime | None = None
) -> Json:
    """Give what `kubectl get` prints."""
    columns = (Column("Name", ".metadata.name"), *(_COLUMNS.get(kind.plural) or kind.columns))
    if not any(column.name == "Age" for column in columns):
        columns = (*columns, Column("Age", ".metadata.creationTimestamp", "date"))
    at = now or datetime.now(UTC)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [
            {
                "name": column.name,
                "type": "string" if column.type == "date" else column.type,
                "format": "name" if column.name == "Name" else "",
                "description": "",
                "priority": column.priority,
            }
            for column in columns
        ],
        "rows": [
            {"cells": [_cell(item, column, at) for column in columns], "object": partial(item)}
            for item in items
        ],
    }


_COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    "deployments": (
        Column("Ready", "ready"),
        Column("Up-to-date", ".status.updatedReplicas", "integer"),
        Column("Available", ".status.availableReplicas", "integer"),
    ),
    "replicasets": (
        Column("Desired", ".spec.replicas", "integer"),
        Column("Current", ".status.replicas", "integer"),
        Column("Ready", ".status.readyReplicas", "integer"),
    ),
    "pods": (Column("Status", ".status.phase"),),
    "configmaps": (Column("Data", "data", "integer"),),
    "horizontalpodautoscalers": (
        Column("Reference", "reference"),
        Column("MinPods", ".spec.minReplicas", "integer"),
        Column("MaxPods", ".spec.maxReplicas", "integer"),
        Column("Replicas", ".status.currentReplicas", "integer"),
    ),
    "namespaces": (Column("Status", ".status.phase"),),
    "leases": (Column("Holder", ".spec.holderIdentity"),),
    "events": (
        Column("Type", ".type"),
        Column("Reason", ".reason"),
        Column("Object", "regarding"),
        Column("Message", ".note"),
    ),
}


def _cell(item: Mapping[str, Any], column: Column, now: datetime) -> Any:  # noqa: ANN401, PLR0911 -- any JSON; one line for each column
    match column.path:
        case "ready":
            ready = _at(item, ".status.readyReplicas") or 0
            return f"{ready}/{_at(item, '.spec.replicas') or 0}"
        case "data":
            return len(item.get("data") or {}) + len(item.get("binaryData") or {})
        case "reference":
            target = _at(item, ".spec.scaleTargetRef") or {}
            return f"{target.get('kind', '')}/{target.get('name', '')}"
        case "regarding":
            target = item.get("regarding") or {}
            return f"{str(target.get('kind', '')).lower()}/{target.get('name', '')}"
        case _:
            value = _at(item, column.path)
    if column.type == "date":
        return age(str(value or ""), now=now)
    if column.type == "integer":
        return value or 0
    return "" if value is None else str(value)


def _at(item: Any, path: str) -> Any:  # noqa: ANN401 -- any JSON
    for step in path.split(".")[1:]:
        item = item.get(step) if isinstance(item, Mapping) else None
    return item


def age(moment: str, *, now: datetime) -> str:
    """Say how long ago, as kubectl does: `5s`, `12m`, `3h`, `8d`."""
    try:
        began = datetime.fromisoformat(moment)
    except ValueError:
        return "<unknown>"
    seconds = max(0, int((now - began).total_seconds()))
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
