"""Alertmanager's UTF-8 matcher grammar (`matcher/parse`): any character in names and values.

    [ "{" ] [ matcher { "," matcher } [ "," ] ] [ "}" ]      both braces, or neither

A name or value is quoted as in Go, or a run of characters that mean nothing in the grammar.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, cast

from responder.alerts.go_strings import unquote
from responder.alerts.matcher_syntax import GO_SPACE, Operator, RawMatcher, refuse

RESERVED: Final = GO_SPACE + "{}!=~,\\\"'`"
"""What ends an unquoted name or value, and must be quoted to be part of one."""

_Kind = Literal["{", "}", ",", "operator", "quoted", "unquoted", "end"]

_SPACE = re.escape(GO_SPACE)
_TOKEN = re.compile(
    f"[{_SPACE}]*(?:"
    "(?P<punctuation>[{},])"
    "|(?P<operator>=~|!=|!~|=)"
    r'|(?P<quoted>"[^"\\]*(?:\\.[^"\\]*)*")'
    f"|(?P<unquoted>[^{re.escape(RESERVED)}]+)"
    r"|(?P<end>\Z))",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: _Kind
    text: str
    position: int


def read_utf8(text: str) -> tuple[RawMatcher, ...]:
    """The matchers in the order in which they stand; none for an empty text or `{}`.

    Raises:
        MatcherSyntaxError: with the position at which the text stops making sense.

    """
    return tuple(_Parser(text).matchers())


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = next(self._tokens)

    def matchers(self) -> Iterator[RawMatcher]:
        braces = self._next.kind == "{"
        if braces:
            self._take()
        while self._next.kind not in {"}", "end"}:
            yield self._matcher()
            if self._next.kind != ",":
                break
            self._take()
        if braces:
            self._expect("}", what="a comma or the closing }")
        self._expect("end", what="a comma or the end" if not braces else "nothing after the }")

    def _matcher(self) -> RawMatcher:
        name = self._name_or_value(what="a label name")
        operator = self._expect("operator", what="one of =, !=, =~, !~")
        value = self._name_or_value(what='a value (an empty one is "")')
        return RawMatcher(name=name, op=cast("Operator", operator.text), value=value)

    def _name_or_value(self, *, what: str) -> str:
        token = self._expect("quoted", "unquoted", what=what)
        if token.kind == "unquoted":
            return token.text
        try:
            return unquote(token.text)
        except ValueError as error:
            raise refuse(self._text, why=f"in {token.text}: {error}") from None

    def _expect(self, *kinds: _Kind, what: str) -> _Token:
        if self._next.kind in kinds:
            return self._take()
        found = self._next.text or "the end"
        where = self._next.position + 1
        raise refuse(self._text, why=f"expected {what} at character {where}, found {found}")

    def _take(self) -> _Token:
        token = self._next
        if token.kind != "end":
            self._next = next(self._tokens)
        return token


def _tokens(text: str) -> Iterator[_Token]:
    """Ends with a token of the kind `end`."""
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            raise refuse(text, why=_why_no_token(text, position=position))
        group = cast("str", match.lastgroup)
        found = match[group]
        kind = cast("_Kind", found if group == "punctuation" else group)
        yield _Token(kind=kind, text=found, position=match.start(group))
        if kind == "end":
            return
        position = match.end()


def _why_no_token(text: str, *, position: int) -> str:
    rest = text[position:].lstrip(GO_SPACE)
    where = len(text) - len(rest) + 1
    if rest.startswith('"'):
        return f'the " at character {where} is never closed'
    return f"{rest[0]} at character {where} must stand within double quotes"
