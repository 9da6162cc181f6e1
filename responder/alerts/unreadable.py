"""Why a body is no notification of Alertmanager's, told so that its sender can be put right.

The body is hostile until proven otherwise: whatever it holds, the answer is a bounded list of
problems that quotes little of it.
"""

import itertools
import json
from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from responder.errors import BadInput, Problem

_VERSION: Final = "4"
_VERSION_OF_GRAFANA: Final = "1"
_REQUIRED: Final = ("version", "status", "receiver", "groupKey", "alerts")
_MOST_PROBLEMS_OF_A_BODY: Final = 20
_MOST_PROBLEMS_OF_AN_ALERT: Final = 5
_QUOTED_CHARACTERS: Final = 60
_DIGITS_OF_AN_INTEGER: Final = 25
"""Far beyond any number that is sent. Python takes quadratic time to read very long ones."""

_TOO_DEEP: Final = "[" * 1000
"""JSON that pydantic refuses for its depth, instead of a part that is too deep to be written."""

_REMOVE_PAYLOAD: Final = "remove the `payload` option of Alertmanager's webhook receiver"
_FIXES: Final = {
    "status": 'it is "firing" or "resolved"',
    "labels": "a label's value is a string, and an alert has at least one label",
    "annotations": "an annotation's value is a string",
    "startsAt": "it is a time of RFC 3339, like 2026-11-24T18:00:00.123456789Z",
    "fingerprint": "it is 16 lowercase hexadecimal digits",
    "truncatedAlerts": "it is a whole number, zero or more",
}
_ANY_FIX: Final = 'send what Alertmanager\'s webhook receiver sends in version "4"'


class BadNotification(BadInput):
    """A body that can never be accepted, however often it is sent."""


def parse_object(body: bytes) -> dict[str, object]:
    """The JSON object that the body is.

    Bytes that are not UTF-8 are kept as lone surrogates, which no further check lets pass: that
    way they spoil the alert that they stand in, and not its neighbours.
    """
    try:
        document: object = json.loads(
            body.decode(errors="surrogateescape"), parse_int=_bounded_integer
        )
    except RecursionError:
        raise _bad("is nested too deeply to be read", fix=_ANY_FIX) from None
    except ValueError as error:
        raise _bad(f"is not JSON: {error}", fix=_REMOVE_PAYLOAD) from None
    if not isinstance(document, dict):
        raise _bad(f"is {_kind(document)}, not an object", fix=_REMOVE_PAYLOAD)
    return document


def alerts_of(document: dict[str, object]) -> list[object]:
    """The alerts as they were sent, if this is the body of an Alertmanager at all.

    Raises:
        BadNotification: Grafana's body, a custom `payload`, another version, or no list.

    """
    version = document.get("version")
    if version == _VERSION_OF_GRAFANA:
        raise _bad("is Grafana's", fix="point Grafana's contact point at /webhooks/grafana")
    if missing := [key for key in _REQUIRED if key not in document]:
        raise BadNotification(
            Problem("is missing: the body is a custom one", field=key, fix=_REMOVE_PAYLOAD)
            for key in missing
        )
    if version != _VERSION:
        raise BadNotification(
            [Problem(f'{_quote(version)} is not "{_VERSION}"', field="version", fix=_ANY_FIX)]
        )
    alerts = document["alerts"]
    if not isinstance(alerts, list):
        raise BadNotification(
            [Problem(f"is {_kind(alerts)}, not a list", field="alerts", fix=_ANY_FIX)]
        )
    return alerts


def none_is_right(problems: Iterable[Problem]) -> BadNotification:
    """Not one alert can be acted on: for these reasons, or because there is none."""
    told = tuple(itertools.islice(problems, _MOST_PROBLEMS_OF_A_BODY))
    return BadNotification(told or [Problem("is empty", field="alerts", fix=_ANY_FIX)])


def problems_of(error: ValidationError, *, within: str = "") -> tuple[Problem, ...]:
    """What is wrong with one part of the body, under the names that the sender knows."""
    found = itertools.islice(error.errors(include_url=False), _MOST_PROBLEMS_OF_AN_ALERT)
    return tuple(_problem(details, within=within) for details in found)


def as_json(value: object) -> str:
    """A part of the body as JSON again: its checks are then those of a whole body."""
    try:
        return json.dumps(value)
    except RecursionError:
        return _TOO_DEEP


def shorten(text: str) -> str:
    if len(text) > _QUOTED_CHARACTERS:
        text = f"{text[:_QUOTED_CHARACTERS]}..."
    return text.encode(errors="replace").decode()


def _problem(details: ErrorDetails, *, within: str) -> Problem:
    path = [str(part) for part in details["loc"]]
    field = ".".join(part for part in (within, *map(shorten, path)) if part)
    fix = _FIXES.get(path[0], _ANY_FIX) if path else _ANY_FIX
    match details["type"]:
        case "missing":
            return Problem("is missing", field=field, fix=fix)
        case "too_short":
            return Problem("is empty", field=field, fix=fix)
        case "json_invalid" if "recursion" in details["msg"]:
            return Problem("is nested too deeply", field=field, fix=fix)
        case "json_invalid":
            return Problem("has bytes that are not UTF-8", field=field, fix="send it as UTF-8")
        case "string_pattern_mismatch" | "literal_error":
            return Problem(f"{_quote(details['input'])} is not right", field=field, fix=fix)
        case _:
            said = details["msg"].removeprefix("Input should be ").removeprefix("Value should ")
            return Problem(f"{_quote(details['input'])} is not {said}", field=field, fix=fix)


def _bad(what: str, *, fix: str) -> BadNotification:
    return BadNotification([Problem(f"the body {what}", fix=fix)])


def _bounded_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS_OF_AN_INTEGER else float(digits)


def _quote(value: object) -> str:
    if isinstance(value, dict | list):
        return _kind(value)
    return shorten(repr(value) if isinstance(value, str) else json.dumps(value, default=str))


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return "a string"
        case _:
            return "a number"
