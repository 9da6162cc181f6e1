"""TokenReview, SubjectAccessReview and the like, TokenRequest: answered, never stored."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from responder.sandbox.api.access import AUDIENCE, Access, Ask, User
from responder.sandbox.api.failures import Cause, Refused
from responder.sandbox.api.kinds import Kind

Json = dict[str, Any]
_TOKEN_SECONDS: Final = 3600


def reviewed(kind: Kind, body: Json, access: Access, asking: User) -> Json:
    """The review with its status. Raises Refused: it does not ask anything."""
    spec = body.get("spec") or {}
    meta = {"creationTimestamp": None}
    answer = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta, "spec": spec}
    if kind.kind == "TokenReview":
        if not spec.get("token"):
            raise Refused.bad_request("token is required for TokenReview in authentication")
        return {**answer, "status": _token(spec, access)}
    if kind.kind == "SelfSubjectRulesReview":
        rules = access.rules(asking, str(spec.get("namespace", "")))
        resources = [rule for rule in rules if rule.get("resources")]
        status = {"resourceRules": resources, "nonResourceRules": [], "incomplete": False}
        return {**answer, "status": status}
    if ("resourceAttributes" in spec) == ("nonResourceAttributes" in spec):
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        cause = Cause("FieldValueInvalid", f"Invalid value: null: {why}", "spec.resourceAttributes")
        raise Refused.invalid(kind, "", [cause])
    user = (
        asking
        if kind.kind.startswith("Self")
        else User(str(spec.get("user", "")), tuple(spec.get("groups") or ()))
    )
    allowed = access.allows(user, Ask.of(spec))
    return {**answer, "status": {"allowed": allowed}}


def _token(spec: Json, access: Access) -> Json:
    user = access.user(str(spec.get("token", "")))
    wanted = spec.get("audiences") or [AUDIENCE]
    if user is None:
        return {"user": {}, "error": "[invalid bearer token, Token could not be validated.]"}
    shared = [audience for audience in wanted if audience in user.audiences]
    if not shared:
        return {"user": {}, "error": "[invalid bearer token, token audiences are invalid]"}
    return {"authenticated": True, "user": user.told, "audiences": shared}


def requested(body: Json, account: Json, access: Access) -> Json:
    """The answer to a TokenRequest."""
    spec = body.get("spec") or {}
    audiences = tuple(spec.get("audiences") or ())
    seconds = spec.get("expirationSeconds") or _TOKEN_SECONDS
    ends = datetime.now(UTC) + timedelta(seconds=seconds)
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": account["metadata"]["name"]},
        "spec": {"audiences": list(audiences or (AUDIENCE,)), "expirationSeconds": seconds},
        "status": {
            "token": access.issue(account, audiences),
            "expirationTimestamp": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }
