"""Label and field selectors, as requests give them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from responder.sandbox.api.failures import bad_request

Json = dict[str, Any]
_SET = re.compile(r"^\s*([^\s!=,()]+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_EQUAL = re.compile(r"^\s*([^\s!=,()]+)\s*(==|!=|=)\s*([^\s,()=!]*)\s*$")
_EXISTS = re.compile(r"^\s*(!?)\s*([^\s!=,()]+)\s*$")
_FIELDS = {"metadata.name": ("metadata", "name"), "metadata.namespace": ("metadata", "namespace")}

Selector = Callable[[Mapping[str, Any]], bool]


def selector_of(labels: str, fields: str) -> Selector:
    """Give what tells whether an object is selected; raises Refused."""
    requirements = [_requirement(part) for part in _parts(labels)]
    places = [_field(part) for part in fields.split(",") if part.strip()]

    def selects(body: Mapping[str, Any]) -> bool:
        found = (body.get("metadata") or {}).get("labels") or {}
        return all(fits(found) for fits in requirements) and all(fits(body) for fits in places)

    return selects


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _requirement(part: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.match(part):
        key, operator, listed = found.groups()
        values = {value.strip() for value in listed.split(",")}
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.match(part):
        key, operator, value = found.groups()
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.match(part):
        negated, key = found.groups()
        return lambda labels: (key in labels) != bool(negated)
    raise bad_request(f"unable to parse requirement: {part!r}")


def _field(part: str) -> Selector:
    found = _EQUAL.match(part)
    if found is None:
        raise bad_request(f"invalid field selector: {part!r}")
    name, operator, value = found.groups()
    path = _FIELDS.get(name) or tuple(name.split("."))

    def fits(body: Mapping[str, Any]) -> bool:
        at: Any = body
        for step in path:
            at = at.get(step) if isinstance(at, Mapping) else None
        return (str(at or "") == value) != (operator == "!=")

    return fits
