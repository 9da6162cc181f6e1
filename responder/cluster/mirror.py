"""A local copy of one list of objects that never goes backwards, fed by a watch and by own writes.

Everything rests on one fact: a watch tells the changes of a resource in the order of their
versions, and versions compare (KEP-5504). So with the stream at version P, an object of our own
write at a version up to P has been told already, and was deleted or superseded if it isn't here;
one above P is ahead of the stream and is kept against whatever older the stream still brings. No
list of deleted objects is needed, and what is remembered of own writes ends as the stream passes.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, Literal, TypeVar

from responder.cluster.resources import JsonObject, is_gone, key_of, version_of

T = TypeVar("T")
Key = tuple[str, str]
"""Namespace and name."""
ChangeKind = Literal["added", "modified", "deleted"]
OnChange = Callable[[ChangeKind, T | None, T | None], None]
"""Gets the kind, the old value (None: added) and the new one (None: deleted)."""


class Mirror(Generic[T]):
    """`transform` makes of an object what is kept, None to leave it out; it must not raise.

    `on_change` is called once for each effective change, after the copy has it, and never for a
    version that was seen already. `on_restored` is called before the changes of a list whose
    versions went backwards: each object of it is told, also one that is as it was. Neither may
    raise. `known` may give what is kept elsewhere of this very version of an object, so that it is
    neither made nor kept twice; only the stream asks it, which goes on where all is trusted.
    """

    def __init__(
        self,
        *,
        transform: Callable[[JsonObject], T | None],
        on_change: OnChange[T],
        on_restored: Callable[[], None] = lambda: None,
        known: Callable[[JsonObject], T | None] = lambda _obj: None,
    ) -> None:
        self._transform = transform
        self._on_change = on_change
        self._on_restored = on_restored
        self._known = known
        self._values: dict[Key, T] = {}
        self._versions: dict[Key, int] = {}
        self._ahead: dict[Key, int] = {}
        self._staged: dict[Key, tuple[int, T]] = {}
        self._before: dict[Key, int] = {}
        self._progress = 0
        self._distrusts_versions = False
        self.values: Mapping[Key, T] = MappingProxyType(self._values)

    @property
    def progress(self) -> int:
        """The version up to which the stream has told everything; 0 before the first list."""
        return self._progress

    @property
    def ahead(self) -> int:
        """How many own writes the stream hasn't told yet."""
        return len(self._ahead)

    def observe(self, obj: JsonObject) -> None:
        """Takes in the answer to a write of our own, if it is newer than what is known."""
        key, version = key_of(obj), version_of(obj)
        known = max(self._versions.get(key, 0), self._ahead.get(key, 0))
        if is_gone(obj):
            # Deleted just after this version; the stream may be anywhere around it.
            if known <= version:
                self._ahead[key] = version
                self._put(key, version, None)
        elif version > max(self._progress, known):
            self._ahead[key] = version
            self._put(key, version, self._transform(obj))

    def apply(self, kind: str, obj: JsonObject) -> None:
        """Takes in an ADDED, MODIFIED or DELETED of the stream."""
        key, version = key_of(obj), version_of(obj)
        ahead = self._ahead.get(key, 0)
        if kind == "DELETED":
            # Carries the state from before, under the version of the deletion.
            if version > ahead and version >= self._versions.get(key, 0):
                self._put(key, version, None)
        elif version > ahead and version > self._versions.get(key, 0):
            known = self._known(obj)
            self._put(key, version, self._transform(obj) if known is None else known)
        self.pass_by(version)

    def pass_by(self, version: int) -> None:
        """The stream has told everything up to `version` (a bookmark)."""
        self._progress = max(self._progress, version)
        if self._ahead:
            for key in [key for key, ahead in self._ahead.items() if ahead <= self._progress]:
                del self._ahead[key]

    def begin_list(self) -> None:
        """A consistent read of everything starts after this call; `values` stay until its end."""
        self._staged = {}
        self._before = dict(self._ahead)

    def stage(self, kind: str, obj: JsonObject) -> None:
        """An object of the list (ADDED), or a change that a streamed list brings before its end."""
        key, version = key_of(obj), version_of(obj)
        value: T | None
        if kind == "DELETED":
            value = None
        elif not self._distrusts_versions and self._versions.get(key) == version:
            value = self._values[key]
        else:
            value = self._transform(obj)
        if value is None:
            self._staged.pop(key, None)
        else:
            self._staged[key] = (version, value)

    def finish_list(self, version: int) -> bool:
        """Makes the list, which is the state at `version`, the content.

        Returns False, and changes nothing, if the versions went backwards: the server's etcd is
        another one or an older copy, where an equal version doesn't mean an equal object. The
        next list then tells every object anew.
        """
        staged, self._staged = self._staged, {}
        if self._distrusts_versions:
            self._forget_own_writes()
        elif version < max(self._progress, *self._before.values(), 0):
            self._distrusts_versions = True
            return False
        for key, ahead in self._ahead.items():
            self._prefer_own(staged, key, ahead=ahead, listed=version)
        changes: list[tuple[T | None, T | None]] = [
            (self._values.get(key), value)
            for key, (of_value, value) in staged.items()
            if self._distrusts_versions or self._versions.get(key) != of_value
        ]
        changes += [(old, None) for key, old in self._values.items() if key not in staged]
        self._values.clear()
        self._values.update((key, value) for key, (_, value) in staged.items())
        self._versions = {key: of_value for key, (of_value, _) in staged.items()}
        is_restored, self._distrusts_versions = self._distrusts_versions, False
        self._progress = version
        self.pass_by(version)
        if is_restored:
            self._on_restored()
        for old, new in changes:
            self._tell(old, new)
        return True

    def _forget_own_writes(self) -> None:
        """Those from before the list, which the server no longer knows of."""
        for key, ahead in self._before.items():
            if self._ahead.get(key) == ahead:
                del self._ahead[key]

    def _prefer_own(
        self, staged: dict[Key, tuple[int, T]], key: Key, *, ahead: int, listed: int
    ) -> None:
        """An own write that came while the list was made stands, where the list is older."""
        if key in self._values:
            if ahead > listed:
                staged[key] = (self._versions[key], self._values[key])
        elif ahead > listed or (key in staged and staged[key][0] <= ahead):
            staged.pop(key, None)

    def _put(self, key: Key, version: int, value: T | None) -> None:
        old = self._values.get(key)
        if value is None:
            self._values.pop(key, None)
            self._versions.pop(key, None)
        else:
            self._values[key] = value
            self._versions[key] = version
        self._tell(old, value)

    def _tell(self, old: T | None, new: T | None) -> None:
        if old is not None or new is not None:
            kind: ChangeKind = "added" if old is None else "deleted" if new is None else "modified"
            self._on_change(kind, old, new)
