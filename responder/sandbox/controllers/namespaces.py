"""A namespace that is deleted takes everything in it along."""

from typing import Final

from responder.sandbox.api.failures import Refused
from responder.sandbox.api.kinds import Kinds
from responder.sandbox.api.operations import Operations
from responder.sandbox.api.store import Change, Store

_NAMESPACES: Final = "namespaces"


class Namespaces:
    """Follows the store."""

    def __init__(self, store: Store, kinds: Kinds, operations: Operations) -> None:
        self._store = store
        self._kinds = kinds
        self._operations = operations

    def see(self, change: Change) -> None:
        """Take in a change of the store."""
        if change.place.resource != _NAMESPACES or change.kind != "DELETED":
            return
        for place in list(self._store.places(namespace=change.place.name)):
            item = self._store.get(place)
            plural, _, group = place.resource.partition(".")
            version = str((item or {}).get("apiVersion", "")).rpartition("/")[2]
            kind = self._kinds.find(group, version, plural)
            if item is not None and kind is not None:
                try:
                    self._operations.delete(kind, place.namespace, place.name)
                except Refused:
                    continue
