import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.alerts.matchers import (
    Matcher,
    MatcherSyntaxError,
    all_match,
    compatibility_problem,
    parse_classic_matchers,
    parse_matchers,
    parse_utf8_matchers,
)

no_deadline = settings(deadline=None)  # the machine may be busy with other tests
LABELS = {"alertname": "HighBounceRate", "severity": "critical", "region.name": "Köln"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
GRAMMATICAL = st.lists(
    st.sampled_from([*"{}!=~,\\\"' \n\t\xa0ab(", "=~", "!~", "!=", '"a"', "foo", "\\n", "\ud800"])
).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('severity="critical"', True, id="equal"),
        pytest.param('severity="warning"', False, id="not-equal"),
        pytest.param('severity!="warning"', True, id="differs"),
        pytest.param('severity=~"warning|critical"', True, id="one-of"),
        pytest.param('severity=~"crit"', False, id="regexp-is-anchored"),
        pytest.param('severity=~"crit.*"', True, id="regexp"),
        pytest.param('severity!~"crit.*"', False, id="regexp-negated"),
        pytest.param('severity="critical",alertname="Other"', False, id="all-must-match"),
        pytest.param('"region.name"="Köln"', True, id="utf8-name"),
        pytest.param('campaign=""', True, id="missing-label-is-empty"),
        pytest.param('campaign!="x"', True, id="missing-label-differs"),
        pytest.param('campaign=~".*"', True, id="missing-label-matches-anything"),
        pytest.param('campaign=~".+"', False, id="missing-label-has-no-character"),
        pytest.param('campaign!~".+"', True, id="missing-label-is-not-something"),
        pytest.param("{}", True, id="no-matchers-match-everything"),
    ],
)
def test_labels_match_as_in_alertmanager(text: str, *, expected: bool) -> None:
    assert all_match(parse_matchers(text), LABELS) is expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("severity", "expected one of =, !=, =~, !~ at character 9", id="no-operator"),
        pytest.param("a=b,,c=d", "expected a label name at character 5, found ,", id="two-commas"),
        pytest.param('"a"=', "expected a value", id="no-value"),
        pytest.param('"a"="b" c', "expected a comma or the end at character 9", id="no-comma"),
        pytest.param('{"a"="b"', "expected a comma or the closing }", id="brace-not-closed"),
        pytest.param('"a"="b"}', "expected a comma or the end", id="brace-not-opened"),
        pytest.param('{"a"="b"}}', "expected nothing after the }", id="one-brace-more"),
        pytest.param('a="b', 'the " at character 3 is never closed', id="quote-not-closed"),
        pytest.param('"a"=b~', "~ at character 6 must stand within double", id="reserved"),
        pytest.param(r'"a\q"=b', r"\q is no escape; a literal backslash is", id="escape"),
        pytest.param(r'"\400"=b', r"\400 is more than one byte", id="octal"),
        pytest.param(r'"\ud800"=b', r"\ud800 is no character", id="surrogate-escape"),
        pytest.param(r'"\U00110000"=b', r"\U00110000 is no character", id="beyond-unicode"),
        pytest.param(r'"\xff"=b', "escapes don't add up to valid UTF-8", id="bytes"),
        pytest.param('"a\nb"=c', "a line break must be written as", id="line-break"),
        pytest.param("a=b\ud800", "it has half a surrogate pair", id="lone-surrogate"),
        pytest.param('a=~"["', "the regular expression is wrong: missing ]", id="regexp"),
        pytest.param(r"a=~\d+(", "the regular expression is wrong: missing )", id="classic-regexp"),
        pytest.param(r'"a"=~"(?=b)"', "invalid perl operator", id="lookahead"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_a_fix(text: str, said: str) -> None:
    with pytest.raises(MatcherSyntaxError) as caught:
        parse_matchers(text)
    (problem,) = caught.value.problems
    assert said in problem.message
    assert problem.fix


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(MatcherSyntaxError) as caught:
        parse_matchers("x" * 10_000 + '"' * 10_000)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        pytest.param("severity=~crit.*", None, id="both-agree"),
        pytest.param('"region.name"="x"', None, id="only-the-new-one"),
        pytest.param("severity", None, id="wrong-for-both"),
        pytest.param(r"path=~\d+", r'write path=~"\\d+"', id="only-the-classic-one"),
        pytest.param("{a=b", 'write a="b"', id="brace-that-only-the-classic-one-forgives"),
        pytest.param(r'a="\t",b=c', r'write a="\\t", b="c"', id="they-disagree"),
    ],
)
def test_what_a_later_alertmanager_may_refuse_is_warned_about(text: str, fix: str | None) -> None:
    problem = compatibility_problem(text)
    assert (problem and problem.fix) == fix
    assert problem is None or problem.severity == "warning"


def test_the_fix_of_a_warning_is_the_same_condition_for_both_parsers() -> None:
    text = r'a="\t",b=~c\.d,c='
    problem = compatibility_problem(text)
    assert problem is not None
    fixed = problem.fix.removeprefix("write ")
    assert parse_classic_matchers(fixed) == parse_utf8_matchers(fixed) == parse_matchers(text)


@no_deadline
@given(TEXT, st.sampled_from(["=", "!="]), TEXT)
def test_a_matcher_that_is_written_out_reads_as_itself(name: str, op: str, value: str) -> None:
    matcher = Matcher(name=name, op="=" if op == "=" else "!=", value=value)
    assert parse_matchers(str(matcher)) == (matcher,)
    assert parse_utf8_matchers(f"{{{matcher},{matcher},}}") == (matcher, matcher)


@no_deadline
@given(GRAMMATICAL | st.text(st.characters(), max_size=40))
def test_a_text_is_matchers_or_a_syntax_error_and_never_anything_else(text: str) -> None:
    for parse in (parse_matchers, parse_classic_matchers, parse_utf8_matchers):
        with contextlib.suppress(MatcherSyntaxError):
            assert all_match(parse(text), LABELS) in {True, False}


@no_deadline
@given(GRAMMATICAL | st.text(st.characters(), max_size=40))
def test_whatever_is_wrong_can_be_told_in_utf8(text: str) -> None:
    try:
        parse_matchers(text)
    except MatcherSyntaxError as error:
        told = str(error)
    else:
        return
    assert told.encode()


@no_deadline
@given(TEXT.map(lambda text: f'foo=~"{text}"'), st.text(st.characters(), max_size=20))
def test_any_value_can_be_matched_even_half_a_surrogate_pair(text: str, value: str) -> None:
    try:
        matchers = parse_matchers(text)
    except MatcherSyntaxError:
        return
    assert all_match(matchers, {"foo": value}) in {True, False}


def test_a_lone_surrogate_matches_as_the_replacement_character_that_go_reads() -> None:
    assert all_match(parse_matchers('foo=~"a\ufffd"'), {"foo": "a\ud800"})


def test_a_matcher_can_be_compared_hashed_and_shown() -> None:
    (one,), (other,) = parse_matchers('a=~"b|c"'), parse_matchers('{ a =~ "b|c" }')
    assert one == other
    assert len({one, other}) == 1
    assert repr(one) == "Matcher(name='a', op='=~', value='b|c')"
