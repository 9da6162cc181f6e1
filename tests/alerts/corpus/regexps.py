"""Matchers whose regular expressions use every construct that Go and RE2 know, or don't."""

from collections.abc import Iterator
from typing import Final

from tests.alerts.corpus.chance import Chance

_PLAIN: Final = (
    *"abkKsS0_-.^$|()[]{}*+?,:\\ \n\t\"'",
    *"\u00e9\u017f\u212a\u00df\u0130\u0131\u03c3\u03c2\u03a3\u65e5\U0001f600\x00\u00a0\ufffd",
)
_ESCAPES: Final = (
    r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\b", r"\B", r"\A", r"\z", r"\Z", r"\C", r"\Q",
    r"\E", r"\Qa+b\E", r"\x41", r"\x{41}", r"\x{10FFFF}", r"\x{110000}", r"\x{1F600}", r"\x",
    r"\x{}", r"\x4", r"\0", r"\07", r"\101", r"\1", r"\8", r"\777", r"\_", r"\-", "\\\u00e9", r"\a",
    r"\f", r"\v", r"\n", r"\r", r"\t", r"\e", r"\G", r"\K", r"\R", r"\X", r"\h", r"\/", r"\.",
    r"\"",
)  # fmt: skip
_UNICODE: Final = (
    r"\pL", r"\PL", r"\pl", r"\pN", r"\pC", r"\PC", r"\pZ", r"\p{Lu}", r"\p{^Lu}", r"\P{^Lu}",
    r"\p{Greek}", r"\p{greek}", r"\P{Greek}", r"\p{Letter}", r"\p{ uppercase letter }",
    r"\p{Cased_Letter}", r"\p{Any}", r"\P{Any}", r"\p{ASCII}", r"\P{ascii}", r"\p{Assigned}",
    r"\p{Cn}", r"\P{Cn}", r"\p{LC}", r"\P{LC}", r"\p{Co}", r"\p{Cs}", r"\p{L", r"\p", r"\p{}",
    r"\p{^}", r"\p{^^L}", r"\p{Old_Italic}", "\\p{Gree\u212a}", r"\p{\u00e9}",
)  # fmt: skip
_GROUPS: Final = (
    "(?i)", "(?s)", "(?m)", "(?U)", "(?i:", "(?-i)", "(?-i:", "(?s-i)", "(?i-s:", "(?-)", "(?)",
    "(?:", "(?P<n>", "(?<n>", "(?P<n>a)(?P<n>b)", "(?P<\u00e9>a)", "(?P<1>a)", "(?P<>a)", "(?P=n)",
    "(?P>n)", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?#x)", "(?'n'a)", "(?im-s)", "(?x)",
    "(?ii)", "(?--i)", "(?i-i)", "()", "(|a)", "(a|)", "(a*)*", "(a*)+", "(|a)*", "(|a)+", "(*)",
    "(+",
)  # fmt: skip
_BRACKETS: Final = (
    "[a-z]", "[^a-z]", "[]a]", "[^]a]", "[]-a]", "[a-]", "[-a]", "[a-b-c]", "[z-a]", r"[a-\d]",
    r"[\d-z]", "[[:alpha:]]", "[[:^alpha:]]", "[^[:space:]]", "[[:foo:]]", "[[:word:]]", "[[.a.]]",
    "[[=a=]]", "[:alpha:]", "[[:alpha:]", "[", r"[\pL]", r"[^\pL\d]", r"[\p{greek}-z]", r"[\b]",
    r"[\Q]", r"[\x{41}-\x{5A}]", r"[\\]", "[a&&b]", r"[^\n]", r"[^\S]", r"[\W]", r"[^\W]",
    r"[\s\S]", "[\u00e9-\u00fc]", r"[\pC]", r"[^\pC]", r"[\PCa]", r"[\p{Cn}a]", r"[^\p{Cn}a]",
    r"[\P{LC}]", r"[^\P{LC}a]", r"[\P{ASCII}]", r"[^\P{ASCII}a]", r"[\p{ASCII}]", r"[a-\pC]",
    r"[]-\pC]", r"[\d-\pC]", r"[\x{41}-\p{Letter}]", r"[\p{Letter}\p{Mark}]", "[[]", "[^]", "[]",
)  # fmt: skip
_REPETITIONS: Final = (
    "*", "+", "?", "{2}", "{2,}", "{2,3}", "{,3}", "{3,2}", "{0}", "{0,0}", "{1000}", "{1001}",
    "{0,1001}", "{01}", "{2}{3}", "{a}", "{", "{2", "*?", "+?", "??", "**", "*+", "?*", "{2}?",
    "{2}*", "{99999}", "{99999999999}", "{2,99999999999}", "|", "||", "^*", "$*", r"\b+",
)  # fmt: skip
_PIECES: Final = (*_PLAIN, *_ESCAPES, *_UNICODE, *_GROUPS, *_BRACKETS, *_REPETITIONS)
_LIKELY: Final = ("a", "b", "ab", "a", "k", ".", ".*", "(?i)", "s", "\u00e9", *_UNICODE, *_BRACKETS)

_CLASS_NAMES: Final = (
    "Any", "ASCII", "Assigned", "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "LC", "Ll", "Lm", "Lo",
    "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi",
    "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs", "Cased_Letter",
    "Close_Punctuation", "Combining_Mark", "Connector_Punctuation", "Control", "Currency_Symbol",
    "Dash_Punctuation", "Decimal_Number", "Enclosing_Mark", "Final_Punctuation", "Format",
    "Initial_Punctuation", "Letter", "Letter_Number", "Line_Separator", "Lowercase_Letter", "Mark",
    "Math_Symbol", "Modifier_Letter", "Modifier_Symbol", "Nonspacing_Mark", "Number",
    "Open_Punctuation", "Other", "Other_Letter", "Other_Number", "Other_Punctuation",
    "Other_Symbol", "Paragraph_Separator", "Private_Use", "Punctuation", "Separator",
    "Space_Separator", "Spacing_Mark", "Surrogate", "Symbol", "Titlecase_Letter", "Unassigned",
    "Uppercase_Letter", "cntrl", "digit", "punct", "Arabic", "Common", "Cyrillic", "Greek", "Han",
    "Hebrew", "Hiragana", "Inherited", "Katakana", "Kawi", "Latin", "Thai", "Vithkuqi", "Yezidi",
    "Linear_A", "Old_Persian", "Tai_Le", "SignWriting", "Nko", "Lower", "Alpha", "Alphabetic",
    "Latn", "Script=Greek", "IsGreek", "Zyyy",
)  # fmt: skip


def every_unicode_class() -> Iterator[str]:
    """Each by name, written as in the standard and loosely, by itself, negated and in brackets."""
    for name in _CLASS_NAMES:
        loose = name.replace("_", " -").swapcase()
        yield from (as_matcher(rf"\p{{{name}}}"), as_matcher(rf"\P{{{loose}}}"))
        yield from (as_matcher(rf"(?i)[\P{{{name}}}a]+"), as_matcher(rf"[^\p{{^{loose}}}k-s]"))


def matchers_with_regexps(chance: Chance) -> Iterator[str]:
    while True:
        yield as_matcher(regexp(chance), operator=chance.choice(("=~", "=~", "!~")))


def as_matcher(expression: str, *, operator: str = "=~") -> str:
    """Quoted and escaped: both parsers hand exactly this expression to the engine."""
    escaped = expression.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'foo{operator}"{escaped}"'


def regexp(chance: Chance) -> str:
    pieces = _LIKELY if chance.happens(0.4) else _PIECES
    text = "".join(chance.choice(pieces) for _ in range(1 + chance.below(5)))
    if chance.happens(0.3):
        text = f"({text})" + chance.choice(("", "*", "+", "?", "{2,3}"))
    if chance.happens(0.3):
        text += chance.choice(_REPETITIONS)
    if chance.happens(0.1):
        at = chance.below(len(text))
        text = text[:at] + text[at + 1 :]
    return text
