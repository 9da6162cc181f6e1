"""What pydantic found wrong, in the words of somebody who writes YAML: where, what, and the fix."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from responder.playbooks.documents import Document
from responder.playbooks.written import MISTAKE, QUOTE, Mistake, Path, described, shown

_WANTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "string_type": ("text", ""),
        "int_type": ("a whole number", "write it like `2`, without quotes"),
        "float_type": ("a number", "write it like `2.5`, without quotes"),
        "float_parsing": ("a number", "write it like `2.5`, without quotes"),
        "bool_type": ("true or false", "write `true` or `false`, without quotes"),
        "model_type": ("a mapping", "write it as `key: value`"),
        "dict_type": ("a mapping", "write it as `key: value`"),
        "tuple_type": ("a list", "begin each of its lines with `- `"),
    }
)


def report_mistakes(
    error: ValidationError, document: Document, *, schema: Mapping[str, Any]
) -> None:
    """Report every mistake to the document, in the order of the schema of its format."""
    found = [
        (_written_path(details, document.data), details)
        for details in error.errors(include_url=False)
    ]
    for path, details in found:
        if details["type"] == "too_short" and any(
            other[: len(path)] == path and other != path for other, _ in found
        ):
            continue  # only because of the items that are wrong themselves
        for mistake in _told(details, path, schema):
            document.report((*path, *mistake.path), mistake)


def _written_path(details: ErrorDetails, data: object) -> Path:
    """Drop from pydantic's path what doesn't stand in the file, like the names of union members."""
    path: list[str | int] = []
    loc = details["loc"]
    for index, part in enumerate(loc):
        is_missing = details["type"] == "missing" and index == len(loc) - 1
        if isinstance(data, Mapping) and isinstance(part, str) and (part in data or is_missing):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            continue
        path.append(part)
    return tuple(path)


_SAID: Mapping[str, str] = MappingProxyType(
    {
        "too_short": "needs at least {min_length} items",
        "string_too_short": "is empty",
        "too_long": "holds more than {max_length}",
        "string_too_long": "is longer than {max_length} characters",
        "greater_than_equal": "must be at least {ge}",
        "greater_than": "must be more than {gt:g}",
        "less_than_equal": "must be at most {le}",
    }
)


def _told(details: ErrorDetails, path: Path, schema: Mapping[str, Any]) -> tuple[Mistake, ...]:
    if details["type"] == MISTAKE:
        return tuple(details.get("ctx", {})["mistakes"])
    return (_said(details, path, schema),)


def _said(details: ErrorDetails, path: Path, schema: Mapping[str, Any]) -> Mistake:
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    match kind:
        case "extra_forbidden":
            mistake = _unknown_key(path, schema)
        case "missing":
            mistake = _missing(path, schema)
        case "literal_error":
            mistake = _not_one_of(str(context["expected"]), given)
        case "too_short" if context["min_length"] == 1:
            mistake = Mistake("is empty", fix="it needs at least one item")
        case "string_pattern_mismatch":
            fix = "use a-z, 0-9 and `-`, as in `deferral-rate`"
            mistake = Mistake(f"{shown(str(given))} is not a name", fix=fix)
        case _ if kind in _WANTED:
            mistake = _misfit(kind, given)
        case _ if kind in _SAID:
            mistake = Mistake(_SAID[kind].format(**context))
        case _:
            mistake = Mistake(details["msg"])
    return mistake


def _misfit(kind: str, given: object) -> Mistake:
    wanted, fix = _WANTED[kind]
    if kind == "string_type" and isinstance(given, bool | int | float):
        fix = QUOTE
    if kind == "tuple_type" and isinstance(given, str):
        fix = "begin the line with `- `, or write it in `[ ]`"
    return Mistake(f"must be {wanted}, not {described(given)}", fix=fix)


def _not_one_of(expected: str, given: object) -> Mistake:
    if expected == "False":
        return Mistake("must be `false`")
    known = expected.replace("'", "`")
    choices = [choice.strip("`") for choice in known.replace(" or ", ", ").split(", ")]
    wrong = f"must be {known}, not {described(given)}"
    if isinstance(given, bool):  # YAML 1.1 reads on, off, yes and no so
        return Mistake(wrong, fix="put it in quotes if you meant the word")
    close = _nearest(str(given), choices)
    return Mistake(wrong, fix=f"did you mean `{close}`?" if close and len(choices) > 1 else "")


def _missing(path: Path, schema: Mapping[str, Any]) -> Mistake:
    told = _known(path[:-1], schema).get(str(path[-1]), {}).get("description", "")
    sentence = told.partition(".")[0]
    return Mistake("is missing", fix=f"add it: {sentence[:1].lower()}{sentence[1:]}")


def _unknown_key(path: Path, schema: Mapping[str, Any]) -> Mistake:
    key, known = str(path[-1]), _known(path[:-1], schema)
    close = _nearest(key, list(known))
    inside = [name for name in known if key in _known((*path[:-1], name), schema)]
    if inside:
        fix = f"it belongs in `{inside[0]}`"
    else:
        fix = f"did you mean `{close}`?" if close else f"there are {', '.join(known)}"
    what = "verb" if "pause" in known else "key that is known here"
    return Mistake(f"is not a {what}", fix=fix)


def _nearest(word: str, known: list[str]) -> str:
    """Find the one meant: other people's spellings of it (snake_case, kebab-case) count too."""
    folded = {_folded(name): name for name in reversed(known)}
    close = get_close_matches(_folded(word), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else ""


def _folded(word: str) -> str:
    return word[:60].lower().replace("_", "").replace("-", "")


def _known(path: Path, schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the keys that the schema knows in the mapping at this path, with their schemas."""
    definitions = schema["$defs"]

    def keys(part: Mapping[str, Any], rest: Path) -> dict[str, dict[str, Any]]:
        if "$ref" in part:
            return keys(definitions[part["$ref"].rpartition("/")[2]], rest)
        found: dict[str, dict[str, Any]] = {}
        for either in part.get("anyOf", part.get("oneOf", ())):
            found |= keys(either, rest)
        properties = part.get("properties", {})
        if not rest:
            found |= properties
            return found
        inner = part.get("items") if isinstance(rest[0], int) else properties.get(rest[0])
        return found | keys(inner, rest[1:]) if inner else found

    return keys(schema, path)
