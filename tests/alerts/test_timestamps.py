import datetime as dt
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from responder.alerts.timestamps import RFC3339_PATTERN, ZERO_TIME, ns_to_rfc3339, rfc3339_to_ns
from responder.errors import BadInput

no_deadline = settings(deadline=None)  # the machine may be busy with other tests
FIRST = rfc3339_to_ns("0000-01-01T00:00:00Z")
LAST = rfc3339_to_ns("9999-12-31T23:59:59.999999999Z")
SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        pytest.param("1970-01-01T00:00:00Z", 0, id="epoch"),
        pytest.param("1970-01-01T00:00:00.000000001Z", 1, id="one-nanosecond"),
        pytest.param("1969-12-31T23:59:59.999999999Z", -1, id="before-the-epoch"),
        pytest.param("2026-11-24T18:00:00.123456789Z", 1_795_543_200_123_456_789, id="nanoseconds"),
        pytest.param("2026-11-24T18:00:00.5Z", 1_795_543_200_500_000_000, id="one-digit"),
        pytest.param("2026-11-24T20:00:00+02:00", 1_795_543_200 * SECOND, id="east"),
        pytest.param("2026-11-24T12:30:00-05:30", 1_795_543_200 * SECOND, id="west"),
        pytest.param("2026-11-24T18:00:00+00:00", 1_795_543_200 * SECOND, id="no-offset"),
        pytest.param("2024-02-29T00:00:00Z", 1_709_164_800 * SECOND, id="leap-day"),
        pytest.param("2000-02-29T00:00:00Z", 951_782_400 * SECOND, id="leap-day-of-a-century"),
        pytest.param(ZERO_TIME, -62_135_596_800 * SECOND, id="zero-time-of-go"),
        pytest.param("1970-01-01T00:00:00.0000000019Z", 1, id="tenth-digit-is-cut-off"),
        pytest.param("0000-01-01T00:00:00+01:00", FIRST, id="not-before-the-first"),
        pytest.param("9999-12-31T23:59:59-01:00", LAST, id="not-after-the-last"),
    ],
)
def test_a_time_is_read_to_the_nanosecond(text: str, ns: int) -> None:
    assert rfc3339_to_ns(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-24",
        "2026-11-24T18:00:00",
        "2026-11-24 18:00:00Z",
        "2026-11-24T18:00Z",
        "2026-11-24T18:00:00.Z",
        "2026-11-24T18:00:00,5Z",
        "2026-11-24T18:00:00z",
        "2026-11-24T18:00:00+0200",
        "2026-11-24T18:00:00+24:00",
        "2026-11-24T24:00:00Z",
        "2026-11-24T18:60:00Z",
        "2026-11-24T18:00:60Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-11-24T18:00:00Z\n",
        " 2026-11-24T18:00:00Z",
        "-026-11-24T18:00:00Z",
        "12026-11-24T18:00:00Z",
        "\u0662026-11-24T18:00:00Z",
    ],
)
def test_what_is_no_time_is_refused_with_the_fix(text: str) -> None:
    with pytest.raises(BadInput, match="write it as 0001-01-01T00:00:00Z"):
        rfc3339_to_ns(text)


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(BadInput) as caught:
        rfc3339_to_ns("9" * 10_000)
    assert len(str(caught.value)) < 200


@no_deadline
@given(st.integers(min_value=FIRST, max_value=LAST))
def test_every_instant_survives_being_written_and_read(ns: int) -> None:
    assert rfc3339_to_ns(ns_to_rfc3339(ns)) == ns


@no_deadline
@given(st.datetimes(timezones=st.timezones()))
def test_the_calendar_is_the_one_of_datetime(moment: dt.datetime) -> None:
    offset = moment.utcoffset() or dt.timedelta()
    if offset.total_seconds() % 60:
        return  # local mean times of the past: RFC 3339 cannot write their offset
    since_epoch = moment.replace(tzinfo=None) - offset - dt.datetime(1970, 1, 1)  # noqa: DTZ001
    expected = (since_epoch // dt.timedelta(microseconds=1)) * 1000
    assert rfc3339_to_ns(moment.isoformat()) == min(max(expected, FIRST), LAST)


@no_deadline
@given(st.dates())
def test_every_day_of_the_calendar_exists(day: dt.date) -> None:
    text = f"{day.isoformat()}T00:00:00Z"
    assert ns_to_rfc3339(rfc3339_to_ns(text)) == text


@no_deadline
@given(
    st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z\Z")
    | st.text(max_size=30)
)
def test_whatever_is_read_can_be_written_and_nothing_else_escapes(text: str) -> None:
    try:
        ns = rfc3339_to_ns(text)
    except BadInput:
        assert not re.search(RFC3339_PATTERN.removesuffix("$") + r"\Z", text)
        return
    assert rfc3339_to_ns(ns_to_rfc3339(ns)) == ns


@pytest.mark.parametrize("ns", [FIRST - 1, LAST + 1], ids=["before", "after"])
def test_an_instant_that_rfc_3339_cannot_write_is_refused(ns: int) -> None:
    with pytest.raises(ValueError, match="outside the years 0000 to 9999"):
        ns_to_rfc3339(ns)
