"""The ground of every part of a playbook: unknown keys are mistakes, nothing changes once read.

Keys are camelCase in files. What can't be said about one value alone (which keys go together) each
part says itself in `misuse`, about what is written, so that it can also be said about a part that
has other faults.
"""

from collections.abc import Mapping
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, model_validator
from pydantic.alias_generators import to_camel

from responder.playbooks.written import Mistake, reported, shown

T = TypeVar("T")

# A YAML list, kept as a tuple; what stands in it is still read strictly.
Many = Annotated[tuple[T, ...], Field(strict=False)]


class Part(BaseModel):
    """A mapping in a playbook."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, validate_by_name=False
    )

    @classmethod
    def misuse(cls, _written: Mapping[str, object]) -> tuple[Mistake, ...]:
        """Say what is wrong with these keys and values, as written in the file, together.

        A value may be of any kind: what is wrong with it alone is told elsewhere.
        """
        return ()

    @classmethod
    def known(cls) -> frozenset[str]:
        """The keys that it may have, as the file spells them."""
        return frozenset(field.alias or name for name, field in cls.model_fields.items())

    @model_validator(mode="wrap")
    @classmethod
    def _goes_together(cls, written: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        part = handler(written)
        if isinstance(written, Mapping) and (mistakes := cls.misuse(written)):
            raise reported(mistakes)
        return part


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that says something twice."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise reported(Mistake(f"names {shown(name)} twice") for name in twice)
    return names


def listed(keys: tuple[str, ...], *, last: str = "or") -> str:
    """Join keys for a sentence: `a`, `b` or `c`."""
    quoted = [f"`{key}`" for key in keys]
    return f" {last} ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def exactly_one(
    keys: tuple[str, ...], *, written: Mapping[str, object], fix: str = ""
) -> tuple[Mistake, ...]:
    """Require one of these keys and no second; `fix` says what to do about a second."""
    present = tuple(key for key in keys if key in written)
    match present:
        case (_,):
            return ()
        case ():
            return (Mistake(f"needs {listed(keys)}"),)
        case _:
            return (Mistake(f"has {listed(present, last='and')}", fix=fix or "keep one of them"),)
