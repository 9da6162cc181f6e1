"""Every way in which the API server doesn't do what it was asked, mapped at this one edge.

A verdict on the request (`NotFound`, `Conflict`, `Denied`, ...) is told apart from the server's
own state (`Unavailable`), in which the same request may succeed later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from responder.errors import ResponderError


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of a Status' `details.causes`."""

    field: str
    message: str
    reason: str = ""


class ApiFailure(ResponderError):  # noqa: N818 -- named for what happened, as in errors.py
    """A request that wasn't answered with 2xx.

    `status` is 0 where no answer came; `reason` is the server's word ("NotFound", "Expired", ...);
    `kind` and `name` say what the server's message is about, which may be the namespace.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        kind: str = "",
        name: str = "",
        causes: Sequence[Cause] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason
        self.kind = kind
        self.name = name
        self.causes = tuple(causes)
        self.retry_after = retry_after

    def in_request(self, request: str) -> Self:
        """Names the request ("PATCH /apis/...") in the message, without its query."""
        self.args = (f"{request.partition('?')[0]}: {self.message}",)
        return self


class NotFound(ApiFailure):
    """The object, or the namespace it would be in, isn't there."""


class AlreadyExists(ApiFailure):
    """A create of what is there already, perhaps by an earlier try of ours."""

    @property
    def is_terminating(self) -> bool:
        """The one that is there is being deleted; the name is free once its finalizers are off."""
        return self.message.startswith("object is being deleted")


class Conflict(ApiFailure):
    """The resourceVersion or uid that we required isn't the current one: read, decide again."""


class Invalid(ApiFailure):
    """422: validation refused the object; `causes` tell the fields."""


class BadRequest(ApiFailure):
    """400, and every other 4xx that no class here is for: a mistake of ours."""


class TooLarge(ApiFailure):
    """More than the server or its etcd stores in one object. Never to be sent again unchanged."""


class Gone(ApiFailure):
    """410: a resourceVersion or a continue token that is too old."""


class Denied(ApiFailure):
    """403, or a refusal by admission under any status.

    `by_admission` tells a policy, a webhook or a quota from a permission that we don't have.
    """

    by_admission = False


class Unavailable(ApiFailure):
    """Not now: refused, broken off, overloaded, starting, or failing. No verdict on the request.

    `ambiguous`: a write that may have been carried out all the same. Read before trying again.
    `retry_after`: the seconds that the server asked to be left alone, if it did.
    """

    ambiguous = False


class TimedOut(Unavailable):
    """No answer in time, or the server's own deadline passed."""


class NotServed(Unavailable):
    """A plain-text 404: the server has no such kind (yet: a new CRD takes about 2 s)."""


class Unauthenticated(Unavailable):
    """401. Our credentials are renewed for the next request."""


def unavailable(message: str, *, ambiguous: bool = False, timed_out: bool = False) -> Unavailable:
    """A request that got no answer at all."""
    failure = TimedOut(message) if timed_out else Unavailable(message)
    failure.ambiguous = ambiguous
    return failure


def from_status(
    answer: Mapping[str, object] | None,
    *,
    text: str = "",
    status: int,
    retry_after_header: str = "",
    is_write: bool = False,
    after_outage: bool = False,
) -> ApiFailure:
    """The failure that a Status object (from an answer or a watch) stands for.

    `answer` is None where there was no JSON object, then `text` is the beginning of what there
    was. `after_outage` says that the server was out of reach some seconds ago.
    """
    told = _Told.read(answer, text=text, status=status, retry_after_header=retry_after_header)
    kind = _class_of(told, is_status=answer is not None, after_outage=after_outage)
    failure = kind(
        told.message,
        status=status,
        reason=told.reason,
        kind=told.kind,
        name=told.name,
        causes=told.causes,
        retry_after=told.retry_after,
    )
    if isinstance(failure, Denied):
        failure.by_admission = _is_by_admission(told) or (
            answer is not None and not _is_by_authorizer(told)
        )
    elif isinstance(failure, Unavailable):
        # A 504's write was seen stored; "etcdserver: leader changed" (503) can't know. A 429 and
        # the authorizer's 403 come before anything is done.
        failure.ambiguous = is_write and status >= _SERVER_ERROR
    return failure


_REFUSED_BY_ADMISSION = ("ValidatingAdmissionPolicy ", "admission webhook ")
_TOO_LARGE = ("etcdserver: request is too large", "trying to send message larger than max")
_SERVER_ERROR = 500
_BY_REASON: Mapping[str, type[ApiFailure]] = {"AlreadyExists": AlreadyExists, "Expired": Gone}
_BY_CODE: Mapping[int, type[ApiFailure]] = {
    401: Unauthenticated,
    403: Denied,
    404: NotFound,
    408: TimedOut,
    409: Conflict,
    410: Gone,
    413: TooLarge,
    422: Invalid,
    429: Unavailable,
    504: TimedOut,
}


def _class_of(told: "_Told", *, is_status: bool, after_outage: bool) -> type[ApiFailure]:
    if told.status < _SERVER_ERROR and _is_by_admission(told):
        # A policy may choose the reason Unauthorized (401) or RequestEntityTooLarge (413), and
        # refuses with 422 unless it does; a webhook chooses whatever code it likes.
        return Denied
    if any(sign in told.message for sign in _TOO_LARGE):  # a 500
        return TooLarge
    if told.reason in _BY_REASON:
        return _BY_REASON[told.reason]
    match told.status:
        case 403 if after_outage and _is_by_authorizer(told):
            return Unavailable
        case 404 if not is_status:
            return NotServed
    return _BY_CODE.get(told.status, Unavailable if told.status >= _SERVER_ERROR else BadRequest)


def _is_by_authorizer(told: "_Told") -> bool:
    """True for `deployments.apps "x" is forbidden: User "y" cannot patch resource ...`."""
    _, user, rest = told.message.partition('User "')
    return bool(user) and '" cannot ' in rest


def _is_by_admission(told: "_Told") -> bool:
    return " denied " in told.message and any(
        sign in told.message for sign in _REFUSED_BY_ADMISSION
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What a Status says, whatever of it is missing or of another type than it should be."""

    status: int
    message: str
    reason: str
    kind: str
    name: str
    causes: tuple[Cause, ...]
    retry_after: float | None

    @classmethod
    def read(
        cls, answer: Mapping[str, object] | None, *, text: str, status: int, retry_after_header: str
    ) -> "_Told":
        said = answer or {}
        details = _mapping(said.get("details"))
        causes = details.get("causes")
        seconds = retry_after_header or str(details.get("retryAfterSeconds", ""))
        return cls(
            status=status,
            message=str(said.get("message") or text.strip() or f"status {status}"),
            reason=str(said.get("reason") or ""),
            kind=str(details.get("kind") or ""),
            name=str(details.get("name") or ""),
            causes=tuple(
                Cause(
                    field=str(cause.get("field", "")),
                    message=str(cause.get("message", "")),
                    reason=str(cause.get("reason", "")),
                )
                for cause in map(_mapping, causes if isinstance(causes, list) else ())
            ),
            # The other form of Retry-After, a date, is not the API server's.
            retry_after=float(seconds) if seconds.isascii() and seconds.isdecimal() else None,
        )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
