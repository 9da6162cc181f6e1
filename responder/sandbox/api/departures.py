"""What follows from a deletion: dependents are collected or let go, namespaces are emptied."""

from dataclasses import dataclass
from typing import Any

from responder.sandbox.api import definitions
from responder.sandbox.api.acting import BY_CONTROLLER, attempt, delete, set_status
from responder.sandbox.api.definitions import CLEANUP
from responder.sandbox.api.kinds import DEFINITION, NAMESPACE, Kind, defined
from responder.sandbox.api.store import Change, Key
from responder.sandbox.api.writing import Objects

Json = dict[str, Any]


@dataclass(slots=True)
class Departures:
    """The garbage collector, and the controllers whose finalizers objects wait for."""

    objects: Objects

    def follow(self, change: Change) -> None:
        body = change.new or change.old or {}
        if change.new is None:
            self._collect(body["metadata"])
        elif "deletionTimestamp" in body["metadata"]:
            self._leave(change.key, body)
        if change.new is None and body["metadata"].get("namespace"):
            self._empty(body["metadata"]["namespace"])
        if change.new is None and (definition := self._definition(change.key)):
            self._undefine(definition)

    def _collect(self, gone: Json) -> None:
        """Deletes what nothing owns any more."""
        for kind in self.objects.kinds.all():
            if kind.stored_as[1]:
                continue
            for body in self.objects.store.listed(kind.key):
                owners = body["metadata"].get("ownerReferences", ())
                if owners and all(owner["uid"] == gone["uid"] for owner in owners):
                    meta = body["metadata"]
                    delete(self.objects, kind, meta)

    def _leave(self, key: tuple[str, str], body: Json) -> None:
        """Goes on with a deletion that waits for something of ours."""
        meta = body["metadata"]
        if key == NAMESPACE.key:
            for kind in self.objects.kinds.all():
                for item in self.objects.store.listed(kind.key, meta["name"]):
                    if kind.namespaced and not kind.stored_as[1]:
                        delete(self.objects, kind, item["metadata"])
            self._empty(meta["name"])
            return
        if key == DEFINITION.key:
            self._undefine(body)
            return
        ours = {"foregroundDeletion", "orphan"} & set(meta.get("finalizers", ()))
        if not ours:
            return
        found = next((k for k in self.objects.kinds.all() if k.key == key), None)
        if found is None:
            return
        if "orphan" in ours:
            self._let_go(meta)
        else:
            self._collect(meta)
        rest = [name for name in meta["finalizers"] if name not in ours]
        self._release(found, meta, rest)

    def _definition(self, key: Key) -> Json | None:
        """Of a custom resource, where it is to go."""
        group, plural = key
        found = self.objects.store.get(DEFINITION.key, ("", f"{plural}.{group}"))
        return found if found and "deletionTimestamp" in found["metadata"] else None

    def _undefine(self, definition: Json) -> None:
        """It goes when the last of its objects is gone."""
        status = definitions.emptied(definition)
        attempt(lambda: set_status(self.objects, DEFINITION, definition, status))
        key = (definition["spec"]["group"], definition["spec"]["names"]["plural"])
        for kind in defined(definition)[:1]:
            for item in self.objects.store.listed(key):
                delete(self.objects, kind, item["metadata"])
        if not self.objects.store.listed(key):
            kept = [name for name in definition["metadata"]["finalizers"] if name != CLEANUP]
            self._release(DEFINITION, definition["metadata"], kept)

    def _release(self, kind: Kind, meta: Json, finalizers: list[str]) -> None:
        attempt(
            lambda: self.objects.update(
                kind,
                meta.get("namespace", ""),
                meta["name"],
                lambda live: {**live, "metadata": {**live["metadata"], "finalizers": finalizers}},
                BY_CONTROLLER,
            )
        )

    def _let_go(self, owner: Json) -> None:
        for kind in self.objects.kinds.all():
            for body in self.objects.store.listed(kind.key):
                meta = body["metadata"]
                owners = meta.get("ownerReferences", ())
                kept = [o for o in owners if o["uid"] != owner["uid"]]
                if len(kept) != len(owners):
                    rest = {k: v for k, v in meta.items() if k != "ownerReferences"}
                    rest |= {"ownerReferences": kept} if kept else {}
                    new = {**body, "metadata": rest}
                    self.objects.store.put(kind.key, new)

    def _empty(self, name: str) -> None:
        """A namespace that is to go goes when nothing is left in it."""
        store = self.objects.store
        live = store.get(NAMESPACE.key, ("", name))
        if live is None or "deletionTimestamp" not in live["metadata"]:
            return
        if not any(store.listed(key, name) for key in store.keys()):  # noqa: SIM118 -- no mapping
            store.remove(NAMESPACE.key, ("", name))
