"""PromQL, word by word; and its durations, which the sandbox shortens."""

import re
from typing import Final, NamedTuple

from responder.errors import BadInput, Problem

_UNITS_MS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 7 * 86_400_000,
    "y": 365 * 86_400_000,
}
_DURATION: Final = re.compile(
    r"(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?"
)
_PART: Final = re.compile(r"(\d+)(ms|[smhdwy])")
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|(?i:inf|nan)(?![\w:]))
    |(?P<word>[A-Za-z_:][\w:]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){}\[\],@])
    """,
    re.VERBOSE | re.ASCII,
)


class Token(NamedTuple):
    """One word of an expression."""

    kind: str
    text: str
    at: int


def wrong(message: str, *, fix: str = "") -> BadInput:
    """Say what is wrong with an expression."""
    return BadInput([Problem(message, fix=fix)])


def tokens_of(expression: str) -> list[Token]:
    """Split an expression; raises BadInput at the first character that starts no word."""
    found: list[Token] = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise wrong(f"{expression[at : at + 20]!r} at character {at + 1} is no PromQL")
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    found.append(Token("end", "", at))
    return found


def duration_ms(text: str) -> int:
    """Read a duration such as `1h30m`; raises BadInput."""
    if text == "0":
        return 0
    if not text or not _DURATION.fullmatch(text):
        raise wrong(f"{text!r} is no duration", fix="write it as 90s, 5m or 1h30m")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(text))


def scaled_ms(duration: int, *, factor: float) -> int:
    """Shorten a duration, to a millisecond at the least: none at all would be another meaning."""
    return max(1, round(duration / factor)) if duration else 0


def duration_text(milliseconds: int) -> str:
    """Write a duration so that Prometheus reads it, to the millisecond."""
    return f"{milliseconds}ms"


def scaled_expression(expression: str, *, factor: float) -> str:
    """Shorten the windows and offsets of an expression; every number stays as it is."""
    out: list[str] = []
    at = 0
    for token in tokens_of(expression):
        if token.kind == "duration":
            shortened = duration_text(scaled_ms(duration_ms(token.text), factor=factor))
            out += [expression[at : token.at], shortened]
            at = token.at + len(token.text)
    return "".join([*out, expression[at:]])
