"""The kinds that are served at this moment: the built-in ones, and what the store defines."""

from dataclasses import dataclass, field

from responder.sandbox.api.kinds import BUILT_IN, DEFINITION, Kind, defined
from responder.sandbox.api.store import Change, Json, Store


@dataclass(slots=True)
class Served:
    """Follows the CustomResourceDefinitions; what is of a kind goes with its definition."""

    store: Store
    _kinds: dict[tuple[str, str, str], Kind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in BUILT_IN:
            self._kinds[kind.group, kind.version, kind.plural] = kind
        for definition in self.store.listed(DEFINITION.key):
            self._serve(definition)
        self.store.listen(self._noticed)

    def all(self) -> list[Kind]:
        return list(self._kinds.values())

    def at(self, group: str, version: str, plural: str) -> Kind | None:
        """As a path names it."""
        return self._kinds.get((group, version, plural))

    def of(self, api_version: str, name: str) -> Kind | None:
        """As an ownerReference or a scaleTargetRef names it."""
        group, _, version = api_version.rpartition("/")
        return next(
            (k for k in self.all() if (k.group, k.version, k.kind) == (group, version, name)),
            None,
        )

    def _noticed(self, change: Change) -> None:
        if change.key != DEFINITION.key:
            return
        if change.old is not None:
            for kind in defined(change.old):
                self._kinds.pop((kind.group, kind.version, kind.plural), None)
        if change.new is not None:
            self._serve(change.new)
        elif change.old is not None:
            for kind in defined(change.old):
                for body in self.store.listed(kind.key):
                    meta = body["metadata"]
                    self.store.remove(kind.key, (meta.get("namespace", ""), meta["name"]))

    def _serve(self, definition: Json) -> None:
        for kind in defined(definition):
            self._kinds[kind.group, kind.version, kind.plural] = kind
