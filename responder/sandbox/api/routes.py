"""What a path names."""

from typing import NamedTuple

from responder.sandbox.api.access import Ask
from responder.sandbox.api.kinds import NAMESPACE, Kind
from responder.sandbox.api.writing import Objects

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_ROOT_PARTS = {"api": 2, "apis": 3}


class Target(NamedTuple):
    """A collection (no name), an object, or a part of one."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def ask(self, method: str, *, watch: bool) -> Ask:
        """What the request needs to be allowed."""
        if method == "GET":
            verb = "watch" if watch else "get" if self.name else "list"
        elif method == "DELETE":
            verb = "delete" if self.name else "deletecollection"
        else:
            verb = _VERBS[method]
        kind = self.kind
        namespace = self.name if kind == NAMESPACE else self.namespace
        return Ask(verb, kind.group, kind.plural, self.subresource, namespace, self.name)


def target(objects: Objects, path: str) -> Target | None:
    """None where nothing is served."""
    parts = path.strip("/").split("/")
    root = _ROOT_PARTS.get(parts[0], 0)
    if not root or len(parts) <= root:
        return None
    group, version = ("", parts[1]) if root == _ROOT_PARTS["api"] else (parts[1], parts[2])
    rest = parts[root:]
    namespace = ""
    # A namespace's own parts are no collections in it.
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):  # noqa: PLR2004
        namespace, rest = rest[1], rest[2:]
    kind = objects.kinds.at(group, version, rest[0])
    if kind is None or len(rest) > 3 or (namespace and not kind.namespaced):  # noqa: PLR2004
        return None
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""  # noqa: PLR2004
    if subresource and subresource not in kind.subresources:
        return None
    if name and kind.namespaced and not namespace:
        return None
    return Target(kind, namespace, name, subresource)
