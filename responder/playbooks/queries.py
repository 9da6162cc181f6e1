"""Queries: PromQL in which labels are inserted, each kept inside the quotes of its matcher.

A query is bound to the labels of an incident first, and to a window each time that it is asked. In
between it is a list of texts with nothing to replace in them, so that a label that looks like a
placeholder stays the text that it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue

from responder.playbooks.model import Many
from responder.playbooks.promql import HOLE, Place, read
from responder.playbooks.refusals import Refused
from responder.playbooks.template_syntax import Insert, Word, parse
from responder.playbooks.templates import inserted, label_value
from responder.playbooks.written import Mistake, Written, shown

LONGEST_QUERY = 4_000
_MOST_TEXTS = 1_000

WINDOW = "window"
MATCHERS = "matchers"

_FILTERS_FIX = (
    "write `{sign} bool`, which answers 0 or 1; or leave the comparison out and give `min` or `max`"
)


class BoundQuery(BaseModel):
    """A query about one incident; between two of its texts the window goes, as a duration.

    `reach_seconds` is how much further back than its window it looks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel)

    texts: Many[str] = Field(min_length=1, max_length=_MOST_TEXTS)
    reach_seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    @property
    def has_window(self) -> bool:
        """Whether it looks over the window that it is asked for."""
        return len(self.texts) > 1

    def over(self, window_seconds: int) -> str:
        """Give the PromQL over so many seconds, at least one."""
        return f"{max(1, window_seconds)}s".join(self.texts)


@dataclass(frozen=True, slots=True)
class Query(Written):
    """A PromQL query. `labels` are the names of those that it inserts, sorted."""

    text: str
    parts: tuple[str | Insert | Word, ...]
    places: tuple[Place | None, ...]
    labels: tuple[str, ...]
    reach_seconds: float

    words: ClassVar[tuple[str, ...]] = (WINDOW,)
    json_schema: ClassVar[JsonSchemaValue] = {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_QUERY,
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        if not text.strip():
            raise Mistake("is empty")
        if len(text) > LONGEST_QUERY:
            raise Mistake(f"is longer than {LONGEST_QUERY} characters")
        if HOLE in text:
            raise Mistake("holds a NUL character")
        parts = parse(text, words=cls.words)
        inserts = [part for part in parts if not isinstance(part, str)]
        reading = read(
            "".join(part if isinstance(part, str) else HOLE for part in parts),
            words=[part.name if isinstance(part, Word) else None for part in inserts],
        )
        if reading.filters:
            raise Mistake(
                f"`{reading.filters}` leaves nothing when it is false, and nothing is unknown",
                fix=_FILTERS_FIX.format(sign=reading.filters),
            )
        return cls(
            text=text,
            parts=parts,
            places=tuple(reading.places),
            labels=tuple(sorted({part.label for part in inserts if isinstance(part, Insert)})),
            reach_seconds=reading.reach_seconds,
        )

    @property
    def written(self) -> str:
        return self.text

    def uses(self, word: str) -> bool:
        """Whether it has a place for the window, or for matchers."""
        return Word(word) in self.parts

    def bind(self, labels: Mapping[str, str], *, matchers: str = "") -> BoundQuery:
        """Insert the labels, and `matchers` where it asks for them.

        Raises Refused where a label is missing or empty, or is nothing that a query can hold.
        """
        texts = [""]
        places = iter(self.places)
        for part in self.parts:
            match part:
                case str():
                    texts[-1] += part
                case Insert():
                    value = inserted(part, label_value(labels, part.label))
                    texts[-1] += _escaped(value, part.label, next(places))
                case Word(name=name):
                    next(places)
                    if name == WINDOW:
                        texts.append("")
                    else:
                        texts[-1] += matchers
        return BoundQuery(texts=tuple(texts), reachSeconds=self.reach_seconds)


def matchers_of(labels: Mapping[str, str]) -> str:
    """Write labels as matchers, `name="value", ...`; names must be plain label names."""
    place = Place(quote='"', is_regexp=False)
    return ", ".join(
        f'{name}="{_escaped(label_value(labels, name), name, place)}"' for name in labels
    )


def _escaped(value: str, label: str, place: Place | None) -> str:
    if place is None:
        raise AssertionError(label)  # only words have no place
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refused("InvalidName", f"the label {shown(label)} is not UTF-8") from None
    return place.escaped(value)
