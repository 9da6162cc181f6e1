"""What becomes of what a client sends: decoded, defaulted, its given fields kept, validated."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from responder.sandbox.api import decoding, rules, shapes, structural
from responder.sandbox.api.failures import Cause, Refused
from responder.sandbox.api.kinds import Kind

Json = dict[str, Any]
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_GIVEN: Final = (
    *("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"),
    *("deletionGracePeriodSeconds", "generation"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What a write's query says; `strict` refuses unknown fields, `warn` collects them."""

    manager: str = "unknown"
    dry_run: bool = False
    force: bool = False
    validation: str = "Warn"
    warnings: list[str] = field(default_factory=list)


def now() -> str:
    """As metadata has it: whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def kept(kind: Kind, old: Json, new: Json) -> Json:
    """With what a client may not change as it was, and the generation counted."""
    meta, live = new["metadata"], old["metadata"]
    for name in _GIVEN:
        meta.pop(name, None)
        if name in live:
            meta[name] = live[name]
    meta.pop("resourceVersion", None)
    new = defaulted(kind, {**new, "apiVersion": kind.api_version, "kind": kind.kind})
    if "generation" in live and _counted(kind, new) != _counted(kind, old):
        new["metadata"]["generation"] = live["generation"] + 1
    added = set(meta.get("finalizers", ())) - set(live.get("finalizers", ()))
    if "deletionTimestamp" in live and added:
        told = (
            "Forbidden: no new finalizers can be added if the object is being deleted,"
            f" found new finalizers []string{{{', '.join(map(_quoted, sorted(added)))}}}"
        )
        cause = Cause("FieldValueForbidden", told, "metadata.finalizers")
        raise Refused.invalid(kind, live["name"], [cause])
    return new


def decoded(kind: Kind, body: Json, options: Options) -> Json:
    """Decoded as the kind; unknown fields of a custom one are pruned, warned of, refused."""
    for key, wanted in (("apiVersion", kind.api_version), ("kind", kind.kind)):
        # A custom resource says what it is; of all others the path tells.
        if body.get(key) != wanted if kind.custom else (body.get(key) or wanted) != wanted:
            told = f"the object provided is unrecognized (must be of type {kind.kind})"
            raise Refused.bad_request(told)
    body = {**body, "apiVersion": kind.api_version, "kind": kind.kind}
    try:
        body = readable(kind, body)
    except decoding.UnreadableError as why:
        told = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}'
        raise Refused.bad_request(told) from why
    if kind.schema is not None:
        body, unknown = structural.pruned(body, kind.schema)
        strange = [f'unknown field "{name}"' for name in unknown]
        if strange and options.validation == "Strict":
            message = f'{kind.kind} in version "{kind.version}" cannot be handled as a'
            message += f" {kind.kind}: strict decoding error: {', '.join(strange)}"
            raise Refused.bad_request(message)
        if options.validation == "Warn":
            options.warnings.extend(strange)
    return body


def readable(kind: Kind, body: Json) -> Json:
    """Without nulls that mean nothing. Raises UnreadableError."""
    read: Json = decoding.read(body, shapes.of(kind), kind.kind)
    return {**read, "metadata": read.get("metadata", {})}


def defaulted(kind: Kind, body: Json) -> Json:
    body = rules.defaulted(kind, body)
    return body if kind.schema is None else structural.defaulted(body, kind.schema)


def require_valid(kind: Kind, body: Json, old: Json | None) -> None:
    causes = list(rules.mistakes(kind, body, old))
    if kind.schema is not None:
        causes += structural.mistakes(body, kind.schema)
        causes += structural.changed_for_ever(body, old, kind.schema)
    if causes:
        # An Event is validated as core's, whichever way it came.
        named = replace(kind, group="") if kind.kind == "Event" and not kind.custom else kind
        raise Refused.invalid(named, body["metadata"]["name"], causes)


def _quoted(text: str) -> str:
    return f'"{text}"'


def _counted(kind: Kind, body: Json) -> Json:
    """What the generation counts the changes of."""
    if kind.schema is not None:
        hidden = ("metadata", "status") if "status" in kind.subresources else ("metadata",)
        return {key: value for key, value in body.items() if key not in hidden}
    counted = {"spec": body.get("spec")}
    if kind.kind == "Deployment":
        counted["annotations"] = body["metadata"].get("annotations")
    return counted


def generated_name(kind: Kind, meta: Json) -> str:
    if prefix := str(meta.get("generateName") or ""):
        return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(5))
    message = "Required value: name or generateName is required"
    raise Refused.invalid(kind, "", [Cause("FieldValueRequired", message, "metadata.name")])


def require_namespace(kind: Kind, namespace: str, meta: Json) -> None:
    if kind.namespaced and (meta.get("namespace") or namespace) != namespace:
        raise Refused.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def require_name(name: str, meta: Json) -> None:
    """What is sent for an object has to be of that name. Raises Refused: 400."""
    if not meta.get("name"):
        raise Refused.nameless(name)
    if meta["name"] != name:
        told = (
            f"the name of the object ({meta['name']}) does not match the name on the URL ({name})"
        )
        raise Refused.bad_request(told)
