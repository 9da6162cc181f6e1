"""Prometheus' answers, read: samples, or why there are none.

The format is that of its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/), as
Prometheus, Thanos and Mimir give it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from responder.evidence.verdict import Unknown

_SHOWN_CHARACTERS: Final = 300
_MOST_WARNINGS: Final = 10
_OK: Final = range(200, 300)
_CLIENT_CLOSED: Final = 499

_ERROR_TYPES: Final[Mapping[str, Unknown]] = {
    "bad_data": Unknown.BAD_QUERY,
    "execution": Unknown.BAD_QUERY,
    "timeout": Unknown.TIMED_OUT,
    "canceled": Unknown.DOWN,
    "internal": Unknown.DOWN,
    "unavailable": Unknown.DOWN,
}
"""`execution` is a query that is understood and can't be carried out: many to many, or too much."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The value of one series at one time; NaN for a histogram, which is no number."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one series: pairs of seconds since 1970 and a number."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave; `warnings` say that part of the data may be missing from it."""

    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RangeAnswer:
    """What a range query gave."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a query gave nothing that can be used."""

    reason: Unknown
    message: str
    warnings: tuple[str, ...] = ()


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Data(_Told):
    result_type: Literal["vector", "scalar", "matrix", "string"] = Field(alias="resultType")
    result: list[Any]


class _Body(_Told):
    status: Literal["success", "error"]
    data: _Data | None = None
    error_type: str = Field(default="", alias="errorType")
    error: str = ""
    warnings: list[str] = Field(default_factory=list)


class _Vector(_Told):
    metric: dict[str, str]
    value: tuple[float, str] | None = None


class _Matrix(_Told):
    metric: dict[str, str]
    values: list[tuple[float, str]] = Field(default_factory=list)


def is_prometheus_error(body: bytes) -> bool:
    """Whether Prometheus itself says what is wrong, so that to ask again would change nothing."""
    told = _body(body)
    return told is not None and told.error_type in ("bad_data", "execution", "timeout")


def read_instant(status: int, body: bytes) -> Answer | NoAnswer:
    """Read the answer to an instant query; a scalar is a sample without labels."""
    found = _data(status, body)
    if isinstance(found, NoAnswer):
        return found
    data, warnings = found
    try:
        match data.result_type:
            case "vector":
                read = [_Vector.model_validate(item) for item in data.result]
                samples = tuple(Sample(one.metric, _number(one.value)) for one in read)
            case "scalar":
                at, value = data.result
                samples = (Sample({}, _number((at, value))),)
            case kind:
                fix = ": a range needs a function around it" if kind == "matrix" else ""
                return NoAnswer(Unknown.BAD_QUERY, f"gives a {kind}{fix}")
    except (ValidationError, ValueError, TypeError) as error:
        return _unreadable(error)
    return Answer(samples, warnings)


def read_range(status: int, body: bytes) -> RangeAnswer | NoAnswer:
    """Read the answer to a range query."""
    found = _data(status, body)
    if isinstance(found, NoAnswer):
        return found
    data, warnings = found
    if data.result_type != "matrix":
        return NoAnswer(Unknown.UNREADABLE, f"a range query was answered with a {data.result_type}")
    try:
        read = [_Matrix.model_validate(item) for item in data.result]
        series = tuple(
            Series(one.metric, tuple((at, float(value)) for at, value in one.values))
            for one in read
        )
    except (ValidationError, ValueError) as error:
        return _unreadable(error)
    return RangeAnswer(series, warnings)


def one_value(answer: Answer | NoAnswer) -> float | NoAnswer | None:
    """Give the one finite number of an answer, None where there is no series.

    An answer with warnings is none: what was not there to be counted may be what was asked for.
    """
    if isinstance(answer, NoAnswer):
        return answer
    if len(answer.samples) > 1:
        told = "gives several series: begin it with sum(...) or max(...)"
        return NoAnswer(Unknown.SEVERAL_SERIES, told, answer.warnings)
    if answer.warnings:
        return NoAnswer(Unknown.INCOMPLETE, answer.warnings[0], answer.warnings)
    if not answer.samples:
        return None
    value = answer.samples[0].value
    if not math.isfinite(value):
        return NoAnswer(Unknown.NOT_A_NUMBER, f"gives {value}")
    return value


def _number(point: tuple[Any, Any] | None) -> float:
    return math.nan if point is None else float(point[1])


def _body(body: bytes) -> _Body | None:
    try:
        return _Body.model_validate_json(body)
    except ValidationError:
        return None


def _data(status: int, body: bytes) -> tuple[_Data, tuple[str, ...]] | NoAnswer:
    told = _body(body)
    if told is None:
        begins = body[:_SHOWN_CHARACTERS].decode(errors="replace")
        return NoAnswer(Unknown.UNREADABLE, f"{status}, and no answer of Prometheus': {begins!r}")
    warnings = tuple(text[:_SHOWN_CHARACTERS] for text in told.warnings[:_MOST_WARNINGS])
    if told.status == "success" and status in _OK and told.data is not None:
        return told.data, warnings
    reason = _ERROR_TYPES.get(told.error_type, Unknown.UNREADABLE)
    message = f"{told.error_type or status}: {told.error[:_SHOWN_CHARACTERS]}"
    return NoAnswer(reason, message, warnings)


def _unreadable(error: Exception) -> NoAnswer:
    told = str(error).partition("\n")[0]
    return NoAnswer(Unknown.UNREADABLE, f"no answer of Prometheus': {told}")
