"""The API server's time, as far as the dates of its answers tell it."""

from email.utils import formatdate

import pytest

from responder.cluster.server_clock import ServerClock
from tests.cluster.clocks import Clock

SERVER = 1_800_000_000.0


def heard(*, wall: float, took: float = 0.0, date: str | None = None) -> ServerClock:
    monotonic = Clock()
    clock = ServerClock(wall=Clock(wall), monotonic=monotonic)
    sent_at = monotonic()
    monotonic.advance(took)
    clock.heard(formatdate(SERVER, usegmt=True) if date is None else date, sent_at=sent_at)
    return clock


@pytest.mark.parametrize(
    ("wall", "took", "expected"),
    [
        pytest.param(SERVER, 0.0, 0.0, id="equal"),
        pytest.param(SERVER + 0.9, 0.0, 0.0, id="within-the-second-of-a-date"),
        pytest.param(SERVER + 7.5, 0.0, 6.5, id="ahead"),
        pytest.param(SERVER - 7.5, 0.0, -7.5, id="behind"),
        pytest.param(SERVER + 7.5, 8.0, 0.0, id="a-slow-answer-is-no-skew"),
        pytest.param(SERVER + 20.0, 8.0, 11.0, id="ahead-by-more-than-the-answer-took"),
    ],
)
def test_the_skew_is_the_least_that_the_date_allows(
    wall: float, took: float, expected: float
) -> None:
    assert heard(wall=wall, took=took).skew_seconds == pytest.approx(expected)


@pytest.mark.parametrize("date", ["", "yesterday", "Tue, 99 Nov 2026 19:40:25 GMT"])
def test_what_is_no_date_is_passed_over(date: str) -> None:
    clock = heard(wall=SERVER, date=date)
    assert clock.skew_seconds is None
    assert clock.age_seconds is None
    assert clock.now_seconds is None


def test_time_runs_on_when_this_machines_clock_jumps() -> None:
    wall, monotonic = Clock(SERVER + 100.0), Clock()
    clock = ServerClock(wall=wall, monotonic=monotonic)
    clock.heard(formatdate(SERVER, usegmt=True), sent_at=monotonic())
    wall.advance(3600)
    monotonic.advance(5)
    assert clock.now_seconds == pytest.approx(SERVER + 6.0)
    assert clock.age_seconds == pytest.approx(5.0)


def test_an_answer_of_the_same_second_is_fresh_and_changes_nothing() -> None:
    wall, monotonic = Clock(SERVER + 10.0), Clock()
    clock = ServerClock(wall=wall, monotonic=monotonic)
    date = formatdate(SERVER, usegmt=True)
    clock.heard(date, sent_at=monotonic())
    monotonic.advance(0.5)
    wall.advance(0.5)
    clock.heard(date, sent_at=monotonic())
    assert clock.skew_seconds == pytest.approx(9.0)
    assert clock.age_seconds == pytest.approx(0.0)
