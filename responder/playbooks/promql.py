"""A PromQL query as its author wrote it, word by word, as far as safety needs to know it.

Whether a query is right, Prometheus says. What has to be known before anything is asked: where the
value of a label would go (inside the quotes of a matcher, and nowhere else), how far back the query
looks, and whether a false condition would leave an empty answer, which can't be told from no data.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from responder.playbooks.written import Mistake, shown

HOLE: Final = "\0"
"""Stands for whatever is inserted; YAML itself holds none."""

_UNITS_SECONDS: Final = {
    "ms": 0.001,
    "s": 1,
    "m": 60,
    "h": 3_600,
    "d": 86_400,
    "w": 604_800,
    "y": 31_536_000,
}
_LONGEST_SECONDS: Final = 10 * _UNITS_SECONDS["y"]
_LONGEST_DURATION: Final = 40
"""In characters: what is longer need not fit into a float."""
_DURATION: Final = r"(?:\d+(?:ms|[smhdwy]))+"
_NUMBER: Final = r"(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TOKEN: Final = re.compile(
    rf"""(?P<space>\s+)
    |(?P<comment>\#[^\n]*)
    |(?P<range>\[[^\]]*\])
    |(?P<duration>{_DURATION}(?![\w.]))
    |(?P<number>0[xX][0-9a-fA-F]+|{_NUMBER}(?![\w.]))
    |(?P<word>[A-Za-z_:][\w:]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<hole>{HOLE})
    |(?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){{}},@])
    """,
    re.VERBOSE | re.ASCII,
)
_RANGE: Final = re.compile(rf"\[\s*({_DURATION}|{_NUMBER}|{HOLE})\s*(?::.*)?\]", re.DOTALL)
_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
_MATCHES: Final = frozenset({"=", "!=", "=~", "!~"})
_WORDS_BEFORE_GROUPS: Final = frozenset({"and", "or", "unless", "bool", "atan2"})
_CLOSES: Final = {")": "(", "}": "{"}

_REGEXP_SPECIAL: Final = frozenset(r"\.+*?()|[]{}^$-")
_REPLACEMENT: Final = "\ufffd"
_FIRST_PRINTABLE, _DELETE = " ", "\x7f"


@dataclass(frozen=True, slots=True)
class Place:
    """Inside which quotes a label's value goes, and whether it stands in a regular expression."""

    quote: str
    is_regexp: bool

    def escaped(self, value: str) -> str:
        """Write a value so that the matcher sees exactly it, whatever it holds.

        In a regular expression its characters stand for themselves (RE2's QuoteMeta, and `-` for
        classes). Prometheus' lexer refuses a literal U+FFFD and line breaks inside quotes.
        """
        if self.is_regexp:
            value = "".join(f"\\{sign}" if sign in _REGEXP_SPECIAL else sign for sign in value)
        return "".join(self._character(sign) for sign in value)

    def _character(self, sign: str) -> str:
        if sign in ("\\", self.quote):
            return f"\\{sign}"
        if sign < _FIRST_PRINTABLE or sign in (_DELETE, _REPLACEMENT):
            return f"\\u{ord(sign):04x}"
        return sign


@dataclass(slots=True)
class Reading:
    """What is known of a query: one entry of `places` per hole, in their order.

    `reach_seconds` is how far back it looks beside what stands in holes: the longest sum of ranges
    and offsets along one path. A place is None where a hole is no label's.
    """

    places: list[Place | None] = field(default_factory=list)
    reach_seconds: float = 0.0
    filters: str = ""
    """The first comparison that leaves nothing of a condition that is false."""


class _Token(NamedTuple):
    kind: str
    text: str
    holes: range


def read(text: str, *, words: Sequence[str | None]) -> Reading:
    """Read a query in which HOLE stands for each insert; raises Mistake.

    `words` names each hole in turn: None for a label's value, `window` for a duration, `matchers`
    for a list of matchers.
    """
    tokens = list(_tokens(text))
    reading = Reading()
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        for number in token.holes:
            place = _place(token, before, word=words[number], tokens=tokens[: index + 2])
            reading.places.append(place)
    _balanced(tokens)
    reading.reach_seconds = _reach_seconds(tokens)
    if not reading.reach_seconds <= _LONGEST_SECONDS:
        raise Mistake("looks back further than ten years", fix="shorten its ranges and offsets")
    reading.filters = _filter(tokens)
    return reading


def _tokens(text: str) -> Iterator[_Token]:
    at = holes = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _no_token(text[at:])
        kind, word = str(found.lastgroup), found.group()
        count = word.count(HOLE)
        if kind == "comment" and count:
            raise Mistake("inserts into a comment", fix="remove the comment")
        if kind not in ("space", "comment"):
            yield _Token(kind, word, range(holes, holes + count))
        holes += count
        at = found.end()


def _no_token(rest: str) -> Mistake:
    rest = rest.replace(HOLE, "{{ }}")
    if rest.startswith("$"):
        variable = rest.split(maxsplit=1)[0]
        return Mistake(f"{shown(variable)} is a dashboard's variable", fix="write `[{{ window }}]`")
    if rest[0] in "\"'`":
        return Mistake(f"the quote at {shown(rest[:20])} is never closed")
    if rest[0] == "[":
        return Mistake("a `[` is never closed")
    return Mistake(f"{shown(rest[:20])} is no PromQL")


def _place(
    token: _Token, before: _Token | None, *, word: str | None, tokens: Sequence[_Token]
) -> Place | None:
    """Find where a hole stands; raises Mistake where what fills it could not be kept apart."""
    if word == "window":
        is_offset = before is not None and before.text.lower() == "offset"
        if token.kind == "range" or (token.kind == "hole" and is_offset):
            return None
        raise Mistake(
            "`{{ window }}` stands where no duration does",
            fix="write `[{{ window }}]`, or `offset {{ window }}`",
        )
    if word == "matchers":
        after = tokens[-1] if tokens[-1] is not token else None
        inside = before is not None and before.text in ("{", ",") and after is not None
        if token.kind == "hole" and inside and after is not None and after.text in ("}", ","):
            return None
        raise Mistake(
            "`{{ matchers }}` stands where no matcher does",
            fix='write `name{ {{ matchers }} }` or `name{type="hard", {{ matchers }}}`',
        )
    if token.kind != "text" or before is None or before.text not in _MATCHES:
        raise Mistake(
            "a label's value is inserted outside of a matcher",
            fix='write it in quotes, like `campaign="{{ labels.campaign }}"`',
        )
    if f"\\{HOLE}" in token.text:
        # `\\` is one backslash to a regular expression, which would take the value's first one.
        raise Mistake("inserts behind a backslash", fix="remove the backslash")
    if token.text[0] == "`":
        raise Mistake("nothing can be escaped between backticks", fix="write it in double quotes")
    return Place(quote=token.text[0], is_regexp=before.text in ("=~", "!~"))


def _balanced(tokens: Sequence[_Token]) -> None:
    opened: list[str] = []
    for token in tokens:
        if token.kind != "sign":
            continue
        if token.text in "({":
            opened.append(token.text)
        elif token.text in _CLOSES and (not opened or opened.pop() != _CLOSES[token.text]):
            raise Mistake(f"has a `{token.text}` too many")
    if opened:
        raise Mistake(f"a `{opened[-1]}` is never closed")


def seconds_of(text: str) -> float:
    """Read a duration such as `1h30m`, or a number of seconds; raises Mistake."""
    if len(text) > _LONGEST_DURATION:
        raise Mistake(f"{shown(text)} is no duration that can be judged")
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    if parts:
        return sum(int(amount) * _UNITS_SECONDS[unit] for amount, unit in parts)
    return float(int(text, 16) if text[:2] in ("0x", "0X") else float(text))


def _reach_seconds(tokens: Sequence[_Token]) -> float:
    """Ranges of nested subqueries and offsets add up; of what stands side by side, the longest."""
    levels, last = [0.0], 0.0
    for index, token in enumerate(tokens):
        is_offset = bool(index) and tokens[index - 1].text.lower() == "offset"
        if token.kind == "range":
            last += _range_seconds(token)
        elif is_offset and (token.kind in ("duration", "number", "hole") or token.text in "-("):
            last += _offset_seconds(token)
        elif token.text == "@":
            raise Mistake("looks at a fixed time (`@`)", fix="leave it out: it is asked about now")
        elif token.text == ")":
            last = max(last, levels.pop())
        elif token.text.lower() != "offset":
            levels[-1] = max(levels[-1], last)
            last = 0.0
            if token.text == "(":
                levels.append(0.0)
    return max(last, *levels)


def _range_seconds(token: _Token) -> float:
    found = _RANGE.fullmatch(token.text)
    if found is None:
        raise Mistake(
            f"{shown(token.text.replace(HOLE, '{{ }}'))} is no range that can be judged",
            fix="write a duration, like `[15m]`, or `[{{ window }}]`",
        )
    return 0.0 if found[1] == HOLE else seconds_of(found[1])


def _offset_seconds(token: _Token) -> float:
    """The window itself counts by itself, and a negative offset is later than now."""
    if token.text == "(":
        raise Mistake("calculates an offset", fix="write a duration, like `offset 15m`")
    return seconds_of(token.text) if token.kind in ("duration", "number") else 0.0


def _filter(tokens: Sequence[_Token]) -> str:
    """Find a comparison without `bool` that decides over the whole answer.

    Inside of a function or an aggregation one may well filter, and `or` may give another answer.
    """
    enclosing: list[bool] = []
    found = ""
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        after = tokens[index + 1].text.lower() if index + 1 < len(tokens) else ""
        if token.kind == "sign" and token.text in "({":
            is_group = before is None or (before.kind == "sign" and before.text != ")")
            is_group |= before is not None and before.text.lower() in _WORDS_BEFORE_GROUPS
            enclosing.append(token.text == "(" and is_group)
        elif token.kind == "sign" and token.text in _CLOSES:
            enclosing.pop()
        elif all(enclosing):
            if token.kind == "word" and token.text.lower() == "or":
                return ""
            if token.kind == "sign" and token.text in _COMPARISONS and after != "bool":
                found = found or token.text
    return found
