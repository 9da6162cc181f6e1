"""A request to the API server, read: whom it concerns, and how the answer is wanted."""

import json
from dataclasses import dataclass
from typing import Any, Final

import yaml
from aiohttp import web

from responder.sandbox.api.access import Attempt
from responder.sandbox.api.failures import Refused, bad_request
from responder.sandbox.api.kinds import Kind, Kinds
from responder.sandbox.api.operations import APPLY, Options

LARGEST_BYTES: Final = 3 * 1024 * 1024
_OF_NAMESPACE: Final = frozenset({"status", "finalize"})
_PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
_VERBS: Final = {
    "GET": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}


class UnknownPathError(Exception):
    """Nothing is served there; the real one answers such with plain text."""


@dataclass(frozen=True, slots=True)
class Concern:
    """What a path names; without a name, all of a kind."""

    kind: Kind
    namespace: str
    name: str
    part: str
    """The subresource."""


def concern_of(path: str, kinds: Kinds) -> Concern:
    """Read a path; raises UnknownPathError."""
    parts = path.strip("/").split("/")
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    else:
        group, version, rest = parts[1], parts[2], parts[3:]
    namespace = ""
    inside = len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in _OF_NAMESPACE  # noqa: PLR2004
    if inside:
        namespace, rest = rest[1], rest[2:]
    plural, name, part, *more = [*rest, "", ""][: max(3, len(rest))]
    kind = kinds.find(group, version, plural)
    if kind is None or more or (namespace and not kind.namespaced):
        raise UnknownPathError(path)
    if kind.namespaced and name and not namespace:
        raise UnknownPathError(path)
    return Concern(kind, namespace, name, part)


def attempt_of(request: web.Request, concern: Concern) -> Attempt:
    """Say what a request is about to do, in the words of roles."""
    verb = _VERBS.get(request.method, request.method.lower())
    if verb == "get" and not concern.name:
        verb = "watch" if wants_watch(request) else "list"
    if verb == "delete" and not concern.name:
        verb = "deletecollection"
    part = f"/{concern.part}" if concern.part else ""
    return Attempt(
        verb,
        concern.kind.group,
        f"{concern.kind.plural}{part}",
        concern.namespace,
        concern.name,
    )


def wants_watch(request: web.Request) -> bool:
    return request.query.get("watch") in ("1", "true")


def options_of(request: web.Request) -> Options:
    """Read how a write is meant; raises Refused."""
    dry = request.query.get("dryRun", "")
    if dry not in ("", "All"):
        told = f'Unsupported value: "{dry}": supported values: "All"'
        raise Refused(422, f"dryRun: {told}", reason="Invalid")
    manager = request.query.get("fieldManager", "")
    if not manager:
        if _content_type(request) == APPLY:
            raise Refused(
                422,
                'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value:'
                " is required for apply patch",
                reason="Invalid",
            )
        manager = request.headers.get("User-Agent", "unknown").partition("/")[0][:128]
    return Options(manager, dry_run=bool(dry), force=request.query.get("force") in ("1", "true"))


def _content_type(request: web.Request) -> str:
    return request.headers.get("Content-Type", "application/json").partition(";")[0].strip()


def content_type_of(request: web.Request) -> str:
    return _content_type(request)


async def body_of(request: web.Request, *, optional: bool = False) -> Any:  # noqa: ANN401 -- JSON
    """Read a body of JSON or, for an apply, of YAML; raises Refused."""
    content = await request.content.read(LARGEST_BYTES + 1)
    while len(content) <= LARGEST_BYTES and not request.content.at_eof():
        content += await request.content.read(LARGEST_BYTES + 1 - len(content))
    if len(content) > LARGEST_BYTES:
        told = f"Request entity too large: limit is {LARGEST_BYTES}"
        raise Refused(413, told, reason="RequestEntityTooLarge")
    if not content and optional:
        return {}
    if _content_type(request) == _PROTOBUF:
        told = "Protocol Buffers are not spoken here: use `kubectl apply -f` with a file"
        raise Refused(415, told)
    try:
        if _content_type(request) == APPLY:
            return yaml.load(content, Loader=yaml.CSafeLoader)
        return json.loads(content)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise bad_request(f"the body can't be read: {error}") from error
