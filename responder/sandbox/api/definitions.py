"""CustomResourceDefinitions: what they define is served while they are there.

One that is deleted ends as the real ones do: nothing new is taken, what it defined is deleted
first, and it is gone once no finalizer keeps any of that.
"""

from collections.abc import Mapping
from typing import Any, Final

from responder.sandbox.api.failures import Json, Refused, Subject
from responder.sandbox.api.kinds import Kind, Kinds, custom_kinds
from responder.sandbox.api.operations import Operations
from responder.sandbox.api.store import Change, Place, Store

DEFINITIONS: Final = "customresourcedefinitions.apiextensions.k8s.io"
_CONDITIONS: Final = (
    ("NamesAccepted", "NoConflicts"),
    ("Established", "InitialNamesAccepted"),
)
_CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"


class Definitions:
    """Follows the store."""

    def __init__(self, store: Store, kinds: Kinds, operations: Operations) -> None:
        self._store = store
        self._kinds = kinds
        self._operations = operations
        for definition in store.items(DEFINITIONS):
            kinds.define(definition)

    def refuse_when_terminating(self, kind: Kind) -> None:
        """Raise Refused for a create of what is about to be taken away."""
        found = self._store.get(Place(DEFINITIONS, "", kind.resource)) if kind.custom else None
        if found is not None and found["metadata"].get("deletionTimestamp"):
            told = "create not allowed while custom resource definition is terminating"
            raise Refused(405, told, subject=Subject(kind.group, kind.plural))

    def see(self, change: Change) -> None:
        """Take in a change of the store."""
        if change.place.resource != DEFINITIONS:
            self._go_on(change)
        elif change.kind == "DELETED":
            self._kinds.undefine(change.body)
        elif change.body["metadata"].get("deletionTimestamp"):
            self._end(change.body)
        else:
            self._kinds.define(change.body)
            if not (change.body.get("status") or {}).get("conditions"):
                self._store.put(change.place, _established(change.body, now=self._moment()))

    def _moment(self) -> str:
        return self._operations.moment()

    def _go_on(self, change: Change) -> None:
        """Something was deleted that kept a definition from ending."""
        if change.kind != "DELETED":
            return
        definition = self._store.get(Place(DEFINITIONS, "", change.place.resource))
        if definition is not None and definition["metadata"].get("deletionTimestamp"):
            self._end(definition)

    def _end(self, definition: Json) -> None:
        for kind in custom_kinds(definition):
            for item in self._store.items(kind.resource):
                metadata = item["metadata"]
                if not metadata.get("deletionTimestamp"):
                    where = str(metadata.get("namespace", ""))
                    self._operations.delete(kind, where, str(metadata["name"]))
            if self._store.items(kind.resource):
                return
        place = Place(DEFINITIONS, "", str(definition["metadata"]["name"]))
        if self._store.get(place) is not None:
            self._store.remove(place)


def _established(definition: Mapping[str, Any], *, now: str) -> Json:
    metadata = dict(definition["metadata"])
    metadata["finalizers"] = [*(metadata.get("finalizers") or ()), _CLEANUP]
    conditions = [
        {
            "type": kind,
            "status": "True",
            "reason": reason,
            "message": "",
            "lastTransitionTime": now,
        }
        for kind, reason in (
            ("NamesAccepted", "NoConflicts"),
            ("Established", "InitialNamesAccepted"),
        )
    ]
    names = definition["spec"]["names"]
    versions = [version["name"] for version in definition["spec"]["versions"]]
    status = {"conditions": conditions, "acceptedNames": names, "storedVersions": versions}
    return {**definition, "metadata": metadata, "status": status}
