"""Label and field selectors."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Json = dict[str, Any]
Test = Callable[[Json], bool]

_REQUIREMENT: Final = re.compile(
    r"\s*(?:(?P<key>[\w./-]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)"
    r"|(?P<not>!)\s*(?P<absent>[\w./-]+)"
    r"|(?P<name>[\w./-]+)\s*(?:(?P<sign>==|!=|=)\s*(?P<value>[\w.-]*))?)\s*(?:,|\Z)"
)


class SelectorError(ValueError):
    """It can't be read."""


def by_labels(text: str) -> Test:
    """Raises SelectorError."""
    tests: list[Callable[[Mapping[str, str]], bool]] = []
    at = 0
    while at < len(text):
        found = _REQUIREMENT.match(text, at)
        if found is None:
            raise SelectorError(text)
        tests.append(_requirement(found))
        at = found.end()
    return lambda body: all(test(body["metadata"].get("labels") or {}) for test in tests)


def _requirement(found: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    if key := found["key"]:
        values = {value.strip() for value in found["values"].split(",")}
        if found["op"] == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: labels.get(key) not in values
    if absent := found["absent"]:
        return lambda labels: absent not in labels
    name, sign, wanted = found["name"], found["sign"], found["value"]
    if sign is None:
        return lambda labels: name in labels
    if sign == "!=":
        return lambda labels: labels.get(name) != wanted
    return lambda labels: labels.get(name) == wanted


def by_fields(text: str, allowed: Callable[[str], bool]) -> Test:
    """Raises SelectorError."""
    tests: list[Test] = []
    for part in filter(None, text.split(",")):
        path, sign, wanted = re.split(r"(!=|==|=)", part, maxsplit=1) if "=" in part else ("",) * 3
        if not allowed(path):
            only = 'only "metadata.name", "metadata.namespace"'
            raise SelectorError(f'"{path}" is not a known field selector: {only}')
        tests.append(_field(path.split("."), wanted=wanted, equal=sign != "!="))
    return lambda body: all(test(body) for test in tests)


def _field(steps: list[str], *, wanted: str, equal: bool) -> Test:
    def test(body: Json) -> bool:
        node: Any = body
        for step in steps:
            node = node.get(step) if isinstance(node, Mapping) else None
        return (str("" if node is None else node) == wanted) is equal

    return test
