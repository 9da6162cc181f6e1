"""Alertmanager's classic matcher grammar (`pkg/labels`): names as in Prometheus of old.

It is lenient in ways that nobody would invent (`foo=bar=baz`, a value without quotes and with
spaces inside, `foo=`), and configurations rely on each of them.
"""

import re
from typing import Final, cast

from responder.alerts.matcher_syntax import GO_SPACE, Operator, RawMatcher, refuse

_REGEXP_SPACE: Final = "\t\n\f\r "
r"""`\s` in Go: unlike `strings.TrimSpace`, which knows Unicode, and without `\v`."""
_NAME_AND_OPERATOR = re.compile(
    r"[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)",
)


def read_classic(text: str) -> tuple[RawMatcher, ...]:
    """The matchers in the order in which they stand; none for an empty text or `{}`.

    Raises:
        MatcherSyntaxError: for the first of them that is wrong.

    """
    return tuple(_matcher(part) for part in _split(text.removeprefix("{").removesuffix("}")))


def _split(text: str) -> list[str]:
    """Split at the commas outside quotes. Only the last part may be empty."""
    parts = []
    start = 0
    inside_quotes = escaped = False
    for position, character in enumerate(text):
        match character:
            case ",":
                # A backslash before a comma keeps escaping what comes after the comma.
                if not inside_quotes:
                    parts.append(text[start:position])
                    start = position + 1
            case '"':
                inside_quotes ^= not escaped
                escaped = False
            case "\\":
                escaped = not escaped
            case _:
                escaped = False
    if last := text[start:].strip(GO_SPACE):
        parts.append(last)
    return parts


def _matcher(text: str) -> RawMatcher:
    match = _NAME_AND_OPERATOR.match(text)
    if match is None:
        raise refuse(text, why="this is no matcher")
    value = _unescape(text[match.end() :].strip(_REGEXP_SPACE), whole=text)
    return RawMatcher(name=match[1], op=cast("Operator", match[2]), value=value)


def _unescape(raw: str, *, whole: str) -> str:
    r"""Resolve `\n`, `\"` and `\\`; any other backslash stands for itself."""
    opened = raw.startswith('"')
    if opened:
        raw = raw[1:]
    pieces = []
    escaped = False
    closed = False
    for position, character in enumerate(raw):
        is_last = position == len(raw) - 1
        if escaped:
            escaped = False
            pieces.append({"n": "\n", '"': '"', "\\": "\\"}.get(character, f"\\{character}"))
        elif character == "\\" and not is_last:
            escaped = True
        elif character == '"':
            if not opened or not is_last:
                raise refuse(whole, why='a double quote within the value must be written as \\"')
            closed = True
        else:
            pieces.append(character)
    if opened and not closed:
        raise refuse(whole, why="the value's double quote is never closed")
    return "".join(pieces)
