"""Values that a playbook's author writes as text and that we read once: parsed, or a mistake.

A `Written` value keeps its text beside what was read from it, so that a playbook can be shown as
it was written. Mistakes carry the fix beside the message; one validator may report several.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

MISTAKE = "mistake"
QUOTE = "put it in quotes"

Path = tuple[str | int, ...]


class Mistake(ValueError):  # noqa: N818 -- an author's mistake is the word of this room
    """What an author wrote can't be meant: what is wrong, and how to write it instead."""

    def __init__(self, message: str, *, fix: str = "", path: Path = ()) -> None:
        self.message = message
        self.fix = fix
        self.path = path
        super().__init__(message)

    def inside(self, *path: str | int) -> Self:
        """Say the same about what stands deeper in the part that is judged."""
        return type(self)(self.message, fix=self.fix, path=(*path, *self.path))


def reported(mistakes: Iterable[Mistake]) -> PydanticCustomError:
    """Give mistakes the form in which pydantic carries them on, beside those of other fields."""
    listed = tuple(mistakes)
    text = "; ".join(mistake.message for mistake in listed)
    return PydanticCustomError(MISTAKE, "{text}", {"text": text, "mistakes": listed})


def shown(text: str, *, limit: int = 60) -> str:
    """Quote text of unknown origin: clipped, and with everything unprintable escaped."""
    return repr(text if len(text) <= limit else f"{text[:limit]}...")


def described(given: object) -> str:
    """Name the kind of a YAML value in the words of somebody who writes YAML."""
    match given:
        case None:
            return "nothing"
        case bool():  # YAML 1.1 reads yes, no, on and off so
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return shown(given)
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


class Written:
    """The base of such values: subclasses say how their text is read and what a schema shows."""

    __slots__ = ()

    json_schema: ClassVar[JsonSchemaValue] = {"type": "string"}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text, or raise a Mistake."""
        raise NotImplementedError

    @classmethod
    def misfit(cls, given: object) -> Mistake:
        """Say what is wrong with something that is not text at all."""
        quote = isinstance(given, bool | int | float)
        return Mistake(f"must be text, not {described(given)}", fix=QUOTE if quote else "")

    @property
    def written(self) -> str | int | float:
        """The value as its author wrote it."""
        raise NotImplementedError

    @classmethod
    def read(cls, given: object) -> Self:
        """Read what stands in a file; raises pydantic's error, with the mistake inside."""
        if isinstance(given, cls):
            return given
        try:
            if not isinstance(given, str):
                raise cls.misfit(given)
            return cls.parse(given)
        except Mistake as mistake:
            raise reported([mistake]) from mistake

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: type[Any], _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value.written
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(cls.json_schema)
