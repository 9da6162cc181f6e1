"""Where notices go, and which of them: a file of its own, since its addresses are secrets. Pure."""

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Self
from urllib.parse import unquote

from pydantic import AfterValidator, Field
from pydantic.json_schema import JsonSchemaValue

from responder.notices.moments import Moment
from responder.playbooks.model import Many, Part, distinct
from responder.playbooks.quantities import Duration
from responder.playbooks.written import Mistake, Written, reported

MOST_DESTINATIONS: Final = 20
NOTICE: Final = "notice"
DIGEST: Final = "digest"

_SHORTEST_SECRET: Final = 4
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,31}://.", flags=re.IGNORECASE | re.DOTALL)
_NAME: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


@dataclass(frozen=True, slots=True, repr=False)
class Address(Written):
    """Where one destination is reached. It holds secrets: it is neither shown nor logged."""

    text: str

    json_schema: ClassVar[JsonSchemaValue] = {"type": "string", "minLength": 1}

    @classmethod
    def parse(cls, text: str) -> Self:
        if not _SCHEME.match(text) or any(char.isspace() for char in text):
            raise Mistake("is not an address", fix="write one like `mailto://...` or `slack://...`")
        return cls(text)

    @classmethod
    def misfit(cls, _given: object) -> Mistake:
        return Mistake("must be an address, as text")

    @property
    def written(self) -> str:
        return "***"

    @property
    def secrets(self) -> frozenset[str]:
        """Whatever in it may be a secret, as it is written and as it is sent."""
        parts = {part for part in re.split(r"[/?&=@:#,]+", self.text.partition("://")[2]) if part}
        parts |= {unquote(part) for part in parts}
        return frozenset(part for part in parts if len(part) >= _SHORTEST_SECRET)


def _known_moments(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in set(Moment)]
    if unknown:
        fix = f"there are {', '.join(Moment)}"
        raise reported([Mistake("names a moment that there is not", fix=fix)])
    return distinct(names)


class Destination(Part):
    """One place to which notices go."""

    name: Annotated[str, Field(pattern=_NAME, max_length=63, description="What it is called.")]
    url: Annotated[Address, Field(description="Its address, as Apprise knows it.")]
    moments: Annotated[Many[str], AfterValidator(_known_moments)] = tuple(map(str, Moment))
    playbooks: Annotated[Many[str], AfterValidator(distinct)] = ()
    """Those that it is told of; a `*` at the end stands for any ending; none given: all."""
    template: Annotated[str, Field(pattern=_NAME, max_length=63)] = NOTICE
    every: Duration = Duration("30s", 30)
    """The least time between two deliveries; what comes in between is gathered."""

    def wants(self, moment: Moment, playbook: str) -> bool:
        return str(moment) in self.moments and (
            not self.playbooks or any(_fits(pattern, playbook) for pattern in self.playbooks)
        )


def _fits(pattern: str, playbook: str) -> bool:
    if pattern.endswith("*"):
        return playbook.startswith(pattern[:-1])
    return playbook == pattern


def _named_once(destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
    names = [each.name for each in destinations]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise reported([Mistake(f"names `{twice[0]}` twice")])
    return destinations


class NotifyFile(Part):
    """The whole file."""

    destinations: Annotated[
        Many[Destination],
        Field(min_length=1, max_length=MOST_DESTINATIONS, description="Where notices go."),
        AfterValidator(_named_once),
    ]
