"""An answer's form: JSON, a Table or metadata alone, with its warnings."""

import json
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from responder.sandbox.api import events, tables
from responder.sandbox.api.failures import Refused
from responder.sandbox.api.routes import Target

Json = dict[str, Any]


def as_json(body: Json, *, status: int = 200, headers: Any = None) -> web.Response:  # noqa: ANN401
    data = json.dumps(body, separators=(",", ":")).encode() + b"\n"
    return web.Response(body=data, status=status, content_type="application/json", headers=headers)


def shown(
    request: BaseRequest,
    to: Target,
    body: Json,
    *,
    status: int = 200,
    warnings: list[str] | None = None,
) -> web.Response:
    """An object or a list of a target, as it is asked for."""
    headers = [("Warning", f'299 - "{_escaped(text)}"') for text in warnings or ()]
    return as_json(form(request, to, body), status=status, headers=headers)


def refused(why: Refused) -> web.Response:
    """Its Status."""
    headers = {}
    if seconds := (why.details or {}).get("retryAfterSeconds"):
        headers["Retry-After"] = str(seconds)
    return as_json(why.body, status=why.code, headers=headers)


def form(request: BaseRequest, to: Target, body: Json) -> Json:
    if to.kind.stored_as[1]:
        if "items" in body:
            body = {**body, "items": [events.as_core(item) for item in body["items"]]}
        else:
            body = events.as_core(body)
    accept = request.headers.get("Accept", "")
    if "as=Table" in accept and not to.subresource:
        return tables.table(to.kind, body, include=request.query.get("includeObject", "Metadata"))
    if "as=PartialObjectMetadata" in accept and not to.subresource:
        return tables.partial(body)
    return body if to.kind.custom else _untyped(body)


def _untyped(body: Json) -> Json:
    """Of a list of built-in kinds, whose items don't say what they are: the list does."""
    if "items" not in body:
        return body
    typed = ("kind", "apiVersion")
    items = [{k: v for k, v in item.items() if k not in typed} for item in body["items"]]
    return {**body, "items": items}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
