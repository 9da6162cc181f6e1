"""What the server says of itself: versions, groups, kinds, and as much OpenAPI as kubectl asks."""

from typing import Any, Final

from responder.sandbox.api.kinds import Kind, Kinds

Json = dict[str, Any]

VERSION: Final[Json] = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+embedded",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "",
}


def core_versions() -> Json:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def groups(kinds: Kinds) -> Json:
    found: dict[str, list[str]] = {}
    for kind in kinds.all():
        if kind.group and kind.version not in found.setdefault(kind.group, []):
            found[kind.group].append(kind.version)
    for group, version in (("authentication.k8s.io", "v1"), ("authorization.k8s.io", "v1")):
        found.setdefault(group, [version])
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": group,
                "versions": [
                    {"groupVersion": f"{group}/{version}", "version": version}
                    for version in versions
                ],
                "preferredVersion": {
                    "groupVersion": f"{group}/{versions[0]}",
                    "version": versions[0],
                },
            }
            for group, versions in sorted(found.items())
        ],
    }


_REVIEWS: Final = {
    "authentication.k8s.io": ("tokenreviews", "TokenReview"),
    "authorization.k8s.io": ("subjectaccessreviews", "SubjectAccessReview"),
}


def resources(kinds: Kinds, group: str, version: str) -> Json | None:
    """Give the kinds of a group's version; None where there is no such version."""
    found = kinds.of_group(group, version)
    listed = [entry for kind in found for entry in _entries(kind)]
    if group in _REVIEWS:
        plural, kind_name = _REVIEWS[group]
        listed.append(
            {
                "name": plural,
                "singularName": kind_name.lower(),
                "namespaced": False,
                "kind": kind_name,
                "verbs": ["create"],
            }
        )
    if not listed:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": listed,
    }


def _entries(kind: Kind) -> list[Json]:
    entry: Json = {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
        **({"shortNames": list(kind.short_names)} if kind.short_names else {}),
    }
    verbs = ["get", "patch", "update"]
    part: Json = {"singularName": "", "namespaced": kind.namespaced, "verbs": verbs}
    found = [entry]
    if kind.has_status:
        found.append({**part, "name": f"{kind.plural}/status", "kind": kind.kind})
    if kind.scales:
        scale = {"kind": "Scale", "group": "autoscaling", "version": "v1"}
        found.append({**part, "name": f"{kind.plural}/scale", **scale})
    return found


def openapi_index(kinds: Kinds) -> Json:
    """Give the index of OpenAPI v3, by which kubectl learns that the server validates fields."""
    paths = {}
    for kind in kinds.all():
        root = f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"
        paths[root] = {"serverRelativeURL": f"/openapi/v3/{root}?hash=0"}
    return {"paths": paths}


def openapi(kinds: Kinds, root: str) -> Json:
    """Give the OpenAPI v3 of one group's version: that writes may be checked by the server."""
    parts = root.split("/")
    group, version = (parts[1], parts[2]) if parts[0] == "apis" else ("", parts[1])
    paths: Json = {}
    schemas: Json = {}
    for kind in kinds.of_group(group, version):
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        name = f"{kind.group or 'core'}.{kind.version}.{kind.kind}"
        schemas[name] = {"type": "object", "x-kubernetes-group-version-kind": [gvk]}
        where = "/namespaces/{namespace}" if kind.namespaced else ""
        parameters = [
            {"name": each, "in": "query", "schema": {"type": "string"}}
            for each in ("dryRun", "fieldManager", "fieldValidation")
        ]
        paths[f"/{root}{where}/{kind.plural}/{{name}}"] = {
            "patch": {
                "parameters": parameters,
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": gvk,
            }
        }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def found(kinds: Kinds, path: str) -> Json | None:
    """Give what is told at a path; None where it is not of discovery."""
    told: Json | None = None
    match path.strip("/").split("/"):
        case ["version"]:
            told = VERSION
        case ["api"]:
            told = core_versions()
        case ["apis"]:
            told = groups(kinds)
        case ["api", version]:
            told = resources(kinds, "", version)
        case ["apis", group]:
            named = (each for each in groups(kinds)["groups"] if each["name"] == group)
            told = next(({"kind": "APIGroup", "apiVersion": "v1", **each} for each in named), None)
        case ["apis", group, version]:
            told = resources(kinds, group, version)
        case ["openapi", "v3"]:
            told = openapi_index(kinds)
        case ["openapi", "v3", "api" | "apis" as first, *rest]:
            told = openapi(kinds, "/".join([first, *rest]))
    return told
