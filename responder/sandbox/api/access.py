"""Who may do what: tokens, and Kubernetes' roles and bindings as they are stored."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from responder.sandbox.api.failures import Json
from responder.sandbox.api.store import Store

ADMINS: Final = "system:masters"
_AUTHENTICATED: Final = "system:authenticated"
_DEFAULT_AUDIENCE: Final = "https://kubernetes.default.svc"
_RBAC: Final = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose token was known."""

    name: str
    groups: frozenset[str]
    audiences: tuple[str, ...] = (_DEFAULT_AUDIENCE,)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a request is about to do."""

    verb: str
    group: str
    resource: str
    """The plural, with its subresource: `deployments/scale`."""
    namespace: str = ""
    name: str = ""
    path: str = ""
    """For what is no resource, like `/metrics`."""


@dataclass(slots=True)
class Access:
    """Knows tokens; reads roles from the store. Without any token everybody is an admin."""

    store: Store
    tokens: dict[str, User] = field(default_factory=dict)

    def user_of(self, token: str) -> User | None:
        """Give who shows a token; None where it is not known or over."""
        if not self.tokens:
            return User("admin", frozenset({ADMINS, _AUTHENTICATED}))
        found = self.tokens.get(token)
        if found is not None and found.expires_at is not None:
            return found if datetime.now(UTC) < found.expires_at else None
        return found

    def add_admin(self, token: str, *, name: str = "admin") -> None:
        self.tokens[token] = User(name, frozenset({ADMINS, _AUTHENTICATED}))

    def issue(self, namespace: str, name: str, spec: Mapping[str, Any]) -> Json:
        """Issue a token for a ServiceAccount, as a TokenRequest asks for it."""
        seconds = int(spec.get("expirationSeconds") or 3600)
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        audiences = tuple(spec.get("audiences") or (_DEFAULT_AUDIENCE,))
        groups = {
            _AUTHENTICATED,
            "system:serviceaccounts",
            f"system:serviceaccounts:{namespace}",
        }
        user = User(
            f"system:serviceaccount:{namespace}:{name}", frozenset(groups), audiences, expires_at
        )
        token = secrets.token_urlsafe(32)
        self.tokens[token] = user
        stamp = expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"token": token, "expirationTimestamp": stamp}

    # -- reviews

    def review_token(self, spec: Mapping[str, Any]) -> Json:
        """Answer a TokenReview: `audiences` are those that both the token and the asker name."""
        user = self.user_of(str(spec.get("token", ""))) if self.tokens else None
        wanted = tuple(spec.get("audiences") or (_DEFAULT_AUDIENCE,))
        if user is None:
            return {"user": {}, "error": "[invalid bearer token]"}
        shared = [audience for audience in wanted if audience in user.audiences]
        if not shared:
            return {"user": {}, "error": "[invalid bearer token, token audiences don't match]"}
        told = {"username": user.name, "groups": sorted(user.groups)}
        return {"authenticated": True, "user": told, "audiences": shared}

    def review_access(self, spec: Mapping[str, Any]) -> Json:
        """Answer a SubjectAccessReview."""
        user = User(str(spec.get("user", "")), frozenset(spec.get("groups") or ()))
        about = spec.get("resourceAttributes") or {}
        plural = str(about.get("resource", ""))
        part = f"/{about['subresource']}" if about.get("subresource") else ""
        attempt = Attempt(
            verb=str(about.get("verb", (spec.get("nonResourceAttributes") or {}).get("verb", ""))),
            group=str(about.get("group", "")),
            resource=f"{plural}{part}",
            namespace=str(about.get("namespace", "")),
            name=str(about.get("name", "")),
            path=str((spec.get("nonResourceAttributes") or {}).get("path", "")),
        )
        return {"allowed": self.allows(user, attempt)}

    # -- roles

    def allows(self, user: User, attempt: Attempt) -> bool:
        """Tell whether a role that is bound to the user allows it."""
        if ADMINS in user.groups:
            return True
        return any(_covers(rule, attempt) for rule in self._rules(user, attempt.namespace))

    def _rules(self, user: User, namespace: str) -> Iterable[Mapping[str, Any]]:
        bound = [(item, "") for item in self.store.items(f"clusterrolebindings.{_RBAC}")]
        if namespace:
            bound += [
                (item, namespace) for item in self.store.items(f"rolebindings.{_RBAC}", namespace)
            ]
        for binding, where in bound:
            if any(_is(subject, user, where) for subject in binding.get("subjects") or ()):
                yield from self._role(binding.get("roleRef") or {}, where)

    def _role(self, reference: Mapping[str, Any], namespace: str) -> list[Mapping[str, Any]]:
        plural = "clusterroles" if reference.get("kind") == "ClusterRole" else "roles"
        if reference.get("name") == "system:auth-delegator":
            return [
                {"apiGroups": [group], "resources": [plural], "verbs": ["create"]}
                for group, plural in (
                    ("authentication.k8s.io", "tokenreviews"),
                    ("authorization.k8s.io", "subjectaccessreviews"),
                )
            ]
        wanted = "" if plural == "clusterroles" else namespace
        for role in self.store.items(f"{plural}.{_RBAC}", wanted):
            if role["metadata"]["name"] == reference.get("name"):
                return list(role.get("rules") or ())
        return []


def _is(subject: Mapping[str, Any], user: User, namespace: str) -> bool:
    match subject.get("kind"):
        case "ServiceAccount":
            where = subject.get("namespace") or namespace
            return user.name == f"system:serviceaccount:{where}:{subject.get('name')}"
        case "Group":
            return subject.get("name") in user.groups
        case _:
            return subject.get("name") == user.name


def _covers(rule: Mapping[str, Any], attempt: Attempt) -> bool:
    def has(key: str, value: str) -> bool:
        told = rule.get(key) or ()
        return "*" in told or value in told

    if attempt.path:
        return has("verbs", attempt.verb) and has("nonResourceURLs", attempt.path)
    names = rule.get("resourceNames") or ()
    return (
        has("verbs", attempt.verb)
        and has("apiGroups", attempt.group)
        and has("resources", attempt.resource)
        and (not names or attempt.name in names)
    )
