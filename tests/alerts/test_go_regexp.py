"""Where Go's regular expressions and RE2 part ways; the corpus has the many cases where not."""

import pytest

from responder.alerts.go_regexp import GoRegexpError, compile_anchored


def matches(expression: str, text: str) -> bool:
    return compile_anchored(expression).search(text.encode()) is not None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        pytest.param(r"\C", r"invalid escape sequence: \C", id="any-byte"),
        pytest.param(r"a\\\C", r"invalid escape sequence: \C", id="any-byte-after-a-backslash"),
        pytest.param("(?P<größe>a)", "invalid named capture: (?P<größe>", id="group-name"),
        pytest.param("(?<größe>a)", "invalid named capture: (?<größe>", id="short-group-name"),
        pytest.param("a{99999999999}", "invalid repeat count: {99999999999}", id="repetition"),
        pytest.param("a{2,99999999999}", "invalid repeat count", id="upper-repetition"),
        pytest.param("a{1001}", "{1001}", id="repetition-of-both-limits"),
        pytest.param(r"\p{Old_Italic}", "invalid character class range", id="script-unnameable"),
        pytest.param("\\p{Gree\u212a}", "invalid character class range", id="kelvin-sign"),
        pytest.param(r"\p{^^L}", "invalid character class range", id="negated-twice"),
        pytest.param("(" * 1001 + ")" * 1001, "nests too deeply", id="depth"),
        pytest.param(r"\pL{1000}" * 20, "pattern too large", id="size"),
        pytest.param("a(", "missing )", id="refused-by-both"),
    ],
)
def test_what_go_refuses_is_refused(expression: str, said: str) -> None:
    with pytest.raises(GoRegexpError) as caught:
        compile_anchored(expression)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "matching", "other"),
    [
        pytest.param(r"\\C", "\\C", "x", id="escaped-backslash-before-C"),
        pytest.param(r"\Q\C\E", "\\C", "x", id="quoted-C"),
        pytest.param(r"[\\C]", "C", "x", id="C-in-brackets"),
        pytest.param("[{99999999999}]", "9", "x", id="repetition-in-brackets"),
        pytest.param(r"\x{10000}", "\U00010000", "x", id="code-point-that-looks-like-repetition"),
        pytest.param("[(?P<größe>]", "ö", "x", id="group-in-brackets"),
        pytest.param(r"\p{greek}", "λ", "l", id="class-in-lower-case"),
        pytest.param(r"\p{cased-letter}", "l", "1", id="class-by-long-name"),
        pytest.param(r"\P{ Uppercase_Letter }", "l", "L", id="class-negated"),
        pytest.param(r"\p{^Lu}", "l", "L", id="class-negated-by-circumflex"),
        pytest.param(r"\pC", "\u0378", "a", id="unassigned-is-in-C"),
        pytest.param(r"\PC", "a", "\u0378", id="unassigned-is-not-outside-C"),
        pytest.param(r"[\pCx]", "\u0378", "a", id="unassigned-is-in-C-in-brackets"),
        pytest.param(r"[^\p{Cn}x]", "a", "x", id="not-unassigned"),
        pytest.param(r"[^\P{LC}l]", "L", "l", id="cased-but-one"),
        pytest.param(r"[\P{ASCII}]", "\u017f", "s", id="long-s-is-not-ASCII"),
        pytest.param(r"(?i)[\P{ASCII}]", "é", "\u017f", id="long-s-is-an-s-ignoring-case"),
        pytest.param(r"(?i:[\P{ASCII}])", "é", "\u017f", id="flag-of-a-group"),
        pytest.param(r"(?i)((?-i)[\P{ASCII}])", "\u017f", "s", id="flag-cleared-in-a-group"),
        pytest.param(r"((?i)a)[\P{ASCII}]", "A\u017f", "As", id="flag-ends-with-its-group"),
        pytest.param(r"a)|(?:(?i)[\P{ASCII}]", "xé", "x\u017f", id="stray-parentheses"),
        pytest.param("a)|(?:b", "ax", "xa", id="stray-parentheses-undo-the-anchors"),
        pytest.param("[]a]", "]", "b", id="bracket-in-brackets"),
        pytest.param(r"[]-\x{5F}]", "^", "a", id="range-from-a-bracket"),
        pytest.param(r"[a-]\pC", "-\u0378", "-a", id="dash-before-the-closing-bracket"),
        pytest.param(r"[A-\132-\pC]", "\u0378", "a", id="class-after-an-octal-range"),
        pytest.param(r"[A-\x{5A}-\pC]", "\u0378", "a", id="class-after-a-hexadecimal-range"),
        pytest.param(r"(?i-i)[\P{ASCII}]", "\u017f", "s", id="flag-set-and-cleared-at-once"),
        pytest.param("a.b", "a b", "a\nb", id="dot-is-no-line-break"),
        pytest.param(r"\d", "1", "\u0661", id="digits-are-ASCII"),
    ],
)
def test_what_go_accepts_matches_the_same(expression: str, matching: str, other: str) -> None:
    assert matches(expression, matching)
    assert not matches(expression, other)


def test_an_expression_beyond_usual_memory_compiles_as_in_go() -> None:
    expression = "(?:" + "abcd" * 125 + "){1000}"
    assert matches(expression, "abcd" * 125_000)
    assert not matches(expression, "abcd" * 125_001)


def test_a_hostile_value_takes_linear_time() -> None:
    """With backtracking, this one would outlast the test run."""
    assert not matches("(a*)*(a|aa)*(a?){100}b", "a" * 100_000)


def test_half_a_surrogate_pair_matches_nothing() -> None:
    """In Go it may match U+FFFD, depending on which of its engines runs: not imitated."""
    assert not matches(r"\x{D800}", "\ufffd")


def test_characters_of_the_newest_unicode_are_known() -> None:
    """CJK extension I is of Unicode 15.1, one ahead of Go 1.26: not imitated."""
    assert matches(r"\p{Han}", "\U0002ebf0")


def test_a_wrong_expression_is_not_logged_by_the_engine(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(GoRegexpError):
        compile_anchored("(?:unclosed")
    assert capfd.readouterr() == ("", "")
