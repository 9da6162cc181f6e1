"""What the API server answers when it refuses: the Status bodies, word for word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from responder.sandbox.api.kinds import Kind

Json = dict[str, Any]
_LARGEST_MESSAGE_BYTES: Final = 2 * 2**20


class Cause(NamedTuple):
    """One field that is not as it must be."""

    reason: str
    message: str
    field: str


@dataclass(eq=False)
class Refused(Exception):  # noqa: N818 -- an answer, not a mishap
    """Any answer other than 2xx."""

    code: int
    reason: str
    message: str
    details: Json | None = None

    @property
    def body(self) -> Json:
        """The Status."""
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        }
        status |= {"reason": self.reason} if self.reason else {}
        return status if self.details is None else {**status, "details": self.details}

    @classmethod
    def not_found(cls, kind: Kind, name: str) -> Self:
        message = f'{kind.resource} "{name}" not found'
        return cls(404, "NotFound", message, _details(kind, name))

    @classmethod
    def exists(cls, kind: Kind, name: str, *, going: bool) -> Self:
        """`going`: what has the name waits for its finalizers."""
        message = f'{kind.resource} "{name}" already exists'
        message = f"object is being deleted: {message}" if going else message
        return cls(409, "AlreadyExists", message, _details(kind, name))

    @classmethod
    def conflict(cls, kind: Kind, name: str, why: str = "") -> Self:
        why = why or (
            "the object has been modified; please apply your changes to the latest version"
            " and try again"
        )
        message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
        return cls(409, "Conflict", message, _details(kind, name))

    @classmethod
    def stale_delete(cls, kind: Kind, name: str, why: str) -> Self:
        """A precondition of a deletion; it names the kind where all others name the resource."""
        full = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
        message = f'Operation cannot be fulfilled on {full} "{name}": {why}'
        details = _details(kind, name) | {"kind": kind.kind}
        return cls(409, "Conflict", message, details)

    @classmethod
    def invalid(cls, kind: Kind, name: str, causes: Sequence[Cause]) -> Self:
        told = [f"{cause.field}: {cause.message}" for cause in causes]
        told = told if len(told) == 1 else [f"[{', '.join(told)}]"]
        full = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
        details = _details(kind, name) | {
            "kind": kind.kind,
            "causes": [cause._asdict() for cause in causes],
        }
        return cls(422, "Invalid", f'{full} "{name}" is invalid: {told[0]}', details)

    @classmethod
    def bad_request(cls, message: str) -> Self:
        return cls(400, "BadRequest", message)

    @classmethod
    def nameless(cls, name: str) -> Self:
        """What is sent for an object does not say that it is that one."""
        told = f"the name of the object ({name} based on URL) was undeterminable"
        return cls.bad_request(f"{told}: name must be provided")

    @classmethod
    def too_large(cls, size: int) -> Self:
        """What etcd does not take, in the words of whichever of its two limits comes first."""
        told = "etcdserver: request is too large"
        if size > _LARGEST_MESSAGE_BYTES:
            told = "rpc error: code = ResourceExhausted desc = trying to send message larger than"
            told += f" max ({size} vs. {_LARGEST_MESSAGE_BYTES})"
        return cls(500, "", told)

    @classmethod
    def not_allowed(cls) -> Self:
        told = "the server does not allow this method on the requested resource"
        return cls(405, "MethodNotAllowed", told, {})

    @classmethod
    def gone(cls, message: str) -> Self:
        return cls(410, "Expired", message)

    @classmethod
    def forbidden(cls, kind: Kind, name: str, why: str) -> Self:
        about = f'{kind.resource} "{name}"' if name else kind.resource
        return cls(403, "Forbidden", f"{about} is forbidden: {why}", _details(kind, name))

    @classmethod
    def invalid_options(cls, match: str, version: str) -> Self:
        """A resourceVersionMatch of a list that does not fit."""
        told = (
            "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
            if not version
            else f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        )
        reason = "FieldValueForbidden" if not version else "FieldValueNotSupported"
        return cls.bad_options("ListOptions", [Cause(reason, told, "resourceVersionMatch")])

    @classmethod
    def watch_options(cls, initial: str, match: str) -> Self:
        """SendInitialEvents and resourceVersionMatch of a watch that do not fit each other."""
        told = (
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            if initial and not match
            else "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents"
            " is provided"
        )
        cause = Cause("FieldValueForbidden", told, "resourceVersionMatch")
        return cls.bad_options("ListOptions", [cause])

    @classmethod
    def bad_options(cls, what: str, causes: Sequence[Cause]) -> Self:
        """A query's parameters that are wrong: they are validated like an object."""
        told = ", ".join(f"{cause.field}: {cause.message}" for cause in causes)
        told = told if len(causes) == 1 else f"[{told}]"
        details = {
            "group": "meta.k8s.io",
            "kind": what,
            "causes": [cause._asdict() for cause in causes],
        }
        return cls(422, "Invalid", f'{what}.meta.k8s.io "" is invalid: {told}', details)

    @classmethod
    def apply_conflict(cls, causes: Sequence[tuple[str, str]]) -> Self:
        """`causes`: each the manager that owns a field, and the field."""
        listed = [
            Cause("FieldManagerConflict", f'conflict with "{manager}"', path)
            for manager, path in causes
        ]
        many = "conflict" if len(listed) == 1 else "conflicts"
        told = f"{listed[0].message}: {listed[0].field}" if len(listed) == 1 else _grouped(listed)
        message = f"Apply failed with {len(listed)} {many}: {told}"
        return cls(409, "Conflict", message, {"causes": [cause._asdict() for cause in listed]})


def _grouped(causes: Sequence[Cause]) -> str:
    lines: dict[str, list[str]] = {}
    for cause in causes:
        lines.setdefault(cause.message.replace("conflict ", "conflicts ", 1), []).append(
            f"- {cause.field}"
        )
    return "\n".join("\n".join([f"{head}:", *fields]) for head, fields in lines.items())


def _details(kind: Kind, name: str) -> Json:
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in details.items() if value}
