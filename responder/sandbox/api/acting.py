"""How controllers write: under a name of their own, and to be too late is no error."""

from collections.abc import Callable
from typing import Any, Final

from responder.sandbox.api.failures import Refused
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.strategy import Options
from responder.sandbox.api.writing import Objects

Json = dict[str, Any]
BY_CONTROLLER: Final = Options("kube-controller-manager")


def built_in(objects: Objects, group: str, version: str, plural: str) -> Kind:
    kind = objects.kinds.at(group, version, plural)
    if kind is None:
        raise LookupError(plural)
    return kind


def attempt(act: Callable[[], object]) -> None:
    """What is gone or has changed meanwhile is come back to at its own change."""
    try:
        act()
    except Refused as refused:
        if refused.code not in (404, 409):
            raise


def create(objects: Objects, kind: Kind, namespace: str, body: Json) -> Json | None:
    """None if it is there already, or its namespace is going."""
    try:
        return objects.create(kind, namespace, body, BY_CONTROLLER)
    except Refused:
        return None


def delete(objects: Objects, kind: Kind, meta: Json) -> None:
    try:
        objects.delete(kind, meta.get("namespace", ""), meta["name"], {})
    except Refused:
        return  # gone meanwhile


def set_status(objects: Objects, kind: Kind, body: Json, status: Json) -> None:
    meta = body["metadata"]
    objects.update(
        kind,
        meta.get("namespace", ""),
        meta["name"],
        lambda live: {**live, "status": status},
        BY_CONTROLLER,
        subresource="status",
    )
