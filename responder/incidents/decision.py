"""What one that only observes would have done, and what others did to the same fields meanwhile.

Both are for people to judge by, and nothing is decided by them. All of it is bounded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self

from responder.holds.objects import JsonObject, ObjectKey
from responder.incidents.bounds import recognisable

MOST_CHANGES: Final = 64
MOST_REFUSED: Final = 16
MOST_WITNESSED: Final = 32
FIRST_WITNESSED: Final = 8
"""Of what others did the beginning and the end are kept."""
_MOST_VALUE_CHARACTERS: Final = 200
_MOST_TEXT_CHARACTERS: Final = 512


class Place(NamedTuple):
    """One field of one object."""

    key: ObjectKey
    field: str

    def to_json(self) -> JsonObject:
        return {
            "kind": self.key.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "field": self.field,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Place":
        key = ObjectKey(_text(told, "kind"), _text(told, "namespace"), _text(told, "name"))
        return cls(key, _text(told, "field"))


@dataclass(frozen=True, slots=True)
class Change:
    """A field from one value to another, as text for people."""

    place: Place
    before: str
    after: str
    time: str = ""
    by: str = ""
    """The manager that managedFields name; empty where they name none."""

    def to_json(self) -> JsonObject:
        told = {**self.place.to_json(), "before": self.before, "after": self.after}
        return told | ({"time": self.time, "by": self.by} if self.time else {})

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Change":
        return cls(
            Place.from_json(told),
            before=_text(told, "before"),
            after=_text(told, "after"),
            time=_text(told, "time"),
            by=_text(told, "by"),
        )

    def __str__(self) -> str:
        return f"{self.place.key} {self.place.field}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What an incident that only observes would have held, and until when."""

    at: str
    """When it was decided, from the cluster as it was then."""
    changes: tuple[Change, ...] = ()
    refused: tuple[str, ...] = ()
    """What would not have been held, each with the reason."""
    omitted: int = 0
    """Changes and refusals that found no room here."""
    person: tuple[str, ...] = ()
    """Why a person would have been necessary before it was given back."""
    ends: str = ""
    """When it would have been given back; with `person`, not before."""

    def to_json(self) -> JsonObject:
        return {
            "at": self.at,
            "changes": [change.to_json() for change in self.changes],
            "refused": list(self.refused),
            "omitted": self.omitted or None,
            "person": list(self.person),
            "ends": self.ends or None,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self | None:
        if not told:
            return None
        return cls(
            at=_text(told, "at"),
            changes=tuple(map(Change.from_json, _mappings(told.get("changes")))),
            refused=_texts(told.get("refused")),
            omitted=_whole(told.get("omitted")),
            person=_texts(told.get("person")),
            ends=_text(told, "ends"),
        )


def decided(
    changes: Iterable[Change], refused: Iterable[str], *, person: Iterable[str], at: str
) -> Decision:
    """Make a decision of what was found, bounded."""
    changes = [
        replace(change, before=kept_value(change.before), after=kept_value(change.after))
        for change in changes
    ]
    refused = [text[:_MOST_TEXT_CHARACTERS] for text in dict.fromkeys(refused)]
    kept, told = changes[:MOST_CHANGES], refused[:MOST_REFUSED]
    return Decision(
        at=at,
        changes=tuple(kept),
        refused=tuple(told),
        omitted=len(changes) - len(kept) + len(refused) - len(told),
        person=tuple(text[:_MOST_TEXT_CHARACTERS] for text in person)[:MOST_REFUSED],
    )


def kept_value(text: str) -> str:
    """Cut a value so that two that differ stay different."""
    return recognisable(text, most_characters=_MOST_VALUE_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What others did to the fields that are watched, and what these are without us by now."""

    seen: Mapping[Place, str] | None = None
    """The newest value of each watched field; None until it was first looked at."""
    changes: tuple[Change, ...] = ()
    omitted: int = 0
    """Changes that found no room between the first and the last ones."""

    def and_then(self, change: Change) -> "Witnessed":
        """Append a change; past the bound the middle goes, never the beginning."""
        longer = (*self.changes, change)
        if len(longer) <= MOST_WITNESSED:
            return replace(self, changes=longer)
        kept = longer[:FIRST_WITNESSED] + longer[FIRST_WITNESSED + 1 :]
        return replace(self, changes=kept, omitted=self.omitted + 1)

    @property
    def number(self) -> int:
        """Count all changes, also those that found no room."""
        return len(self.changes) + self.omitted

    def to_json(self) -> JsonObject | None:
        if self == Witnessed():
            return None
        seen = None if self.seen is None else self.seen.items()
        return {
            "seen": None
            if seen is None
            else [{**place.to_json(), "value": value} for place, value in seen],
            "changes": [change.to_json() for change in self.changes],
            "omitted": self.omitted or None,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Witnessed":
        seen = told.get("seen")
        return cls(
            seen={Place.from_json(one): _text(one, "value") for one in _mappings(seen)}
            if isinstance(seen, list)
            else None,
            changes=tuple(map(Change.from_json, _mappings(told.get("changes")))),
            omitted=_whole(told.get("omitted")),
        )


def _text(told: Mapping[str, Any], key: str) -> str:
    found = told.get(key)
    return found if isinstance(found, str) else ""


def _texts(told: Any) -> tuple[str, ...]:  # noqa: ANN401 -- JSON
    return tuple(one for one in told if isinstance(one, str)) if isinstance(told, list) else ()


def _mappings(told: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 -- JSON
    return [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []


def _whole(told: Any) -> int:  # noqa: ANN401 -- JSON
    return told if isinstance(told, int) and not isinstance(told, bool) and told > 0 else 0
