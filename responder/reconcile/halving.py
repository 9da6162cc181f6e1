"""Which key of a refused patch it was: found by halving, so that the others are written.

A patch of a ConfigMap carries the keys of many, and is refused as a whole for one of them.
"""

from collections.abc import Sequence


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
