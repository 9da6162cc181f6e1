"""Fields that are left alone for a while after a write, each with the reason."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from responder.holds.objects import ObjectKey

WhyT = TypeVar("WhyT")


class Resting(Generic[WhyT]):
    """What rests, by object and field."""

    def __init__(self, *, seconds: float, monotonic: Callable[[], float]) -> None:
        """Each field rests for so many seconds."""
        self._seconds = seconds
        self._monotonic = monotonic
        self._found: dict[ObjectKey, dict[str, tuple[float, WhyT]]] = defaultdict(dict)

    def __contains__(self, key: ObjectKey) -> bool:
        """Tell whether something of an object rests, or did when it was last looked at."""
        return key in self._found

    def add(self, key: ObjectKey, field: str, why: WhyT) -> None:
        """Let a field rest from now on."""
        self._found[key][field] = (self._monotonic() + self._seconds, why)

    def end(self, key: ObjectKey, fields: Iterable[str]) -> None:
        """Some fields of an object rest no longer."""
        ended = set(fields)
        self._keep(key, {f: rest for f, rest in self._known(key).items() if f not in ended})

    def of(self, key: ObjectKey) -> Mapping[str, WhyT]:
        """Give the fields of an object that rest now, each with the reason."""
        now = self._monotonic()
        found = {f: rest for f, rest in self._known(key).items() if now < rest[0]}
        self._keep(key, found)
        return {field: why for field, (_, why) in found.items()}

    def _known(self, key: ObjectKey) -> Mapping[str, tuple[float, WhyT]]:
        return self._found.get(key, {})

    def _keep(self, key: ObjectKey, found: dict[str, tuple[float, WhyT]]) -> None:
        self._found.pop(key, None)
        if found:
            self._found[key] = found
