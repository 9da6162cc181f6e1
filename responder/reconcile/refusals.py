"""Keys of a ConfigMap whose patch was refused lately: they are left out, and block no other key.

A patch carries the keys of many, and is refused as a whole for one of them. Which one it is, is
found by halving.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from responder.cluster.failures import ApiFailure
from responder.holds.objects import ObjectKey

REFUSED_SECONDS: Final = 30.0
"""How long what was refused is not tried again."""


class Refusals:
    """What was refused, by object and key."""

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._found: dict[ObjectKey, dict[str, tuple[float, ApiFailure]]] = defaultdict(dict)

    def add(self, key: ObjectKey, field: str, failure: ApiFailure) -> None:
        """Take note of a key that was refused by itself."""
        self._found[key][field] = (self._monotonic() + REFUSED_SECONDS, failure)

    def of(self, key: ObjectKey) -> Mapping[str, ApiFailure]:
        """Give the keys of an object that are not to be tried for now, each with the reason."""
        now = self._monotonic()
        found = {
            field: (until, failure)
            for field, (until, failure) in self._found.get(key, {}).items()
            if now < until
        }
        self._found.pop(key, None)
        if found:
            self._found[key] = found
        return {field: failure for field, (_, failure) in found.items()}


class Halving:
    """Tries the keys of a refused patch in ever smaller groups, until each refused one is known."""

    def __init__(self) -> None:
        self._groups: list[Sequence[str]] = []

    @property
    def waiting(self) -> frozenset[str]:
        """The keys whose turn is yet to come."""
        return frozenset(field for group in self._groups[1:] for field in group)

    def refused(self, fields: Sequence[str]) -> str | None:
        """Split what was refused together; gives the key that was refused alone."""
        self._groups = self._groups[1:]
        if len(fields) == 1:
            return fields[0]
        half = len(fields) // 2
        self._groups = [fields[:half], fields[half:], *self._groups]
        return None

    def next(self) -> bool:
        """Go on to the next group; tells whether there was one to leave."""
        if not self._groups:
            return False
        self._groups = self._groups[1:]
        return True
