"""No window reaches before the last resume, and none is asked about that can't hold two samples."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.evidence.windows import ahead_seconds, window_seconds
from responder.playbooks.queries import BoundQuery, Query

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
RANGE = Query.parse("increase(x[{{ window }}])").bind({})


def window(
    *queries: BoundQuery, wanted: int = 3600, passed: float | None = None, least: float = 120
) -> int | None:
    return window_seconds(
        wanted_seconds=wanted,
        queries=queries,
        now=NOW,
        since=None if passed is None else NOW - timedelta(seconds=passed),
        least_seconds=least,
    )


@pytest.mark.parametrize(
    ("query", "passed", "expected"),
    [
        ("increase(x[{{ window }}])", None, 3600),
        ("increase(x[{{ window }}])", 86_400, 3600),
        ("increase(x[{{ window }}])", 900.9, 900),
        ("increase(x[{{ window }}])", 120, 120),
        ("increase(x[{{ window }}])", 119.9, None),
        ("increase(x[{{ window }}])", 0, None),
        ("increase(x[{{ window }}])", -5, None),
        ("increase(x[{{ window }}] offset 5m)", 900, 600),
        ("increase(x[{{ window }}] offset 5m)", 419, None),
        ("increase(x[15m])", None, 0),
        ("increase(x[15m])", 899, None),
        ("increase(x[15m])", 900, 0),
        ("x", 119, None),
        ("x", 120, 0),
    ],
)
def test_a_window_starts_after_the_last_resume(
    query: str, passed: float | None, expected: int | None
) -> None:
    assert window(Query.parse(query).bind({}), passed=passed) == expected


def test_a_window_that_is_meant_to_be_short_has_to_be_whole() -> None:
    assert window(RANGE, wanted=60, passed=59) is None
    assert window(RANGE, wanted=60, passed=60) == 60


def test_the_query_that_reaches_furthest_decides_for_all() -> None:
    other = Query.parse("increase(y[{{ window }}] offset 10m)").bind({})
    assert window(RANGE, other, passed=900) == 300


@given(
    wanted=st.integers(1, 10**6),
    passed=st.floats(-100, 10**6),
    least=st.floats(0, 1000),
    reach=st.floats(0, 10**5),
)
def test_whatever_is_asked_it_looks_at_nothing_before_the_resume(
    wanted: int, passed: float, least: float, reach: float
) -> None:
    query = BoundQuery(texts=("x[", "]"), reachSeconds=reach)
    found = window(query, wanted=wanted, passed=passed, least=least)
    if found is not None:
        assert 1 <= found <= wanted
        assert found + reach <= passed + 1e-5  # of a timedelta's microseconds
        assert found >= min(least, wanted)


@pytest.mark.parametrize(
    ("second", "took", "ahead"),
    [
        (0, 0.0, 0),  # cut from anything up to :01
        (59, 0.0, 59),
        (20, 30.0, 0),  # it was answered at last
        (40, 30.0, 10),
    ],
)
def test_how_far_a_clock_is_ahead(second: int, took: float, ahead: float) -> None:
    date = f"Tue, 24 Nov 2026 18:00:{second:02d} GMT"
    assert ahead_seconds(date, asked_at=NOW, took_seconds=took) == ahead


def test_how_far_a_clock_is_behind_and_dates_that_are_none() -> None:
    behind = "Tue, 24 Nov 2026 17:59:50 GMT"
    assert ahead_seconds(behind, asked_at=NOW, took_seconds=30) == -9
    for date in ("", "some day", "Tue, 24 Nov 2026 17:59:50 -0000"):
        assert ahead_seconds(date, asked_at=NOW, took_seconds=0) == 0
