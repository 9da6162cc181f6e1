"""Thousands of texts: what Alertmanager's own code made of them, and what ours makes of them."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest

from responder.alerts.matchers import (
    Matcher,
    MatcherSyntaxError,
    all_match,
    compatibility_problem,
    parse_classic_matchers,
    parse_matchers,
    parse_utf8_matchers,
)
from tests.alerts.corpus.recording import (
    Corpus,
    Triple,
    Verdict,
    ask_alertmanager,
    load,
    recorded_lines,
)

LEAST_TEXTS = 8000
MOST_SHOWN = 20


class Ours(NamedTuple):
    """What our code makes of one text of the corpus."""

    text: str
    classic: list[Triple] | None
    utf8: list[Triple] | None
    default: list[Triple] | None
    matched: str
    warned: bool


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load()


@pytest.fixture(scope="module")
def compared(corpus: Corpus) -> list[tuple[Verdict, Ours]]:
    """Every text, judged by Alertmanager and by us; in one go, as compiling takes the time."""
    return [
        (verdict, ours(verdict.text, corpus.label_sets))
        for verdict in corpus.verdicts
        if verdict.text is not None
    ]


def ours(text: str, label_sets: list[dict[str, str]]) -> Ours:
    try:
        matchers = parse_matchers(text)
    except MatcherSyntaxError:
        matched = ""
    else:
        matched = "".join("1" if all_match(matchers, labels) else "0" for labels in label_sets)
    return Ours(
        text=text,
        classic=parsed(parse_classic_matchers, text),
        utf8=parsed(parse_utf8_matchers, text),
        default=parsed(parse_matchers, text),
        matched=matched,
        warned=compatibility_problem(text) is not None,
    )


def parsed(parse: Callable[[str], tuple[Matcher, ...]], text: str) -> list[Triple] | None:
    try:
        return [(matcher.name, matcher.op, matcher.value) for matcher in parse(text)]
    except MatcherSyntaxError:
        return None


def test_the_corpus_is_large_and_has_every_kind_of_verdict(
    corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [verdict for verdict in corpus.verdicts if verdict.text is not None]
    kinds = Counter(kind(verdict) for verdict in texts)
    with capsys.disabled():
        counted = ", ".join(f"{number} {name}" for name, number in sorted(kinds.items()))
        lists = len(corpus.verdicts) - len(texts)
        tried = sum(len(verdict.matched) for verdict in corpus.verdicts)
        told = f"{len(texts)} texts ({counted}), {lists} lists, {tried} matches"
        print(f"\nmatcher corpus: {told}")  # noqa: T201 - so that a shrinking corpus is seen
    assert len({verdict.text for verdict in texts}) == len(texts) >= LEAST_TEXTS
    assert min(kinds.values()) >= 50
    assert len(kinds) == 5


def kind(verdict: Verdict) -> str:
    match verdict:
        case Verdict(classic=None, utf8=None):
            return "refused"
        case Verdict(classic=None):
            return "UTF-8 only"
        case Verdict(utf8=None):
            return "classic only"
        case _:
            return "agreed" if verdict.classic == verdict.utf8 else "disagreed"


def test_every_parser_accepts_refuses_and_reads_as_alertmanager_does(
    compared: list[tuple[Verdict, Ours]],
) -> None:
    differences = [
        (theirs, our)
        for theirs, our in compared
        if (our.classic, our.utf8, our.default) != (theirs.classic, theirs.utf8, theirs.default)
    ]
    assert differences[:MOST_SHOWN] == []


def test_every_matcher_matches_what_it_matches_in_alertmanager(
    corpus: Corpus, compared: list[tuple[Verdict, Ours]]
) -> None:
    differences = [
        (our.text, labels)
        for theirs, our in compared
        if theirs.default is not None
        for labels, bit, our_bit in zip(corpus.label_sets, theirs.matched, our.matched, strict=True)
        if bit != our_bit
    ]
    assert differences[:MOST_SHOWN] == []


def test_a_warning_is_given_exactly_where_alertmanager_logs_one(
    compared: list[tuple[Verdict, Ours]],
) -> None:
    differences = [
        our.text
        for theirs, our in compared
        if our.warned != (kind(theirs) in {"classic only", "disagreed"})
    ]
    assert differences[:MOST_SHOWN] == []


def test_a_list_in_a_configuration_is_its_lines_one_after_the_other(corpus: Corpus) -> None:
    """Alertmanager sorts them by name, which changes nothing as all of them must match."""
    lists = [verdict for verdict in corpus.verdicts if verdict.text is None]
    assert len(lists) >= 100
    for verdict in lists:
        each = [parsed(parse_matchers, line) for line in verdict.lines]
        if verdict.default is None:
            assert None in each, verdict.lines
        else:
            ours = [matcher for line in each for matcher in line or ()]
            assert None not in each, verdict.lines
            assert sorted(ours) == sorted(verdict.default)


def test_what_is_recorded_is_what_alertmanager_says() -> None:
    """Where Go is missing this can't be asked; a build that says it is complete may not miss it."""
    go = shutil.which("go")
    if go is None:
        if os.environ.get("CI"):
            pytest.fail("Go is missing, and CI is set: nobody vouches for the recorded verdicts")
        pytest.skip("Go is missing: the recorded verdicts are taken at their word")
    assert ask_alertmanager(go=go) == recorded_lines()
