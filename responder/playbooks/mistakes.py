"""What pydantic found wrong, in the words of somebody who writes YAML: where, what, and the fix."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from responder.playbooks.documents import Document
from responder.playbooks.json_schema import json_schema
from responder.playbooks.written import MISTAKE, QUOTE, Mistake, Path, described, shown

_WANTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "string_type": ("text", ""),
        "int_type": ("a whole number", "write it without quotes and fraction"),
        "bool_type": ("true or false", "write `true` or `false`, without quotes"),
        "model_type": ("a mapping", "write it as `key: value`"),
        "dict_type": ("a mapping", "write it as `key: value`"),
        "tuple_type": ("a list", "begin each of its lines with `- `"),
    }
)


def report_mistakes(error: ValidationError, document: Document) -> None:
    """Report every mistake to the document, in the order of the schema."""
    found = [
        (written_path(details["loc"], document.data), details)
        for details in error.errors(include_url=False)
    ]
    for path, details in found:
        inside = any(other[: len(path)] == path and other != path for other, _ in found)
        if details["type"] == "too_short" and inside:
            continue  # only because of the items that are wrong themselves
        for mistake in _told(details, path):
            document.report((*path, *mistake.path), mistake)


def written_path(loc: Path, data: object) -> Path:
    """Drop from pydantic's path what doesn't stand in the file, like the names of union members.

    The last part stays where its parent is a mapping: it is the key that is missing.
    """
    path: list[str | int] = []
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(data, Mapping) and isinstance(part, str) and (part in data or last):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        path.append(part)
    return tuple(path)


_SAID: Mapping[str, str] = MappingProxyType(
    {
        "missing": "is missing",
        "too_short": "needs at least {min_length}",
        "string_too_short": "is empty",
        "too_long": "holds more than {max_length}",
        "string_too_long": "is longer than {max_length} characters",
        "greater_than_equal": "must be at least {ge}",
        "less_than_equal": "must be at most {le}",
    }
)


def _told(details: ErrorDetails, path: Path) -> tuple[Mistake, ...]:
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    if kind == MISTAKE:
        return tuple(context["mistakes"])
    if kind == "extra_forbidden":
        return (unknown_key(path),)
    if kind == "literal_error":
        return (_not_one_of(str(context["expected"]), given),)
    if kind in _WANTED:
        return (_misfit(kind, given),)
    if kind == "string_pattern_mismatch":
        wrong = f"{shown(str(given))} is not a name"
        return (Mistake(wrong, fix="use a-z, 0-9 and `-`, as in `deferral-rate`"),)
    return (Mistake(_SAID[kind].format(**context) if kind in _SAID else str(details["msg"])),)


def _misfit(kind: str, given: object) -> Mistake:
    wanted, fix = _WANTED[kind]
    if kind == "string_type" and isinstance(given, bool | int | float):
        fix = QUOTE
    if kind == "tuple_type" and isinstance(given, str):
        fix = "begin the line with `- `, or write it in `[ ]`"
    return Mistake(f"must be {wanted}, not {described(given)}", fix=fix)


def _not_one_of(expected: str, given: object) -> Mistake:
    known = expected.replace("'", "`")
    choices = [choice.strip("`") for choice in known.replace(" or ", ", ").split(", ")]
    wrong = f"must be {known}, not {described(given)}"
    if isinstance(given, bool):  # YAML 1.1 reads on, off, yes and no so
        return Mistake(wrong, fix="put it in quotes if you meant the word")
    close = _nearest(str(given), choices)
    return Mistake(wrong, fix=f"did you mean `{close}`?" if close and len(choices) > 1 else "")


def unknown_key(path: Path) -> Mistake:
    """Say that a key, the last part of the path, is unknown there, and which may be meant."""
    key, known = str(path[-1]), known_keys(path[:-1])
    is_verb = "pause" in known
    close = _nearest(key, known)
    listed = "there are " + ", ".join(known) if known else ""
    return Mistake(
        f"is not a {'verb' if is_verb else 'key that is known here'}",
        fix=f"did you mean `{close}`?" if close else listed,
    )


def _nearest(word: str, known: list[str]) -> str:
    """Find the one meant: other people's spellings of it (snake_case, kebab-case) count too."""
    folded = {_folded(name): name for name in reversed(known)}
    close = get_close_matches(_folded(word), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else ""


def _folded(word: str) -> str:
    return word[:60].lower().replace("_", "").replace("-", "")


def known_keys(path: Path) -> list[str]:
    """List the keys that the schema knows in the mapping at this path."""
    schema = json_schema()
    definitions = schema["$defs"]

    def keys(part: dict[str, Any], rest: Path) -> dict[str, None]:
        if "$ref" in part:
            return keys(definitions[part["$ref"].rpartition("/")[2]], rest)
        found: dict[str, None] = {}
        for either in part.get("anyOf", part.get("oneOf", ())):
            found |= keys(either, rest)
        if not rest:
            return found | dict.fromkeys(part.get("properties", ()))
        inner = part.get("items") if isinstance(rest[0], int) else None
        inner = inner or part.get("properties", {}).get(rest[0])
        return found | keys(inner, rest[1:]) if inner else found

    return list(keys(schema, path))
