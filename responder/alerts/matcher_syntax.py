"""What both matcher grammars share: their result, their error, and Go's idea of white space."""

from typing import Final, Literal, NamedTuple

from responder.errors import BadInput, Problem

Operator = Literal["=", "!=", "=~", "!~"]

GO_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""The characters of `unicode.IsSpace`. `str.isspace` has more: U+001C to U+001F."""

_FIX = """write it as name="value", with =, !=, =~ or !~, and a comma between two"""
_QUOTED_CHARACTERS = 200


class RawMatcher(NamedTuple):
    """One matcher as it was written, unquoted; its regular expression not compiled yet."""

    name: str
    op: Operator
    value: str


class MatcherSyntaxError(BadInput):
    """A text that Alertmanager would not accept as matchers either."""


def refuse(text: str, *, why: str, fix: str = _FIX) -> MatcherSyntaxError:
    """The error for this text; a long one is shortened, and what is said of it as well."""
    return MatcherSyntaxError([Problem(f"{_shorten(text)!r}: {_shorten(why)}", fix=fix)])


def _shorten(text: str) -> str:
    return text if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]}..."
