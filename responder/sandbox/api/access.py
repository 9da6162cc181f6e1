"""Who asks, and what that one may do: tokens, and RBAC as Roles and their bindings say."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from responder.sandbox.api.store import Store

Json = dict[str, Any]
_RBAC: Final = "rbac.authorization.k8s.io"
AUDIENCE: Final = "https://kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class User:
    """As a TokenReview tells of one."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    audiences: tuple[str, ...] = (AUDIENCE,)

    @property
    def told(self) -> Json:
        told = {"username": self.name, "uid": self.uid, "groups": list(self.groups)}
        return {key: value for key, value in told.items() if value}


ANONYMOUS: Final = User("system:anonymous", ("system:unauthenticated",))
ADMIN: Final = User("admin", ("system:masters", "system:authenticated"), "admin")


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing somebody wants to do."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> "Ask":
        """From the spec of a SubjectAccessReview."""
        about = spec.get("resourceAttributes")
        if about is None:
            plain = spec.get("nonResourceAttributes") or {}
            return cls(str(plain.get("verb", "")), path=str(plain.get("path", "")))
        return cls(
            *(
                str(about.get(key) or "")
                for key in ("verb", "group", "resource", "subresource", "namespace", "name")
            )
        )


@dataclass(slots=True)
class Access:
    """The tokens, given and issued, and the rules, which are objects of the store."""

    store: Store
    tokens: dict[str, User] = field(default_factory=dict)

    def user(self, token: str) -> User | None:
        return self.tokens.get(token)

    def issue(self, account: Json, audiences: tuple[str, ...]) -> str:
        """A token for a ServiceAccount."""
        meta = account["metadata"]
        namespace, name = meta["namespace"], meta["name"]
        token = secrets.token_urlsafe(32)
        self.tokens[token] = User(
            f"system:serviceaccount:{namespace}:{name}",
            (
                "system:serviceaccounts",
                f"system:serviceaccounts:{namespace}",
                "system:authenticated",
            ),
            meta["uid"],
            audiences or (AUDIENCE,),
        )
        return token

    def allows(self, user: User, ask: Ask) -> bool:
        if "system:masters" in user.groups:
            return True
        if ask.path and ask.verb == "get":
            open_to_all = ("/healthz", "/livez", "/readyz", "/version")
            # OpenAPI is asked for without the path that carries the token.
            if ask.path.startswith("/openapi"):
                return True
            known = "system:authenticated" in user.groups
            if ask.path in open_to_all or (known and ask.path.startswith("/api")):
                return True
        own = ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
        if ask.resource in own and "system:authenticated" in user.groups:
            return True
        return any(_covers(rule, ask) for rule in self.rules(user, ask.namespace))

    def rules(self, user: User, namespace: str) -> Iterator[Json]:
        """What the bindings of the namespace, and of the cluster, give."""
        bindings = self.store.listed((_RBAC, "clusterrolebindings"))
        if namespace:
            bindings = bindings + self.store.listed((_RBAC, "rolebindings"), namespace)
        for binding in bindings:
            meta = binding["metadata"]
            if not any(_is(user, subject, meta) for subject in binding.get("subjects") or ()):
                continue
            reference = binding["roleRef"]
            role = (
                self.store.get((_RBAC, "clusterroles"), ("", reference["name"]))
                if reference["kind"] == "ClusterRole"
                else self.store.get((_RBAC, "roles"), (meta["namespace"], reference["name"]))
            )
            yield from (role or {}).get("rules") or ()


def _is(user: User, subject: Mapping[str, str], binding: Json) -> bool:
    if subject["kind"] == "ServiceAccount":
        namespace = subject.get("namespace") or binding.get("namespace", "")
        return user.name == f"system:serviceaccount:{namespace}:{subject['name']}"
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    return subject["name"] == user.name


def _covers(rule: Mapping[str, Any], ask: Ask) -> bool:
    def has(key: str, *values: str) -> bool:
        return any(value in rule.get(key, ()) for value in ("*", *values))

    if ask.path:
        urls = rule.get("nonResourceURLs", ())
        return has("verbs", ask.verb) and any(
            url == ask.path or (url.endswith("*") and ask.path.startswith(url[:-1])) for url in urls
        )
    whole = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    names = rule.get("resourceNames") or ()
    return (
        has("verbs", ask.verb)
        and has("apiGroups", ask.group)
        and has("resources", whole, *([f"*/{ask.subresource}"] if ask.subresource else []))
        and (not names or ask.name in names)
    )


_VIEWED: Final = (
    *(("configmaps", ""), ("events", ""), ("pods", ""), ("services", "")),
    *(("deployments", "apps"), ("replicasets", "apps")),
    ("horizontalpodautoscalers", "autoscaling"),
    ("events", "events.k8s.io"),
)
VIEW: Final[Json] = {
    "apiVersion": f"{_RBAC}/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "view"},
    "rules": [
        {"apiGroups": [group], "resources": [plural], "verbs": ["get", "list", "watch"]}
        for plural, group in _VIEWED
    ],
}
DELEGATOR: Final[Json] = {
    "apiVersion": f"{_RBAC}/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "system:auth-delegator"},
    "rules": [
        {
            "apiGroups": [f"{part}.k8s.io"],
            "resources": [plural],
            "verbs": ["create"],
        }
        for part, plural in (
            ("authentication", "tokenreviews"),
            ("authorization", "subjectaccessreviews"),
        )
    ],
}
