"""Refusals, in the form in which Kubernetes sends them: a Status with a reason and its details."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from responder.errors import ResponderError

Json = dict[str, Any]

_REASONS = {
    HTTPStatus.BAD_REQUEST: "BadRequest",
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "NotFound",
    HTTPStatus.METHOD_NOT_ALLOWED: "MethodNotAllowed",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.GONE: "Expired",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "RequestEntityTooLarge",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "UnsupportedMediaType",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Invalid",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a refusal is about; `resource` is the plural for requests, the kind for validation."""

    group: str
    resource: str
    name: str = ""

    @property
    def qualified(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that is wrong, as validation tells it."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


class Refused(ResponderError):  # noqa: N818 -- a refusal is an answer, not a fault
    """The request is refused; `status` is the body of the answer."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str = "",
        subject: Subject | None = None,
        causes: Sequence[Cause] = (),
    ) -> None:
        self.code = code
        super().__init__(message)
        details: Json = {}
        if subject is not None:
            details = {"name": subject.name, "group": subject.group, "kind": subject.resource}
        if causes:
            details["causes"] = [
                {"reason": cause.reason, "message": cause.message, "field": cause.field}
                for cause in causes
            ]
        self.status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason or _REASONS.get(HTTPStatus(code), "InternalError"),
            **({"details": {k: v for k, v in details.items() if v}} if details else {}),
            "code": code,
        }


def not_found(subject: Subject) -> Refused:
    told = f'{subject.qualified} "{subject.name}" not found'
    return Refused(HTTPStatus.NOT_FOUND, told, subject=subject)


def already_exists(subject: Subject) -> Refused:
    told = f'{subject.qualified} "{subject.name}" already exists'
    return Refused(HTTPStatus.CONFLICT, told, reason="AlreadyExists", subject=subject)


def conflict(subject: Subject, why: str, causes: Sequence[Cause] = ()) -> Refused:
    told = f'Operation cannot be fulfilled on {subject.qualified} "{subject.name}": {why}'
    return Refused(HTTPStatus.CONFLICT, told, subject=subject, causes=causes)


def modified(subject: Subject) -> Refused:
    why = "the object has been modified; please apply your changes to the latest version and"
    return conflict(subject, f"{why} try again")


def invalid(subject: Subject, causes: Sequence[Cause]) -> Refused:
    """`subject.resource` is the kind here, as in the real one's answers."""
    told = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    message = f'{subject.qualified} "{subject.name}" is invalid: {listed}'
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, message, subject=subject, causes=causes)


def bad_request(message: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, message)


def forbidden(subject: Subject, *, user: str, verb: str, scope: str) -> Refused:
    named = f' "{subject.name}"' if subject.name else ""
    told = (
        f"{subject.qualified}{named} is forbidden:"
        f' User "{user}" cannot {verb} resource "{subject.resource}"'
        f' in API group "{subject.group}" {scope}'
    )
    return Refused(HTTPStatus.FORBIDDEN, told, subject=subject)


def expired(message: str) -> Refused:
    return Refused(HTTPStatus.GONE, message)
