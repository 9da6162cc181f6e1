"""Every object and the last changes, under one count of versions; in memory, or kept in a file.

A change is committed as a whole and told to whoever follows, in the order of the versions.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

Json = dict[str, Any]
ChangeKind = Literal["ADDED", "MODIFIED", "DELETED"]


class Place(NamedTuple):
    """Where an object is: the plural with its group, the namespace ("" for none), the name."""

    resource: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """One commit. Of a deletion `body` is the last state, under the version of the deletion."""

    revision: int
    kind: ChangeKind
    place: Place
    body: Json
    before: Json | None


@dataclass(slots=True)
class Store:
    """`remembers` is how many changes can still be told to a watch that resumes.

    Raises ValueError where `file` is there and not of this server.
    """

    remembers: int = 10_000
    file: Path | None = None
    revision: int = 1
    _objects: dict[Place, Json] = field(default_factory=dict)
    _by_resource: dict[str, dict[Place, Json]] = field(default_factory=dict)
    _history: deque[Change] = field(default_factory=deque)
    _forgotten: int = 0
    """The version of the newest change that was forgotten."""
    _followers: list[Callable[[Change], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.file is not None and self.file.exists():
            try:
                self._load(json.loads(self.file.read_text(encoding="utf-8")))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{self.file} holds no objects of this server") from error

    # -- reading: what is given must not be changed

    def get(self, place: Place) -> Json | None:
        return self._objects.get(place)

    def items(self, resource: str, namespace: str = "") -> list[Json]:
        """Give the objects of a resource, by namespace and name; in all of them for ""."""
        found = self._by_resource.get(resource, {})
        return [
            found[place] for place in sorted(found) if not namespace or place.namespace == namespace
        ]

    def places(self, *, namespace: str) -> Iterator[Place]:
        """Give whatever is in a namespace."""
        yield from [place for place in self._objects if place.namespace == namespace]

    def is_remembered(self, revision: int) -> bool:
        """Tell whether every change after this version can still be told."""
        return revision >= self._forgotten

    def changes_after(self, revision: int) -> list[Change]:
        return [change for change in self._history if change.revision > revision]

    def follow(self, follower: Callable[[Change], None]) -> Callable[[], None]:
        """Tell every change from now on; gives what ends it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    # -- committing

    def put(self, place: Place, body: Json) -> Json:
        """Commit an object; gives it with its new version."""
        before = self._objects.get(place)
        self.revision += 1
        kept = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.revision)}}
        self._objects[place] = kept
        self._by_resource.setdefault(place.resource, {})[place] = kept
        kind: ChangeKind = "ADDED" if before is None else "MODIFIED"
        self._commit(Change(self.revision, kind, place, kept, before))
        return kept

    def remove(self, place: Place) -> Json:
        """Commit a deletion; gives the last state under the version of the deletion."""
        before = self._objects.pop(place)
        del self._by_resource[place.resource][place]
        self.revision += 1
        last = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.revision)}}
        self._commit(Change(self.revision, "DELETED", place, last, before))
        return last

    def forget_history(self) -> None:
        """Compact: no watch can resume at an older version any more."""
        self._history.clear()
        self._forgotten = self.revision

    def _commit(self, change: Change) -> None:
        self._history.append(change)
        while len(self._history) > self.remembers:
            self._forgotten = self._history.popleft().revision
        if self.file is not None:
            self._save(self.file)
        for follower in list(self._followers):
            follower(change)

    # -- the file

    def _save(self, file: Path) -> None:
        """Write it whole beside the old one and put it in its place, so that one always stands."""
        objects = [[*place, body] for place, body in self._objects.items()]
        text = json.dumps({"revision": self.revision, "objects": objects})
        draft = file.with_name(f".{file.name}.new")
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)

    def _load(self, told: Json) -> None:
        self.revision = self._forgotten = int(told["revision"])
        for resource, namespace, name, body in told["objects"]:
            place = Place(resource, namespace, name)
            self._objects[place] = body
            self._by_resource.setdefault(resource, {})[place] = body
