"""What is missing never counts, and what counts the events has to be there to call them none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.evidence.answers import NoAnswer
from responder.evidence.loading import load_metrics
from responder.evidence.measuring import Value, found
from responder.evidence.questions import Question, bind
from responder.evidence.verdict import Truth, Unknown
from responder.playbooks.resume import Evidence

METRICS = load_metrics(Path(__file__).parents[2] / "rules" / "metrics").metrics
DOWN = NoAnswer(Unknown.DOWN, "connection refused", ("w",))


def question(**asked: str | float) -> Question:
    bound = bind(Evidence.model_validate(asked), {"campaign": "x"}, metrics=METRICS)
    assert isinstance(bound, Question)
    return bound


BELOW = question(metric="bounce-rate", max="5%")
ABOVE = question(metric="bounce-rate", min="10%")
BLOCKS = question(metric="block-count", max=5)
ATTEMPTS = question(metric="attempts", min=1)
RAW = question(query="x")


@pytest.mark.parametrize(
    ("asked", "events", "total", "reported", "expected"),
    [
        (BELOW, 2.0, 1000.0, 7.0, Truth.YES),
        (BELOW, None, 1000.0, 7.0, Truth.YES),  # none happened, and somebody counts
        (BELOW, None, 1000.0, 0.0, Truth.YES),
        (BELOW, 200.0, 1000.0, 7.0, Truth.NO),
        (BELOW, 200.0, 1000.0, None, Truth.NO),  # what was counted before stays too much
        (BELOW, 200.0, 1000.0, DOWN, Truth.NO),
        (ABOVE, 200.0, 1000.0, None, Truth.YES),
        (ABOVE, None, 1000.0, 7.0, Truth.NO),
        (BLOCKS, None, 50.0, 7.0, Truth.YES),
        (BLOCKS, 9.0, 0.0, 7.0, Truth.NO),
        (ATTEMPTS, 0.0, None, None, Truth.NO),
        (ATTEMPTS, 5.0, None, None, Truth.YES),
        (RAW, 0.0, None, None, Truth.NO),
        (RAW, -4.0, None, None, Truth.YES),
    ],
)
def test_what_was_measured_is_judged(
    asked: Question, events: Value, total: Value, reported: Value, expected: Truth
) -> None:
    assert found(asked, events, total, reported)[0].truth is expected


@pytest.mark.parametrize(
    ("asked", "values", "reason", "words"),
    [
        (BELOW, (None, 1000.0, None), Unknown.NO_DATA, "`events` gives no series"),
        (BELOW, (None, 1000.0, DOWN), Unknown.DOWN, "`events` connection refused"),
        (BELOW, (2.0, 1000.0, None), Unknown.NO_DATA, "`reported` gives no series"),
        (BELOW, (2.0, 1000.0, DOWN), Unknown.DOWN, "`reported` connection refused"),
        (BELOW, (2.0, None, 7.0), Unknown.NO_DATA, "`total` gives no series"),
        (BELOW, (2.0, DOWN, 7.0), Unknown.DOWN, "`total` connection refused"),
        (BELOW, (DOWN, 1000.0, 7.0), Unknown.DOWN, "`events`"),
        (BELOW, (-1.0, 1000.0, 7.0), Unknown.NOT_A_NUMBER, "less than nothing"),
        (BELOW, (0.0, 0.0, 7.0), Unknown.TOO_FEW_SENDS, "fewer than 200 sends"),
        (ABOVE, (2.0, 1000.0, None), Unknown.NO_DATA, "`reported`"),
        (ATTEMPTS, (None, None, None), Unknown.NO_DATA, "`events`"),
        (BLOCKS, (None, 3.0, 7.0), Unknown.TOO_FEW_SENDS, "fewer than 20"),
        (RAW, (None, None, None), Unknown.NO_DATA, "gives no series"),
    ],
)
def test_what_is_missing_is_unknown_and_named(
    asked: Question, values: tuple[Value, Value, Value], reason: Unknown, words: str
) -> None:
    finding, _ = found(asked, *values)
    assert finding.reason is reason
    assert words in finding.message


def test_warnings_come_along() -> None:
    assert found(BELOW, 2.0, DOWN, 7.0)[1] == ("w",)


VALUES = st.none() | st.just(DOWN) | st.floats(allow_nan=False, allow_infinity=False)


@given(
    asked=st.sampled_from([BELOW, ABOVE, BLOCKS, ATTEMPTS, RAW]),
    events=VALUES,
    total=VALUES,
    reported=VALUES,
)
def test_nothing_healthy_is_ever_found_where_a_number_is_missing(
    asked: Question, events: Value, total: Value, reported: Value
) -> None:
    finding, _ = found(asked, events, total, reported)
    healthy = Truth.YES if asked.bound == "max" else Truth.NO
    if finding.truth is healthy:
        assert isinstance(events, float) or (events is None and asked.reported is not None)
        assert isinstance(total, float) or asked.total is None
        assert isinstance(reported, float) or asked.reported is None
