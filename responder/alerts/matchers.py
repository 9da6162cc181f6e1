"""Label matchers with exactly Alertmanager's syntax and meaning, whichever parser it would use.

Alertmanager reads a text with a classic and with a UTF-8 parser: whatever the classic one accepts,
it decides; the UTF-8 one is heard for what the classic one refuses. A corpus of verdicts that
Alertmanager itself gave holds this to it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from responder.alerts.classic_syntax import read_classic
from responder.alerts.go_regexp import CompiledRegexp, GoRegexpError, compile_anchored
from responder.alerts.matcher_syntax import MatcherSyntaxError, Operator, RawMatcher, refuse
from responder.alerts.utf8_syntax import RESERVED, read_utf8
from responder.errors import Problem

__all__ = [
    "Matcher",
    "MatcherSyntaxError",
    "all_match",
    "compatibility_problem",
    "parse_classic_matchers",
    "parse_matchers",
    "parse_utf8_matchers",
]

_REPLACEMENT_CHARACTER: Final = "\ufffd"
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_RESERVED: Final = frozenset(RESERVED)
_REGEXP_FIX: Final = "regular expressions are RE2's and match the whole value"


class _WrongRegexpError(MatcherSyntaxError):
    """The grammar was kept, but not that of regular expressions."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. A label that an alert doesn't have is an empty one.

    Raises:
        MatcherSyntaxError: the value is not a regular expression and the operator asks for one.

    """

    name: str
    op: Operator
    value: str
    _regexp: CompiledRegexp | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.op in {"=~", "!~"}:
            try:
                object.__setattr__(self, "_regexp", compile_anchored(self.value))
            except GoRegexpError as error:
                why = f"the regular expression is wrong: {error}"
                wrong = refuse(f"{self.name}{self.op}{self.value}", why=why, fix=_REGEXP_FIX)
                raise _WrongRegexpError(wrong.problems) from None

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.name, "")
        if self._regexp is None:
            return (value == self.value) == (self.op == "=")
        found = self._regexp.search(_utf8(value)) is not None
        return found == (self.op == "=~")

    def __str__(self) -> str:
        """Write it as both parsers read it, wherever the name allows that."""
        plain = self.name and not set(self.name) & _RESERVED
        name = self.name if plain else _quote(self.name)
        return f"{name}{self.op}{_quote(self.value)}"


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every one matches; no matchers match everything."""
    return all(matcher.matches(labels) for matcher in matchers)


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """What Alertmanager reads by default (`matcher/compat`), in the order of the text.

    An empty text and `{}` are no matchers: valid, and matching every alert. A `matchers:` list in
    Alertmanager's configuration is what its lines give one after the other, all of them ANDed.

    Raises:
        MatcherSyntaxError: neither parser accepts it; what the UTF-8 parser says is told.

    """
    try:
        return parse_classic_matchers(text)
    except _WrongRegexpError as error:
        wrong_regexp = error
    except MatcherSyntaxError:
        return parse_utf8_matchers(text)
    try:
        return parse_utf8_matchers(text)
    except MatcherSyntaxError:
        # The text was fine for one parser: that the other wants more quotes is beside the point.
        raise wrong_regexp from None


def parse_classic_matchers(text: str) -> tuple[Matcher, ...]:
    """As Alertmanager reads it under `--enable-feature=classic-mode`."""
    return _compiled(text, read=read_classic)


def parse_utf8_matchers(text: str) -> tuple[Matcher, ...]:
    """As Alertmanager reads it under `--enable-feature=utf8-strict-mode`."""
    return _compiled(text, read=read_utf8)


def compatibility_problem(text: str) -> Problem | None:
    """Warn where Alertmanager logs a warning: only the classic parser reads it this way.

    A later Alertmanager may refuse such a text, or read it differently; the fix is the same
    condition in the syntax that both know. None for a text that is wrong altogether.
    """
    try:
        classic = parse_classic_matchers(text)
    except MatcherSyntaxError:
        return None
    fix = f"write {', '.join(map(str, classic))}"
    try:
        utf8 = parse_utf8_matchers(text)
    except MatcherSyntaxError:
        said = "only Alertmanager's classic parser accepts it"
        return Problem(f"{text!r}: {said}", fix=fix, severity="warning")
    if utf8 == classic:
        return None
    said = "Alertmanager's two parsers disagree about it; the classic one is followed"
    return Problem(f"{text!r}: {said}", fix=fix, severity="warning")


def _compiled(text: str, *, read: Callable[[str], tuple[RawMatcher, ...]]) -> tuple[Matcher, ...]:
    if not _is_utf8(text):
        raise refuse(text, why="it has half a surrogate pair, which is no character")
    return tuple(Matcher(*raw) for raw in read(text))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _utf8(value: str) -> bytes:
    """A lone surrogate becomes U+FFFD, as it does where Go decodes JSON."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return "".join(
            _REPLACEMENT_CHARACTER if "\ud800" <= c <= "\udfff" else c for c in value
        ).encode()


def _quote(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
