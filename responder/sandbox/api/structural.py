"""Custom resources by their structural schema: pruned, defaulted and validated as the real ones.

Of the rules in CEL only those are kept that say that a field never changes; the rest of the
language is not understood, and what it would refuse is taken here.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from responder.sandbox.api.failures import Cause

Json = dict[str, Any]
Schema = Mapping[str, Any]

_PRESERVES: Final = "x-kubernetes-preserve-unknown-fields"
_RULES: Final = "x-kubernetes-validations"
_IMMUTABLE = re.compile(r"^self\.(\w+) == oldSelf\.(\w+)$")
_TOP: Final = ("apiVersion", "kind", "metadata")
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def pruned(body: Json, schema: Schema) -> Json:
    """Give the object without the fields that the schema doesn't know, and with its defaults."""
    kept = {key: body[key] for key in _TOP if key in body}
    rest = {key: value for key, value in body.items() if key not in _TOP}
    fields: Json = _pruned(rest, schema)
    return kept | fields


def _pruned(value: Any, schema: Schema) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        others = schema.get("additionalProperties")
        result: Json = {}
        for key, inner in value.items():
            if key in properties:
                result[key] = _pruned(inner, properties[key])
            elif isinstance(others, Mapping):
                result[key] = _pruned(inner, others)
            elif schema.get(_PRESERVES) or others is True:
                result[key] = inner
        for key, inner in properties.items():
            absent = key not in result or (result[key] is None and not inner.get("nullable"))
            if absent and "default" in inner:
                result[key] = copy.deepcopy(inner["default"])
            elif key in result and absent:
                del result[key]
        return result
    if isinstance(value, list):
        return [_pruned(item, schema.get("items") or {}) for item in value]
    return value


def causes(body: Json, schema: Schema, *, old: Json | None = None) -> list[Cause]:
    """Give everything that is wrong with an object; with `old`, also what may never change."""
    shown = {key: value for key, value in body.items() if key not in _TOP}
    before = None if old is None else {k: v for k, v in old.items() if k not in _TOP}
    return list(_wrong(shown, schema, path="", old=before))


def _wrong(value: Any, schema: Schema, *, path: str, old: Any) -> Iterator[Cause]:  # noqa: ANN401
    if value is None and schema.get("nullable"):
        return
    kind = schema.get("type")
    if kind and not _is(value, kind):
        yield _invalid(path, value, f"{path} in body must be of type {kind}: {_typed(value)}")
        return
    if isinstance(value, dict):
        yield from _wrong_object(value, schema, path=path, old=old)
    elif isinstance(value, list):
        yield from _wrong_list(value, schema, path=path)
    elif isinstance(value, str):
        yield from _wrong_text(value, schema, path=path)
    elif isinstance(value, int | float):
        yield from _wrong_number(value, schema, path=path)
    if "enum" in schema and value not in schema["enum"]:
        known = ", ".join(f'"{each}"' for each in schema["enum"])
        message = f'Unsupported value: "{value}": supported values: {known}'
        yield Cause(path, message, "FieldValueNotSupported")


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, (object,)))


def _typed(value: object) -> str:
    if value is None:
        return '"null"'
    names = {bool: "boolean", str: "string", int: "integer", float: "number", dict: "object"}
    return f'"{names.get(type(value), "array")}"'


def _invalid(path: str, value: object, message: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else _typed(value)
    return Cause(path, f"Invalid value: {shown}: {message}", "FieldValueInvalid")


def _inside(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _wrong_object(value: Json, schema: Schema, *, path: str, old: Any) -> Iterator[Cause]:  # noqa: ANN401
    properties = schema.get("properties") or {}
    for key in schema.get("required") or ():
        if key not in value:
            yield Cause(_inside(path, key), "Required value", "FieldValueRequired")
    most = schema.get("maxProperties")
    if most is not None and len(value) > most:
        told = f"Too many: {len(value)}: must have at most {most} items"
        yield Cause(path, told, "FieldValueTooMany")
    others = schema.get("additionalProperties")
    for key, inner in value.items():
        found = properties.get(key, others if isinstance(others, Mapping) else None)
        if found is None:
            continue
        here = _inside(path, key) if key in properties else f"{path}.{key}"
        before = old.get(key) if isinstance(old, dict) else None
        yield from _wrong(inner, found, path=here, old=before)
    for rule in schema.get(_RULES) or () if isinstance(old, dict) else ():
        fixed = _IMMUTABLE.match(str(rule.get("rule", "")))
        if fixed and value.get(fixed[1]) != old.get(fixed[2]):
            here = f"{path}{rule.get('fieldPath', '')}"
            told = rule.get("message") or f"failed rule: {rule['rule']}"
            yield _invalid(here, value.get(fixed[1]), str(told))


def _wrong_list(value: list[Any], schema: Schema, *, path: str) -> Iterator[Cause]:
    most = schema.get("maxItems")
    if most is not None and len(value) > most:
        told = f"Too many: {len(value)}: must have at most {most} items"
        yield Cause(path, told, "FieldValueTooMany")
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    seen: set[tuple[Any, ...]] = set()
    for at, item in enumerate(value):
        yield from _wrong(item, schema.get("items") or {}, path=f"{path}[{at}]", old=None)
        if keys and isinstance(item, dict):
            name = tuple(item.get(key) for key in keys)
            if name in seen:
                shown = ", ".join(f'"{key}":"{item.get(key)}"' for key in keys)
                yield Cause(f"{path}[{at}]", f"Duplicate value: {{{shown}}}", "FieldValueDuplicate")
            seen.add(name)


def _wrong_text(value: str, schema: Schema, *, path: str) -> Iterator[Cause]:
    least, most = schema.get("minLength"), schema.get("maxLength")
    if most is not None and len(value) > most:
        told = f"Too long: may not be more than {most} bytes"
        yield Cause(path, told, "FieldValueTooLong")
    if least is not None and len(value) < least:
        told = f"{path} in body should be at least {least} chars long"
        yield _invalid(path, value, told)
    pattern = schema.get("pattern")
    if pattern is not None and re.search(pattern, value) is None:
        yield _invalid(path, value, f"{path} in body should match '{pattern}'")


def _wrong_number(value: float, schema: Schema, *, path: str) -> Iterator[Cause]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and value < least:
        told = f"{path} in body should be greater than or equal to {least}"
        yield Cause(path, f"Invalid value: {value}: {told}", "FieldValueInvalid")
    if most is not None and value > most:
        told = f"{path} in body should be less than or equal to {most}"
        yield Cause(path, f"Invalid value: {value}: {told}", "FieldValueInvalid")
