"""What a request says: where it goes, who sends it, its body and its options."""

import json
import re
from typing import Any, Final

import yaml
from aiohttp import web
from aiohttp.web_request import BaseRequest

from responder.sandbox.api import decoding, query, shapes
from responder.sandbox.api.failures import Refused
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.strategy import Options

Json = dict[str, Any]
_LARGEST_BYTES: Final = 3 * 2**20
_AS: Final = "/as/"
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
JSON_PATCH: Final = "application/json-patch+json"
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
_KNOWN: Final = ("json", "yaml", "octet-stream")
"""Of media types; a request that names none comes as the last."""
APPLY: Final = "application/apply-patch+yaml"


def addressed(request: BaseRequest) -> tuple[str, str]:
    """The path and the token. kubectl sends no token over plain http, so a path may begin with it:
    /as/TOKEN/api/v1/...
    """
    path = request.path
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if path.startswith(_AS):
        named, _, rest = path.removeprefix(_AS).partition("/")
        return f"/{rest}", token.strip() or named
    return path, token.strip() if scheme.lower() == "bearer" else scheme


def patch_type(request: BaseRequest, kind: Kind) -> str:
    """Raises Refused: 415."""
    allowed = [JSON_PATCH, MERGE, *([] if kind.custom else [STRATEGIC]), APPLY]
    if request.content_type in allowed:
        return request.content_type
    told = "the body of the request was in an unknown format - accepted media types include"
    message = f"{told}: {', '.join([*allowed, 'application/apply-patch+cbor'])}"
    if not kind.custom:
        message = "415: Unsupported Media Type"
    raise Refused(415, "UnsupportedMediaType", message)


def options(request: BaseRequest, *, applies: bool = False) -> Options:
    agent = request.headers.get("User-Agent", "")
    return query.options(request.method, request.query, agent=agent, applies=applies)


def watches(request: BaseRequest) -> bool:
    return request.query.get("watch") in ("true", "1")


def _parsed(raw: bytes) -> Any:  # noqa: ANN401 -- any JSON
    read = json.loads(raw)
    if not _SURROGATE.search(raw):
        return read
    # Half of a pair is no character; Go reads it as the one that stands for none.
    text = json.dumps(read, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


async def read_body(request: BaseRequest, *, kind: type = dict, optional: bool = False) -> Any:  # noqa: ANN401
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raw = None
        # Who is still sending does not hear an answer.
        while await request.content.readany():
            pass
    if raw is None or len(raw) > _LARGEST_BYTES:
        told = f"Request entity too large: limit is {_LARGEST_BYTES}"
        raise Refused(413, "RequestEntityTooLarge", told)
    if optional and not raw:
        return {}
    if not any(known in request.content_type for known in _KNOWN):
        # Protobuf is what kubectl's own makers send (`create namespace NAME`); `create -f` doesn't.
        told = "the body of the request was in an unknown format - accepted media types include"
        raise Refused(415, "UnsupportedMediaType", f"{told}: application/json, application/yaml")
    try:
        if "yaml" in request.content_type:
            read = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        else:
            read = _parsed(raw)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise Refused.bad_request(f"error decoding the body: {error}") from error
    if optional and read is None:
        return {}
    if not isinstance(read, kind):
        raise Refused.bad_request(f"the body must be a JSON {kind.__name__}")
    return read


def decoded(body: Any, shape: decoding.Shape, kind: str) -> Any:  # noqa: ANN401 -- any JSON
    """Raises Refused: 400."""
    try:
        return decoding.read(body, shape, kind)
    except decoding.UnreadableError as why:
        raise Refused.bad_request(f"{kind} cannot be handled as a {kind}: {why}") from why


async def delete_options(request: BaseRequest) -> Json:
    """From the body, else from the query: never from both. Raises Refused: 400, 422."""
    body = await read_body(request, optional=True)
    wish: Json = decoded(body, shapes.DELETE_OPTIONS, "DeleteOptions")
    if not await request.read():
        wish = {k: v for k, v in request.query.items() if k == "propagationPolicy"}
        wish |= {"dryRun": request.query.getall("dryRun")} if "dryRun" in request.query else {}
    query.require_deletable(wish)
    return wish
