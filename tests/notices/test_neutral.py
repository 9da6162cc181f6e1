"""Whatever a stranger wrote becomes one bounded line of harmless text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.notices.neutral import LONGEST_VALUE, clipped, lines_within, neutral

HOSTILE = {
    "a second message": ("sale\n\nRESOLVED: all is well", "sale RESOLVED: all is well"),
    "a carriage return": ("bad\rgood", "bad good"),
    "unicode line ends": ("a\u2028b\u2029c\x85d", "a b c d"),
    "a terminal's colours": ("\x1b[31mred", "\\x1b[31mred"),
    "bidi override": ("sale\u202egnp.exe", "sale\\u202egnp.exe"),
    "zero width": ("pay\u200bpal", "pay\\u200bpal"),
    "a tag character": ("a\U000e0041", "a\\U000e0041"),
    "a lone surrogate": ("a\ud800b", "a\\ud800b"),
    "everyone": ("@everyone", "\uff20everyone"),
    "slack's channel": ("<!channel> <@U12345>", "\u2039!channel\u203a \u2039\uff20U12345\u203a"),
    "html": ("<b onclick=x>", "\u2039b onclick=x\u203a"),
    "the end of a code span": ("`*bold*`", "'*bold*'"),
    "a link": ("http://evil.example/x", "http[:]//evil.example/x"),
    "a markdown link": ("[click](javascript:x)", "[click] (javascript:x)"),
    "a spoiler": ("||hidden||", "| |hidden| |"),
    "a heap of marks": ("a" + "\u0301" * 50, "a\u0301\u0301"),
    "what is meant": ("Früh­jahr 12 % (Gmail) 春のセール", None),
}


@pytest.mark.parametrize(("text", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_made_harmless(text: str, expected: str | None) -> None:
    assert neutral(text) == (text.replace("\u00ad", "\\xad") if expected is None else expected)


def test_ten_thousand_letters_become_few_and_it_is_seen() -> None:
    for long in ("x" * 10_000, "\u0301" * 10_000, " " * 10_000, "\u202e" * 10_000):
        assert len(neutral(long)) <= LONGEST_VALUE
        assert neutral(long).endswith("\u2026")
    assert neutral("x" * LONGEST_VALUE) == "x" * LONGEST_VALUE


@given(st.text(max_size=300), st.integers(1, 250))
def test_any_text_is_one_bounded_printable_line(text: str, most: int) -> None:
    told = neutral(text, most=most)
    assert len(told) <= most
    assert told.isprintable()
    assert not set(told) & set("@<>`\n")
    assert "://" not in told
    marks = [unicodedata.category(char) in {"Mn", "Me"} for char in told]
    assert not any(all(marks[at : at + 3]) for at in range(len(marks) - 2))


@given(st.text(alphabet="ab\n", max_size=80), st.integers(1, 40))
def test_what_is_cut_keeps_its_beginning(text: str, most: int) -> None:
    for cut in (clipped(text, most=most), lines_within(text, most=most)):
        assert len(cut) <= most
        assert cut == text or text.startswith(cut[:-1].rstrip("\n"))
