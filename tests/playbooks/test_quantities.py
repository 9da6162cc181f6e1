"""Durations are Prometheus', shares carry their percent sign, thresholds are either or a number."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from responder.playbooks.quantities import Duration, PartialShare, Share, Threshold
from responder.playbooks.written import Mistake


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("30m", 1_800),
        ("1h30m", 5_400),
        ("1d", 86_400),
        ("1w2d", 777_600),
        ("90m", 5_400),
        ("1y", 31_536_000),
        ("365d", 31_536_000),
        ("1d1h1m1s", 90_061),
    ],
)
def test_durations_are_read_as_prometheus_reads_them(text: str, seconds: int) -> None:
    duration = Duration.parse(text)
    assert (duration.seconds, duration.written) == (seconds, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "m",
        "1.5h",
        "-1h",
        "30m1h",
        "1h 30m",
        "500ms",
        "1H",
        "366d",
        "\u0663m",
        "1h\n",
        "9" * 30,
    ],
)
def test_what_is_no_duration_is_a_mistake(text: str) -> None:
    with pytest.raises(Mistake):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "ratio"), [("0%", 0.0), ("50%", 0.5), ("2.5%", 0.025), ("0.01%", 0.0001), ("100%", 1)]
)
def test_a_share_is_read_exactly(text: str, ratio: float) -> None:
    assert Share.parse(text).ratio == ratio


@pytest.mark.parametrize(
    "text", ["50", "0.5", "%", "50 %", "-5%", "101%", "1e1%", "\u0665\u0660%", "50%\n"]
)
def test_what_is_no_percentage_is_a_mistake(text: str) -> None:
    with pytest.raises(Mistake):
        Share.parse(text)


@pytest.mark.parametrize(
    ("given_value", "fix"),
    [
        (0.5, "write `50%`"),
        (50, "write `50%`"),
        (0.025, "write `2.5%`"),
        (1, "write it like `50%`"),
    ],
)
def test_a_bare_number_is_refused_with_the_share_it_may_have_meant(
    given_value: float, fix: str
) -> None:
    assert Share.misfit(given_value).fix == fix


@pytest.mark.parametrize("text", ["0%", "0.0%", "100%", "100.0%"])
def test_a_limit_that_is_a_pause_or_none_at_all_is_a_mistake(text: str) -> None:
    with pytest.raises(Mistake):
        PartialShare.parse(text)


@pytest.mark.parametrize(
    ("written", "value"), [("10%", 0.1), (600, 600.0), (0.25, 0.25), (-3, -3.0)]
)
def test_a_threshold_is_a_percentage_or_a_number(written: object, value: float) -> None:
    threshold = Threshold.read(written)
    assert (threshold.value, threshold.written) == (value, written)


@pytest.mark.parametrize("written", [True, "10", None, [], float("nan"), float("inf"), 2**70])
def test_what_no_query_answers_is_no_threshold(written: object) -> None:
    with pytest.raises(PydanticCustomError):
        Threshold.read(written)


@pytest.mark.parametrize("kind", [Duration, Share])
@given(text=st.text(alphabet="0123456789ywdhms%. ", max_size=12))
def test_the_schema_and_the_reader_agree_on_the_form(
    kind: type[Duration] | type[Share], text: str
) -> None:
    fits = re.search(kind.json_schema["pattern"], text) is not None
    try:
        kind.parse(text)
    except Mistake as mistake:
        too_much = "longer than" in mistake.message or "more than" in mistake.message
        assert not fits or too_much  # a pattern can't count
    else:
        assert fits
