"""What is served, as clients find it out: /api, /apis and as much OpenAPI as kubectl asks for."""

from collections.abc import Collection, Iterable
from typing import Any

from responder.sandbox.api.kinds import Kind

Json = dict[str, Any]
VERSION: Json = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.3+sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}


def at(path: str, kinds: Collection[Kind]) -> Json | None:  # noqa: PLR0911 -- a table of paths
    """What is told at a path; None where nothing is."""
    match path.strip("/").split("/"):
        case ["version"]:
            return VERSION
        case ["api"]:
            versions = {"kind": "APIVersions", "versions": ["v1"]}
            return {**versions, "serverAddressByClientCIDRs": []}
        case ["apis"]:
            return groups(kinds)
        case ["apis", name]:
            return group(kinds, name)
        case ["api", version]:
            return resources(kinds, version)
        case ["apis", name, version]:
            return resources(kinds, f"{name}/{version}")
        case ["openapi", "v3"]:
            return openapi_paths(kinds)
        case ["openapi", "v3", *root]:
            return openapi(kinds, "/".join(root))
    return None


def groups(kinds: Iterable[Kind]) -> Json:
    """APIGroupList."""
    names = dict.fromkeys((kind.group, kind.version) for kind in kinds if kind.group)
    found: dict[str, list[str]] = {}
    for name, version in names:
        found.setdefault(name, []).append(version)
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name, versions) for name, versions in found.items()],
    }


def group(kinds: Iterable[Kind], name: str) -> Json | None:
    """APIGroup."""
    for found in groups(kinds)["groups"]:
        if found["name"] == name:
            return {"kind": "APIGroup", "apiVersion": "v1", **found}
    return None


def _group(name: str, versions: list[str]) -> Json:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def resources(kinds: Iterable[Kind], group_version: str) -> Json | None:
    """APIResourceList."""
    found = [kind for kind in kinds if kind.api_version == group_version]
    if not found:
        return None
    listed = []
    for kind in found:
        entry: Json = {
            "name": kind.plural,
            "singularName": kind.kind.lower(),
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(kind.verbs),
        }
        listed.append(entry | ({"shortNames": list(kind.short)} if kind.short else {}))
        listed += [_subresource(kind, subresource) for subresource in kind.subresources]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": listed,
    }


def _subresource(kind: Kind, name: str) -> Json:
    entry: Json = {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": ["create"] if name == "token" else ["get", "patch", "update"],
    }
    if name == "scale":
        entry |= {"kind": "Scale", "group": "autoscaling", "version": "v1"}
    if name == "token":
        entry |= {"kind": "TokenRequest", "group": "authentication.k8s.io", "version": "v1"}
    return entry


def openapi_paths(kinds: Iterable[Kind]) -> Json:
    """The index of OpenAPI v3."""
    roots = dict.fromkeys(_root(kind) for kind in kinds)
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=0"} for root in roots}}


def _root(kind: Kind) -> str:
    return f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"


def openapi(kinds: Iterable[Kind], root: str) -> Json | None:
    """Says that the server validates fields itself: that is what kubectl wants to know."""
    found = [kind for kind in kinds if _root(kind) == root]
    if not found:
        return None
    query = [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]
    paths: Json = {}
    schemas: Json = {}
    for kind in found:
        about = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        operation = {
            "x-kubernetes-group-version-kind": about,
            "parameters": query,
            "responses": {"200": {"description": "OK"}},
        }
        within = "/namespaces/{namespace}" if kind.namespaced else ""
        path = f"/{root}{within}/{kind.plural}/{{name}}"
        paths[path] = {"patch": {**operation, "x-kubernetes-action": "patch"}}
        schemas[f"{kind.group or 'core'}.{kind.version}.{kind.kind}"] = {
            "type": "object",
            **(kind.schema or {}),
            "x-kubernetes-group-version-kind": [about],
        }
    return {
        "openapi": "3.0.0",
        "info": {"title": "sandbox", "version": "v1.36.3"},
        "paths": paths,
        "components": {"schemas": schemas},
    }
