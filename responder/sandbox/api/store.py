"""The objects, the version counter, and the recent changes that watches resume from."""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

Json = dict[str, Any]
Key = tuple[str, str]
"""Group and plural."""
Place = tuple[str, str]
"""Namespace ("" for what is in none) and name."""

HISTORY: Final = 10_000
_HISTORY_BYTES: Final = 2**25
"""Of JSON, which is several times that in memory: a few large objects must not fill it."""


class Change(NamedTuple):
    """One committed write: `new` is None for a removal, `old` for a creation."""

    version: int
    key: Key
    old: Json | None
    new: Json | None
    gone: Json | None = None
    size: int = 0


class TooOldError(Exception):
    """The changes since then are no longer known."""


@dataclass(slots=True)
class Store:
    """Objects are never altered once they are in: who has one may keep it."""

    history: int = HISTORY
    history_bytes: int = _HISTORY_BYTES
    path: Path | None = None
    version: int = 1
    forgotten: int = 0
    _objects: dict[Key, dict[Place, Json]] = field(default_factory=lambda: defaultdict(dict))
    _changes: deque[Change] = field(default_factory=deque)
    _changes_bytes: int = 0
    _listeners: list[Callable[[Change], None]] = field(default_factory=list)
    _file: IO[str] | None = None

    def __post_init__(self) -> None:
        if self.path is not None:
            self._load(self.path)

    def get(self, key: Key, place: Place) -> Json | None:
        return self._objects[key].get(place)

    def listed(self, key: Key, namespace: str = "") -> list[Json]:
        """In the order of the real one's keys; of all namespaces for ""."""
        objects = self._objects[key]
        return [
            objects[place] for place in sorted(objects) if not namespace or place[0] == namespace
        ]

    def keys(self) -> list[Key]:
        return [key for key, objects in self._objects.items() if objects]

    def put(self, key: Key, body: Json, *, size: int = 0) -> Json:
        """Commits it under the next version; returns it as it is stored. `size`: of its JSON."""
        meta = body["metadata"]
        place = (meta.get("namespace", ""), meta["name"])
        old = self._objects[key].get(place)
        self.version += 1
        new = {**body, "metadata": {**meta, "resourceVersion": str(self.version)}}
        self._objects[key][place] = new
        self._record(Change(self.version, key, old, new, size=size))
        return new

    def remove(self, key: Key, place: Place) -> Json:
        """The last state carries the version of the removal, as watches show it."""
        old = self._objects[key].pop(place)
        self.version += 1
        meta = {**old["metadata"], "resourceVersion": str(self.version)}
        self._record(Change(self.version, key, old, None, {**old, "metadata": meta}))
        return old

    def since(self, version: int) -> Iterator[Change]:
        """The changes after a version. Raises TooOldError."""
        if version < self.forgotten:
            raise TooOldError
        return (change for change in list(self._changes) if change.version > version)

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """It is called at each commit, in order; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def forget(self) -> None:
        """From now on no watch resumes from before now."""
        self._changes.clear()
        self._changes_bytes = 0
        self.forgotten = self.version

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _record(self, change: Change) -> None:
        self._changes.append(change)
        self._changes_bytes += change.size
        while len(self._changes) > self.history or self._changes_bytes > self.history_bytes:
            oldest = self._changes.popleft()
            self._changes_bytes -= oldest.size
            self.forgotten = oldest.version
        if self._file is not None:
            self._file.write(_line(change))
            self._file.flush()
        for listener in tuple(self._listeners):
            listener(change)

    def _load(self, path: Path) -> None:
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                try:
                    self._replay(json.loads(line))
                except json.JSONDecodeError:
                    break  # a line that a crash has cut short: it was never answered
        # Watches of an earlier life list afresh.
        self.forgotten = self.version
        whole = path.with_suffix(".new")
        whole.write_text(
            "".join(
                _line(Change(int(body["metadata"]["resourceVersion"]), key, None, body))
                for key, objects in self._objects.items()
                for body in objects.values()
            )
            + json.dumps({"version": self.version})
            + "\n",
            "utf-8",
        )
        whole.replace(path)
        self._file = path.open("a", encoding="utf-8")

    def _replay(self, line: Json) -> None:
        self.version = max(self.version, line["version"])
        if "key" not in line:
            return
        key, place = tuple(line["key"]), tuple(line["place"])
        if line["object"] is None:
            self._objects[key].pop(place, None)
        else:
            self._objects[key][place] = line["object"]


def _line(change: Change) -> str:
    body = change.new or change.gone or {}
    meta = body["metadata"]
    place = (meta.get("namespace", ""), meta["name"])
    told = {"version": change.version, "key": change.key, "place": place, "object": change.new}
    return json.dumps(told, separators=(",", ":")) + "\n"
