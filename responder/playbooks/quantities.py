"""Durations, shares and thresholds as playbooks write them: `1h30m`, `50%`, `600`.

A duration is Prometheus' (https://prometheus.io/docs/prometheus/latest/querying/basics/), in whole
seconds. A share always carries its percent sign: whether a bare 0.5 or 50 meant half is a guess,
and a brake must not guess.
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from pydantic.json_schema import JsonSchemaValue

from responder.errors import BadInput, Problem
from responder.playbooks.written import Mistake, Written, described, reported, shown

_UNITS_SECONDS = {"y": 31_536_000, "w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = "".join(rf"([0-9]{{1,9}}{unit})?" for unit in _UNITS_SECONDS)
_LONGEST_SECONDS = _UNITS_SECONDS["y"]

_PERCENTAGE = r"[0-9]{1,3}(?:\.[0-9]{1,4})?%"
_WHOLE = 100
_GREATEST = 2**63


@dataclass(frozen=True, slots=True)
class Duration(Written):
    """A length of time: `30m`, `1h30m`, `0s`; at most a year."""

    text: str
    seconds: int

    json_schema: ClassVar[JsonSchemaValue] = {
        "type": "string",
        "pattern": f"^(?=.){_DURATION}$",
        "examples": ["30m", "1h30m", "0s"],
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        found = re.fullmatch(_DURATION, text, flags=re.ASCII) if text else None
        if found is None:
            raise Mistake(
                f"{shown(text)} is not a duration",
                fix="write it like `30m`, `1h30m` or `0s`, the largest unit first",
            )
        amounts = [amount for amount in found.groups() if amount]
        seconds = sum(int(amount[:-1]) * _UNITS_SECONDS[amount[-1]] for amount in amounts)
        if seconds > _LONGEST_SECONDS:
            raise Mistake(f"{text} is longer than a year", fix="write at most `365d`")
        return cls(text=text, seconds=seconds)

    @classmethod
    def misfit(cls, given: object) -> Mistake:
        if isinstance(given, int) and not isinstance(given, bool):
            fix = "write `0s`" if given == 0 else "write it with its unit, like `30m`"
            return Mistake("a duration needs a unit", fix=fix)
        return Mistake(f"must be a duration, not {described(given)}", fix="write it like `30m`")

    @property
    def written(self) -> str:
        return self.text


def duration(text: str, *, field: str) -> Duration:
    """Read a duration that stands outside of a playbook; raises BadInput."""
    try:
        return Duration.parse(text)
    except Mistake as mistake:
        raise BadInput([Problem(mistake.message, field=field, fix=mistake.fix)]) from mistake


@dataclass(frozen=True, slots=True)
class Share(Written):
    """A part of a whole, written `50%`; `ratio` is 0..1."""

    text: str
    ratio: float

    json_schema: ClassVar[JsonSchemaValue] = {
        "type": "string",
        "pattern": f"^{_PERCENTAGE}$",
        "examples": ["50%", "2.5%"],
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        if re.fullmatch(_PERCENTAGE, text, flags=re.ASCII) is None:
            raise Mistake(f"{shown(text)} is not a percentage", fix="write it like `50%`")
        percent = Decimal(text.removesuffix("%"))
        if percent > _WHOLE:
            raise Mistake(f"{text} is more than the whole", fix="write `0%` to `100%`")
        return cls(text=text, ratio=float(percent / _WHOLE))

    @classmethod
    def misfit(cls, given: object) -> Mistake:
        fix = "write it like `50%`"
        if isinstance(given, int | float) and not isinstance(given, bool):
            percent = Decimal(str(given)) * (_WHOLE if 0 < given < 1 else 1)
            if 0 < given <= _WHOLE and given != 1:  # 1 may mean all or a hundredth
                fix = f"write `{percent.normalize():f}%`"
            return Mistake(f"a share needs its percent sign, {given} has none", fix=fix)
        return Mistake(f"must be a percentage, not {described(given)}", fix=fix)

    @property
    def written(self) -> str:
        return self.text


class PartialShare(Share):
    """A share that limits and still lets something through: above 0% and below 100%."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        share = super().parse(text)
        if share.ratio == 0:
            raise Mistake("0% lets nothing through", fix="that is `pause`; write a share above 0%")
        if share.ratio == 1:
            raise Mistake("100% limits nothing", fix="write a share below 100%, or leave it out")
        return share


@dataclass(frozen=True, slots=True)
class Threshold(Written):
    """What a query's answer is compared with: a percentage for ratios, a number for the rest."""

    text: str | int | float
    value: float

    json_schema: ClassVar[JsonSchemaValue] = {
        "anyOf": [{"type": "string", "pattern": f"^{_PERCENTAGE}$"}, {"type": "number"}],
        "examples": ["10%", 600],
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(text=text, value=Share.parse(text).ratio)

    @classmethod
    def read(cls, given: object) -> Self:
        if isinstance(given, int | float) and not isinstance(given, bool):
            if math.isfinite(given) and abs(given) < _GREATEST:
                return cls(text=given, value=float(given))
            raise reported([Mistake("is not a number that a query can answer")])
        return super(Threshold, cls).read(given)

    @classmethod
    def misfit(cls, given: object) -> Mistake:
        return Mistake(
            f"must be a percentage or a number, not {described(given)}",
            fix="write `10%` for a ratio, `600` for anything else",
        )

    @property
    def written(self) -> str | int | float:
        return self.text
