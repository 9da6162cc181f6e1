"""Answers of a real API server (1.36), and what each of them means to us."""

from collections.abc import Mapping
from typing import Any

import pytest

from responder.cluster.failures import (
    AlreadyExists,
    ApiFailure,
    BadRequest,
    Cause,
    Conflict,
    Denied,
    Gone,
    Invalid,
    NotFound,
    NotServed,
    TimedOut,
    TooLarge,
    Unauthenticated,
    Unavailable,
    from_status,
    unavailable,
)

_BY_AUTHORIZER = (
    'deployments.apps "sender" is forbidden: User "system:serviceaccount:a:b" cannot patch '
    'resource "deployments" in API group "apps" in the namespace "mail"'
)
_BY_POLICY = (
    "deployments.apps \"sender\" is forbidden: ValidatingAdmissionPolicy 'responder' with "
    "binding 'responder' denied request: only labelled workloads may be held"
)
_BY_WEBHOOK = 'admission webhook "quota.example.com" denied the request: no'
_BY_QUOTA = 'pods "a" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1'
_TERMINATING_NAMESPACE = (
    'incidents.campaign-responder.dev "a" is forbidden: unable to create new content in '
    "namespace mail because it is being terminated"
)
_TOO_LARGE_GRPC = (
    "rpc error: code = ResourceExhausted desc = trying to send message larger than max "
    "(3145827 vs. 2097152)"
)


def status(
    code: int, *, reason: str = "", message: str = "told", **details: object
) -> dict[str, object]:
    return {
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details,
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(status(404, reason="NotFound"), NotFound, id="not-found"),
        pytest.param(status(409, reason="AlreadyExists"), AlreadyExists, id="already-exists"),
        pytest.param(status(409, reason="Conflict"), Conflict, id="conflict"),
        pytest.param(status(422, reason="Invalid"), Invalid, id="invalid"),
        pytest.param(status(400, reason="BadRequest"), BadRequest, id="bad-request"),
        pytest.param(status(415), BadRequest, id="unsupported-media-type"),
        pytest.param(status(403, message=_BY_AUTHORIZER), Denied, id="no-permission"),
        pytest.param(status(403, message=_BY_QUOTA), Denied, id="quota"),
        pytest.param(status(403, message=_TERMINATING_NAMESPACE), Denied, id="namespace-ends"),
        pytest.param(status(422, reason="Invalid", message=_BY_POLICY), Denied, id="policy"),
        pytest.param(
            status(401, reason="Unauthorized", message=_BY_POLICY), Denied, id="policy-says-401"
        ),
        pytest.param(status(413, message=_BY_POLICY), Denied, id="policy-says-413"),
        pytest.param(status(400, message=_BY_WEBHOOK), Denied, id="webhook-says-400"),
        pytest.param(status(410, reason="Expired"), Gone, id="expired"),
        pytest.param(status(410, reason="Gone"), Gone, id="gone"),
        pytest.param(status(413, reason="RequestEntityTooLarge"), TooLarge, id="too-large"),
        pytest.param(
            status(500, message="etcdserver: request is too large"), TooLarge, id="too-large-etcd"
        ),
        pytest.param(status(500, message=_TOO_LARGE_GRPC), TooLarge, id="too-large-grpc"),
        pytest.param(status(401, reason="Unauthorized"), Unauthenticated, id="unauthorized"),
        pytest.param(
            status(429, message="storage is (re)initializing"), Unavailable, id="initializing"
        ),
        pytest.param(status(500, reason="InternalError"), Unavailable, id="internal"),
        pytest.param(status(503, reason="ServiceUnavailable"), Unavailable, id="unavailable"),
        pytest.param(status(504, reason="Timeout"), TimedOut, id="timeout"),
    ],
)
def test_each_answer_has_its_class(
    answer: Mapping[str, object], expected: type[ApiFailure]
) -> None:
    code = answer["code"]
    assert isinstance(code, int)
    failure = from_status(answer, status=code)
    assert type(failure) is expected
    assert failure.status == code
    assert str(failure) == answer["message"]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        pytest.param(404, "404 page not found\n", NotServed, id="kind-not-served-yet"),
        pytest.param(429, "Too many requests, please try again later.\n", Unavailable, id="429"),
        pytest.param(502, "<html>Bad Gateway</html>", Unavailable, id="a-proxys"),
        pytest.param(503, "", Unavailable, id="empty-503"),
        pytest.param(403, "<html>blocked</html>", Denied, id="a-proxys-403"),
        pytest.param(302, "", BadRequest, id="redirect"),
    ],
)
def test_what_is_no_status_object_has_one_too(
    code: int, text: str, expected: type[ApiFailure]
) -> None:
    failure = from_status(None, text=text, status=code)
    assert type(failure) is expected
    assert str(failure) == (text.strip() or f"status {code}")


@pytest.mark.parametrize(
    ("message", "by_admission"),
    [
        pytest.param(_BY_AUTHORIZER, False, id="authorizer"),
        pytest.param(_BY_POLICY, True, id="policy"),
        pytest.param(_BY_WEBHOOK, True, id="webhook"),
        pytest.param(_BY_QUOTA, True, id="quota"),
        pytest.param(f'{_BY_WEBHOOK}: User "x" cannot do that', True, id="webhook-that-copies"),
    ],
)
def test_a_refusal_by_admission_is_told_from_a_missing_permission(
    message: str, *, by_admission: bool
) -> None:
    failure = from_status(status(403, message=message), status=403)
    assert isinstance(failure, Denied)
    assert failure.by_admission is by_admission


def test_right_after_an_outage_a_missing_permission_is_no_verdict() -> None:
    failure = from_status(status(403, message=_BY_AUTHORIZER), status=403, after_outage=True)
    assert type(failure) is Unavailable
    assert not failure.ambiguous


@pytest.mark.parametrize("message", [_BY_POLICY, _BY_QUOTA])
def test_right_after_an_outage_admission_means_what_it_says(message: str) -> None:
    failure = from_status(status(403, message=message), status=403, after_outage=True)
    assert isinstance(failure, Denied)


@pytest.mark.parametrize(
    ("code", "is_write", "ambiguous"),
    [
        pytest.param(504, True, True, id="504"),
        pytest.param(500, True, True, id="500"),
        pytest.param(503, True, True, id="etcd-changed-its-leader"),
        pytest.param(429, True, False, id="429-comes-before-anything-is-done"),
        pytest.param(401, True, False, id="401"),
        pytest.param(504, False, False, id="a-read"),
    ],
)
def test_a_write_that_may_have_been_done_is_ambiguous(
    code: int, *, is_write: bool, ambiguous: bool
) -> None:
    failure = from_status(status(code), status=code, is_write=is_write)
    assert isinstance(failure, Unavailable)
    assert failure.ambiguous is ambiguous


@pytest.mark.parametrize(
    ("header", "details", "expected"),
    [
        pytest.param("5", {}, 5.0, id="header"),
        pytest.param("", {"retryAfterSeconds": 2}, 2.0, id="details"),
        pytest.param("7", {"retryAfterSeconds": 2}, 7.0, id="header-first"),
        pytest.param("", {}, None, id="none"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", {}, None, id="a-proxys-date"),
        pytest.param("-1", {}, None, id="negative"),
        pytest.param("²", {}, None, id="no-number"),
    ],
)
def test_retry_after(header: str, details: dict[str, Any], expected: float | None) -> None:
    failure = from_status(status(503, **details), status=503, retry_after_header=header)
    assert failure.retry_after == expected


def test_the_details_tell_what_it_is_about() -> None:
    answer = status(
        422,
        reason="Invalid",
        kind="HorizontalPodAutoscaler",
        name="sender",
        causes=[{"reason": "FieldValueInvalid", "message": "too low", "field": "spec.maxReplicas"}],
    )
    failure = from_status(answer, status=422)
    assert (failure.reason, failure.kind, failure.name) == (
        "Invalid",
        "HorizontalPodAutoscaler",
        "sender",
    )
    assert failure.causes == (Cause("spec.maxReplicas", "too low", "FieldValueInvalid"),)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({}, id="empty"),
        pytest.param({"details": [], "message": 5, "reason": None}, id="other-types"),
        pytest.param({"details": {"causes": "x", "retryAfterSeconds": {}}}, id="odd-details"),
        pytest.param({"details": {"causes": ["x", None, {}]}}, id="odd-causes"),
    ],
)
def test_an_odd_status_is_still_a_failure(answer: dict[str, object]) -> None:
    assert type(from_status(answer, status=409)) is Conflict


def test_an_object_that_is_being_deleted_still_has_its_name() -> None:
    message = 'object is being deleted: incidents.campaign-responder.dev "a" already exists'
    failure = from_status(status(409, reason="AlreadyExists", message=message), status=409)
    assert isinstance(failure, AlreadyExists)
    assert failure.is_terminating


def test_without_an_answer_only_the_request_can_tell() -> None:
    failure = unavailable("reset", ambiguous=True).in_request("POST /api/v1/x")
    assert (str(failure), failure.message) == ("POST /api/v1/x: reset", "reset")
    assert failure.ambiguous
    assert isinstance(unavailable("late", timed_out=True), TimedOut)
