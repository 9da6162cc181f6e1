r"""Go's regular expressions on C++'s RE2: one design, and five differences.

Both run in linear time and share syntax and meaning, but for what is put right here:

- `\C`, group names beyond ASCII, and repetitions beyond every limit are errors in Go only;
- Go compares the names of Unicode classes loosely (`\p{greek}`), knows long names (`\p{Letter}`)
  and `Cn`, `LC`, `Assigned`, `ASCII`, and counts unassigned characters into `\pC`;
- an expression may be larger in Go than RE2's usual memory allows.

What stays different, all of it far from anything that stands in a playbook: RE2's tables are of
Unicode 15.1, Go's of 15.0 (627 characters, nearly all rare CJK ideographs); `\x{D800}`, half a
surrogate pair, matches nothing here and sometimes U+FFFD in Go; depth is limited by counting
groups; what compiles to more than a few million instructions is refused here.
"""

import functools
import re
from typing import Protocol, cast

import re2

from responder.alerts.unicode_classes import as_bracket, as_members

_MAX_NESTED_GROUPS = 1000
_MOST_DIGITS_OF_A_REPETITION = 4
_USUAL_MEMORY_BYTES = 8 << 20
_LARGE_MEMORY_BYTES = 64 << 20
r"""For `\pL{1000}` and its like. Not for all: it bounds what a match may use as well."""
_TOO_LARGE = "pattern too large"

_UNICODE_CLASS = r"\\ (?P<sign> [pP] ) (?: \{ (?P<long> [^}]* ) \} | (?P<short> [^{] ) )"
_OUTSIDE = re.compile(
    rf"""\\Q .*? (?: \\E | \Z )
      | {_UNICODE_CLASS}
      | \\x\{{ [0-9a-fA-F]* \}}
      | \\ (?P<escaped> . )
      | \( \? P? < (?P<group> [^>]* ) >
      | \( \? (?P<flags> [imsU]* (?: - [imsU]* )? ) (?P<flags_end> [:)] )
      | (?P<parenthesis> [()] )
      | \{{ (?P<least> 0 | [1-9][0-9]* ) (?: , (?P<most> 0 | [1-9][0-9]* )? )? \}}
      | (?P<bracket> \[ \^? )
      | [^\\()\[{{]+
      | .
    """,
    re.DOTALL | re.VERBOSE,
)
_CHARACTER = r"(?: \\x\{ [0-9a-fA-F]* \} | \\x [0-9a-fA-F]{2} | \\ [0-7]{1,3} | \\ . | . )"
_MEMBER = re.compile(
    rf"""\[: .*? :\]
      | {_UNICODE_CLASS}
      | \\ [dDsSwW]
      | {_CHARACTER} (?: - (?! \] ) {_CHARACTER} )?
    """,
    re.DOTALL | re.VERBOSE,
)


class GoRegexpError(ValueError):
    """Go would not compile this regular expression; the message says why."""


class CompiledRegexp(Protocol):
    """What a caller may do with the result."""

    def search(self, text: bytes, /) -> object | None: ...


@functools.lru_cache(maxsize=256)
def compile_anchored(expression: str) -> CompiledRegexp:
    """Compile for a match of whole texts, as Alertmanager does; to be used with bytes of UTF-8.

    Alertmanager compiles `^(?:` + expression + `)$` and searches with that, which a stray
    parenthesis in the expression can tell from a full match: so it is done here, too.

    Raises:
        GoRegexpError: not a regular expression that Go would compile.

    """
    pattern = f"^(?:{_in_terms_of_re2(expression)})$".encode()
    try:
        return _compile(pattern, max_memory_bytes=_USUAL_MEMORY_BYTES)
    except GoRegexpError as error:
        if _TOO_LARGE not in str(error):
            raise
    return _compile(pattern, max_memory_bytes=_LARGE_MEMORY_BYTES)


def _compile(pattern: bytes, *, max_memory_bytes: int) -> CompiledRegexp:
    options = re2.Options()
    options.log_errors = False  # else every refused expression is a line on stderr
    options.never_capture = True
    options.max_mem = max_memory_bytes
    try:
        compiled: CompiledRegexp = re2.compile(pattern, options)
    except re2.error as error:
        raise GoRegexpError(error.args[0].decode(errors="replace")) from None
    return compiled


def _in_terms_of_re2(expression: str) -> str:
    """The same expression with Go's Unicode classes replaced.

    What both engines refuse is passed on for RE2 to find.

    Raises:
        GoRegexpError: for what only Go refuses.

    """
    pieces = []
    ignoring_case = [False]  # of every open group; the first is the one around the expression
    position = 0
    while position < len(expression):
        token = _at(expression, _OUTSIDE, position=position)
        position = token.end()
        _check(token)
        if token["bracket"]:
            text, position = _bracket(expression, token, ignoring_case=ignoring_case[-1])
            pieces.append(text)
        elif token["sign"]:
            pieces.append(as_bracket(_name(token), negated=token["sign"] == "P"))
        else:
            pieces.append(token[0])
            _follow_groups(token, ignoring_case)
    return "".join(pieces)


def _check(token: re.Match[str]) -> None:
    if token["escaped"] == "C":
        raise GoRegexpError(r"invalid escape sequence: \C")
    if token["group"] and not token["group"].isascii():
        raise GoRegexpError(f"invalid named capture: {token[0]}")
    # A thousand is the most for both, but numbers of nine digits and more are literal text to RE2.
    digits = max(len(count or "") for count in token.group("least", "most"))
    if digits > _MOST_DIGITS_OF_A_REPETITION:
        raise GoRegexpError(f"invalid repeat count: {token[0]}")


def _follow_groups(token: re.Match[str], ignoring_case: list[bool]) -> None:
    """Keep track of which flag `i` is in force, for the few classes whose text depends on it."""
    if token["parenthesis"] == ")":
        # One more than was opened closes the group around the expression: RE2 judges that.
        if len(ignoring_case) > 1:
            ignoring_case.pop()
        return
    if token["parenthesis"] or token["group"] or token["flags_end"] == ":":
        ignoring_case.append(ignoring_case[-1])
        if len(ignoring_case) > _MAX_NESTED_GROUPS:
            raise GoRegexpError("expression nests too deeply")
    if token["flags"]:
        set_flags, _, cleared_flags = token["flags"].partition("-")
        if "i" in set_flags + cleared_flags:
            ignoring_case[-1] = "i" in set_flags and "i" not in cleared_flags


def _bracket(expression: str, start: re.Match[str], *, ignoring_case: bool) -> tuple[str, int]:
    """The bracket expression that starts here, translated, and the position behind it."""
    pieces = [start[0]]
    position = start.end()
    while position < len(expression):
        # A ] that comes first is a member like any other.
        if expression[position] == "]" and len(pieces) > 1:
            return "".join([*pieces, "]"]), position + 1
        member = _at(expression, _MEMBER, position=position)
        position = member.end()
        if member["sign"]:
            text = as_members(
                _name(member), negated=member["sign"] == "P", ignoring_case=ignoring_case
            )
            pieces.append(text)
        else:
            pieces.append(member[0])
    return "".join(pieces), position


def _at(expression: str, tokens: re.Pattern[str], *, position: int) -> re.Match[str]:
    # There always is one: the last alternative of either is any character.
    return cast("re.Match[str]", tokens.match(expression, position))


def _name(unicode_class: re.Match[str]) -> str:
    short = unicode_class["short"]
    return unicode_class["long"] if short is None else short
