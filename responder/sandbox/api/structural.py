"""The structural schema of a custom resource: prunes, defaults and validates."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from responder.sandbox.api.failures import Cause

Json = dict[str, Any]
Schema = Mapping[str, Any]

_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z")
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def pruned(value: Any, schema: Schema, at: str = "") -> tuple[Any, list[str]]:  # noqa: ANN401
    """Without the fields that the schema does not know, and the names of these."""
    if isinstance(value, list):
        items = [
            pruned(item, schema.get("items", {}), f"{at}[{i}]") for i, item in enumerate(value)
        ]
        return [item for item, _ in items], [name for _, names in items for name in names]
    if not isinstance(value, dict):
        return value, []
    if schema.get("x-kubernetes-embedded-resource"):
        return value, []
    properties = schema.get("properties", {})
    further = schema.get("additionalProperties")
    keeps = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    result: Json = {}
    unknown: list[str] = []
    for key, below in value.items():
        path = f"{at}.{key}" if at else key
        if not at and key in ("apiVersion", "kind", "metadata"):
            result[key] = below
        elif key in properties or isinstance(further, Mapping):
            inner = properties.get(key, further)
            result[key], names = pruned(below, inner, path)
            unknown += names
        elif keeps or further is True:
            result[key] = below
        else:
            unknown.append(path)
    return result, unknown


def defaulted(value: Any, schema: Schema) -> Any:  # noqa: ANN401 -- any JSON
    """With the defaults of the schema where a field is absent, and whole numbers as such."""
    if isinstance(value, float) and schema.get("type") == "integer" and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [defaulted(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    further = schema.get("additionalProperties")
    other = further if isinstance(further, Mapping) else {}
    result = {}
    for key, below in value.items():
        inner = properties.get(key, other)
        # A null that the schema does not provide for is as if it were absent.
        if below is not None or inner.get("nullable") or not inner.get("type"):
            result[key] = defaulted(below, inner)
    for key, inner in properties.items():
        if "default" in inner and key not in result:
            result[key] = copy.deepcopy(inner["default"])
    return result


def mistakes(  # noqa: C901 -- one branch per JSON type
    value: Any,  # noqa: ANN401 -- any JSON
    schema: Schema,
    at: str = "",
) -> Iterator[Cause]:
    """What the schema forbids, field by field."""
    wanted = schema.get("type")
    if value is None and schema.get("nullable"):
        return
    if schema.get("x-kubernetes-int-or-string"):
        wanted = None
    if wanted and not _is(value, wanted):
        found = _called(value)
        message = f'Invalid value: "{found}": {at} in body must be of type {wanted}: "{found}"'
        yield Cause("FieldValueTypeInvalid", message, at)
        return
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(f'"{item}"' for item in schema["enum"])
        message = f"Unsupported value: {_shown(value)}: supported values: {allowed}"
        yield Cause("FieldValueNotSupported", message, at)
    if isinstance(value, str):
        yield from _string(value, schema, at)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        yield from _number(value, schema, at)
    elif isinstance(value, list):
        yield from _size(len(value), schema, at, what="Items")
        for i, item in enumerate(value):
            yield from mistakes(item, schema.get("items", {}), f"{at}[{i}]")
        yield from _duplicates(value, schema, at)
    elif isinstance(value, dict):
        yield from _object(value, schema, at)


_NEVER_CHANGES: Final = re.compile(
    r"(?:has\(self\.(\w+)\) == has\(oldSelf\.\1\) && \(!has\(self\.\1\) \|\| )?"
    r"self\.(\w+) == oldSelf\.\2\)?"
)


def changed_for_ever(new: Any, old: Any, schema: Schema, at: str = "") -> Iterator[Cause]:  # noqa: ANN401
    """What a rule says never changes, and did. Of CEL this is all that is understood."""
    if not isinstance(new, dict) or not isinstance(old, dict):
        return
    for rule in schema.get("x-kubernetes-validations", ()):
        fixed = _NEVER_CHANGES.fullmatch(str(rule.get("rule", "")))
        if fixed and new.get(fixed[2]) != old.get(fixed[2]):
            told = f"Invalid value: {rule.get('message') or 'failed rule: ' + rule['rule']}"
            yield Cause("FieldValueInvalid", told, f"{at}{rule.get('fieldPath', '')}")
    for key, inner in schema.get("properties", {}).items():
        below = f"{at}.{key}" if at else key
        yield from changed_for_ever(new.get(key), old.get(key), inner, below)


def _object(value: Json, schema: Schema, at: str) -> Iterator[Cause]:
    for name in schema.get("required", ()):
        if name not in value:
            yield Cause("FieldValueRequired", "Required value", f"{at}.{name}" if at else name)
    yield from _size(len(value), schema, at, what="Properties")
    properties = schema.get("properties", {})
    further = schema.get("additionalProperties")
    for key, below in value.items():
        if not at and key in ("apiVersion", "kind", "metadata"):
            continue
        inner = properties.get(key) or (further if isinstance(further, Mapping) else None)
        if inner is not None:
            yield from mistakes(below, inner, f"{at}.{key}" if at else key)


def _duplicates(value: list[Any], schema: Schema, at: str) -> Iterator[Cause]:
    """Of a list that is a map by its keys, or a set."""
    keys = schema.get("x-kubernetes-list-map-keys", ())
    if not keys and schema.get("x-kubernetes-list-type") != "set":
        return
    seen: list[Any] = []
    for i, item in enumerate(value):
        named = {key: item.get(key) for key in keys} if keys and isinstance(item, dict) else item
        if named in seen:
            told = json.dumps(named, separators=(",", ":"))
            yield Cause("FieldValueDuplicate", f"Duplicate value: {told}", f"{at}[{i}]")
        seen.append(named)


def _string(value: str, schema: Schema, at: str) -> Iterator[Cause]:
    if len(value) > schema.get("maxLength", len(value)):
        why = f"may not be more than {schema['maxLength']} bytes"
        yield Cause("FieldValueTooLong", f"Too long: {why}", at)
    if len(value) < schema.get("minLength", 0):
        why = f"{at} in body should be at least {schema['minLength']} chars long"
        yield Cause("FieldValueInvalid", f"Invalid value: {_shown(value)}: {why}", at)
    if schema.get("format") == "date-time" and not _DATE_TIME.match(value):
        why = f"{at} in body must be of type date-time: {_shown(value)}"
        yield Cause("FieldValueTypeInvalid", f"Invalid value: {_shown(value)}: {why}", at)
    if "pattern" in schema and not re.search(schema["pattern"], value):
        why = f"{at} in body should match '{schema['pattern']}'"
        yield Cause("FieldValueInvalid", f"Invalid value: {_shown(value)}: {why}", at)


def _number(value: float, schema: Schema, at: str) -> Iterator[Cause]:
    for name, wrong, told in (
        ("minimum", value < schema.get("minimum", value), "greater"),
        ("maximum", value > schema.get("maximum", value), "less"),
    ):
        if wrong:
            why = f"{at} in body should be {told} than or equal to {schema[name]}"
            yield Cause("FieldValueInvalid", f"Invalid value: {value}: {why}", at)


def _size(number: int, schema: Schema, at: str, *, what: str) -> Iterator[Cause]:
    least, most = schema.get(f"min{what}", 0), schema.get(f"max{what}", number)
    if number > most:
        why = f"must have at most {most} {what.lower()}"
        yield Cause("FieldValueTooMany", f"Too many: {number}: {why}", at)
    if number < least:
        why = f"{at} in body should have at least {least} {what.lower()}"
        yield Cause("FieldValueInvalid", f"Invalid value: {number}: {why}", at)


def _is(value: Any, wanted: str) -> bool:  # noqa: ANN401 -- any JSON
    if isinstance(value, bool):
        return wanted == "boolean"
    if wanted == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(wanted, (object,)))


def _called(value: Any) -> str:  # noqa: ANN401 -- any JSON
    if value is None:
        return "null"
    if isinstance(value, int) and not isinstance(value, bool):
        return "integer"
    return next((name for name in _TYPES if _is(value, name)), "null")


def _shown(value: Any) -> str:  # noqa: ANN401 -- any JSON
    return f'"{value}"' if isinstance(value, str) else str(value)
