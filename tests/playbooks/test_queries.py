"""A query keeps every label inside its matcher, says how far back it looks, hides no answer."""

import ast
import contextlib

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from responder.playbooks.queries import BoundQuery, Query, matchers_of
from responder.playbooks.refusals import Refused
from responder.playbooks.written import Mistake

VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
HOSTILE = '"} or vector(0) or x{a="'


def bound(text: str, **labels: str) -> str:
    (query,) = Query.parse(text).bind(labels).texts
    return query


def unquoted(query: str, *, operator: str) -> str:
    """What Prometheus reads between the quotes: its escapes are those of Python's."""
    return str(ast.literal_eval(query.partition(operator)[2].removesuffix("}")))


@given(value=VALUES, quote=st.sampled_from("\"'"))
@example(value=HOSTILE, quote='"')
@example(value="\\", quote='"')
@example(value="\n\r\0\ufffd\u2028", quote="'")
@example(value="{{ window }}", quote='"')
def test_a_matcher_sees_exactly_the_label_whatever_it_holds(value: str, quote: str) -> None:
    query = bound(f"x{{a={quote}{{{{ labels.a }}}}{quote}}}", a=value)
    assert unquoted(query, operator="=") == value
    assert not {"\n", "\0", "\ufffd"} & set(query)


@given(value=VALUES, other=VALUES)
@example(value=".*", other="x")
@example(value="a|b", other="a")
@example(value="\\Q\\E", other="\\E")
def test_in_a_regular_expression_a_label_stands_for_itself(value: str, other: str) -> None:
    query = bound('x{a=~"{{ labels.a }}"}', a=value)
    pattern = re2.compile(f"(?s:{unquoted(query, operator='=~')})")
    assert pattern.fullmatch(value)
    assert bool(pattern.fullmatch(other)) == (other == value)


def test_in_a_class_of_characters_a_label_opens_no_range() -> None:
    query = bound('x{a=~"[a{{ labels.a }}]"}', a="-z")
    pattern = re2.compile(unquoted(query, operator="=~"))
    assert [letter for letter in "abz-" if pattern.fullmatch(letter)] == ["a", "z", "-"]


@given(value=VALUES)
def test_labels_are_written_as_matchers(value: str) -> None:
    matchers = matchers_of({"campaign": "x", "pool": value})
    assert matchers.startswith('campaign="x", pool="')
    assert unquoted(matchers + "}", operator="pool=") == value


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({}, "MissingLabel"),
        ({"a": ""}, "MissingLabel"),
        ({"a": "\ud800"}, "InvalidName"),
        ({"a": "x" * 2000}, "InvalidName"),
    ],
    ids=["missing", "empty", "half a surrogate pair", "too long"],
)
def test_a_label_that_can_not_be_asked_about_refuses(labels: dict[str, str], reason: str) -> None:
    with pytest.raises(Refused) as raised:
        Query.parse('x{a="{{ labels.a }}"}').bind(labels)
    assert raised.value.reason == reason


def test_the_window_is_put_in_last_and_never_into_a_label() -> None:
    query = Query.parse(
        'increase(x{a="{{ labels.a }}"}[{{ window }}]) / y offset {{ window }}'
    ).bind({"a": "{{ window }}"})
    assert query.over(90) == 'increase(x{a="{{ window }}"}[90s]) / y offset 90s'
    assert query.over(0) == query.over(1)  # a range of nothing is an error of PromQL's


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("x", 0),
        ("rate(x[{{ window }}])", 0),
        ("rate(x[5m])", 300),
        ("rate(x[1h30m]) / rate(y[15m])", 5_400),
        ("rate(x[90])", 90),
        ("x offset 0x10", 16),
        ("x offset 1_000", 1_000),
        ("rate(x[500ms])", 0.5),
        ("rate(x[5m] offset 1h)", 3_900),
        ("rate(x[5m] OFFSET 1h)", 3_900),
        ("rate(x[5m] offset -1h)", 300),
        ("max_over_time(rate(x[5m])[1h:1m])", 3_900),
        ("max_over_time((rate(x[5m]) + y)[1h:] offset 1d)", 90_300),
        ("rate(x[{{ window }}] offset 5m)", 300),
        ('rate(x{a="[9h]"}[5m]) # [10h]', 300),
        ("sum by (offset) (rate(x[5m]))", 300),
        ("sum by (offset) (rate(x[5m])) + sum by (a, offset) (rate(x[10m]))", 600),
    ],
)
def test_how_far_a_query_looks_beyond_its_window(text: str, seconds: float) -> None:
    assert Query.parse(text).reach_seconds == seconds


@pytest.mark.parametrize(
    "text",
    [
        "x > 5",
        "(x > 5)",
        "x == on (a) group_left () y",
        "5 < sum(x)",
        "x > bool 5 and y > 3",
        "sum(x) / sum(y) >= 0.05",
        "-(x != 0)",
    ],
)
def test_a_filter_that_decides_over_the_answer_is_refused_with_the_way_to_write_it(
    text: str,
) -> None:
    with pytest.raises(Mistake, match="leaves nothing when it is false") as raised:
        Query.parse(text)
    assert "bool" in raised.value.fix


@pytest.mark.parametrize(
    "text",
    [
        "x > bool 5",
        "x > BOOL 5",
        "(x > 5) or vector(0)",
        "x > 5 or vector(0)",
        "count(x > 5)",
        "sum by (a) (x > 5)",
        'x{a!="b", c=~"> 5"}',
        "x # > 5",
    ],
)
def test_what_answers_whether_true_or_false_is_no_filter(text: str) -> None:
    assert Query.parse(text).text == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("x\0", "NUL"),
        ("x" * 4_001, "longer"),
        ("x[$__range]", "range"),
        ("x + $y", "dashboard"),
        ("x[5m", "is never closed"),
        ('x{a="b}', "quote"),
        ("sum(x", "is never closed"),
        ("sum(x))", "too many"),
        ("x;y", "no PromQL"),
        ("x @ 1700000000", "fixed time"),
        ("x[5m+1m]", "range"),
        ("x[5m] offset (1h+1m)", "offset"),
        ("x[1e999]", "ten years"),
        (f"x offset 0x{'f' * 500}", "no duration"),
        (f"x[{'9' * 500}y]", "no duration"),
        ("x offset 11y", "ten years"),
        ("x offset 0xfffffffff", "ten years"),
        ("{{ labels.a }}", "outside of a matcher"),
        ("{{ labels.a }}_total", "outside of a matcher"),
        ('label_replace(x, "b", "{{ labels.a }}", "", "")', "outside of a matcher"),
        ("x{a=`{{ labels.a }}`}", "backticks"),
        ('x{a="\\{{ labels.a }}"}', "behind a backslash"),
        ('x{a=~"\\\\{{ labels.a }}"}', "behind a backslash"),
        ("x # {{ labels.a }}", "comment"),
        ("x + {{ window }}", "no duration"),
        ('x{a="{{ window }}"}', "no duration"),
        ("x{ {{ matchers }} }", "`matchers` is unknown"),
    ],
)
def test_what_can_not_be_kept_apart_or_judged_is_the_authors_mistake(text: str, words: str) -> None:
    with pytest.raises(Mistake, match=words):
        Query.parse(text)


def test_a_query_may_be_long() -> None:
    query = Query.parse('sum(rate(x{campaign="{{ labels.campaign }}"}[5m]))' + " + 0" * 500)
    assert query.labels == ("campaign",)


WORDS = st.sampled_from(
    [
        *("x", "(", ")", "{", "}", "[5m]", "[", "]", "offset", "by", "or", "and", "bool", ">"),
        *("=", "=~", "-", "@", ",", "5m", "3", "0xf", "1e999", '"a"', "'", "`", "#", "$x", "\\"),
        *("{{ labels.a }}", "{{ window }}"),
    ]
)


@given(st.lists(WORDS | st.text(max_size=3), max_size=14).map(" ".join))
def test_no_text_makes_reading_fail_otherwise_than_with_a_mistake(text: str) -> None:
    with contextlib.suppress(Mistake, Refused):
        assert isinstance(Query.parse(text).bind({"a": "x"}), BoundQuery)
