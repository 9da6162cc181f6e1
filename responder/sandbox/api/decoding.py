"""Reads JSON as Go reads it into its structs: another type is refused, null is the zero value."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

Json = dict[str, Any]


class UnreadableError(ValueError):
    """The message says which field, and why."""


class Leaf(NamedTuple):
    """A plain value: its Go type, what is one, and what null becomes."""

    name: str
    fits: Callable[[Any], bool]
    zero: Any


Shape = Leaf | Mapping[str, Any] | list[Any]
"""Fields by name (`*`: all others), a list of one shape, or a leaf. Of others any is taken."""


def _is_number(bits: int) -> Callable[[Any], bool]:
    most = 2 ** (bits - 1)
    return lambda value: type(value) is int and -most <= value < most


def _is_base64(value: object) -> bool:
    try:
        base64.b64decode(value if isinstance(value, str) else b"!", validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_like(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


_DAY: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_ZONE: Final = r"(Z|[+-]\d\d:\d\d)"
TEXT: Final = Leaf("string", lambda value: isinstance(value, str), "")
FLAG: Final = Leaf("bool", lambda value: isinstance(value, bool), False)
NUMBER: Final = Leaf("int32", _is_number(32), 0)
LONG: Final = Leaf("int64", _is_number(64), 0)
BYTES: Final = Leaf("[]uint8", _is_base64, "")
TIME: Final = Leaf("Time", _is_like(rf"{_DAY}(\.\d+)?{_ZONE}"), None)
MICRO_TIME: Final = Leaf("MicroTime", _is_like(rf"{_DAY}\.\d{{6}}{_ZONE}"), None)
TEXTS: Final = {"*": TEXT}


def read(value: Any, shape: Shape, at: str) -> Any:  # noqa: ANN401 -- any JSON
    """Without nulls, which mean what is absent. Raises UnreadableError."""
    if isinstance(shape, Leaf):
        if not shape.fits(value):
            raise UnreadableError(_told(value, at, shape.name))
        return value
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise UnreadableError(_told(value, at, "[]"))
        return [_zero(shape[0]) if item is None else read(item, shape[0], at) for item in value]
    return _fields(value, shape, at)


def _fields(value: Any, shape: Mapping[str, Any], at: str) -> Json:  # noqa: ANN401 -- any JSON
    if not isinstance(value, Mapping):
        raise UnreadableError(_told(value, at, "map" if "*" in shape else "struct"))
    result: Json = {}
    for key, below in value.items():
        if not isinstance(key, str):
            raise UnreadableError(f"a key of {at} is no string")
        named = shape.get(key)
        inner = named or shape.get("*")
        if below is not None:
            result[key] = below if inner is None else read(below, inner, f"{at}.{key}")
        elif named is None:
            result[key] = None if inner is None else _zero(inner)
    return result


def _zero(shape: Shape) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(shape, Leaf):
        return shape.zero
    return [] if isinstance(shape, list) else {}


def _told(value: object, at: str, wanted: str) -> str:
    if wanted.endswith("Time") and isinstance(value, str):
        layout = "2006-01-02T15:04:05" + (".000000" if wanted == "MicroTime" else "")
        return f'parsing time "{value}" as "{layout}Z07:00"'
    called = {str: "string", bool: "bool", list: "array", dict: "object"}
    found = called.get(type(value), "number")
    return f"json: cannot unmarshal {found} into Go struct field {at} of type {wanted}"
