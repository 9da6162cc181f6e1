"""Answers in the shape that was asked for: objects, lists, partial objects, tables."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from responder.sandbox.api.failures import Json, Refused
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.reading import partial, table

Shape = Callable[[Json], Json]


def _wanted(request: web.Request, name: str) -> bool:
    return f"as={name}" in request.headers.get("Accept", "").replace(" ", "")


def shape_for(request: web.Request, kind: Kind) -> Shape:
    """Give how one object is shown."""
    if _wanted(request, "Table"):
        return lambda item: table(
            kind, [item], metadata={"resourceVersion": item["metadata"].get("resourceVersion", "")}
        )
    if _wanted(request, "PartialObjectMetadata"):
        return partial
    return lambda item: item


def listed(request: web.Request, kind: Kind, items: Sequence[Json], metadata: Json) -> Json:
    """Give a list."""
    if _wanted(request, "Table"):
        return table(kind, items, metadata=metadata)
    if _wanted(request, "PartialObjectMetadataList"):
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": [partial(item) for item in items],
        }
    return {
        "kind": f"{kind.kind}List",
        "apiVersion": kind.api_version,
        "metadata": metadata,
        # A list names its kind once.
        "items": [_unnamed(item) if not kind.custom else item for item in items],
    }


def _unnamed(item: Mapping[str, Any]) -> Json:
    return {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}


def answer(body: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(body).encode(), status=status, content_type="application/json"
    )


def refusal(refused: Refused) -> web.Response:
    return answer(refused.status, status=refused.code)


def success(subject: Mapping[str, Any]) -> Json:
    """Say that something is deleted."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": dict(subject),
    }
