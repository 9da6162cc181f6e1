"""Prometheus' answers are read as they are; whatever isn't one is told as such."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.evidence.answers import (
    Answer,
    NoAnswer,
    RangeAnswer,
    Sample,
    one_value,
    read_instant,
    read_range,
)
from responder.evidence.verdict import Unknown
from tests.evidence.faults import error, vector


def data(kind: str, result: object) -> str:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})


def read(body: str, *, status: int = 200) -> Answer | NoAnswer:
    return read_instant(status, body.encode())


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (vector("5"), 5.0),
        (vector("1e-05"), 1e-05),
        (vector("-0"), 0.0),
        (data("scalar", [1700000000.5, "3"]), 3.0),
        (vector("5", infos=["metric might not be a counter"]), 5.0),
        (vector(), None),
    ],
)
def test_one_value_is_read(body: str, value: float | None) -> None:
    assert one_value(read(body)) == value


HISTOGRAM = {"metric": {}, "histogram": [1, {"count": "5", "sum": "9", "buckets": []}]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (vector("NaN"), Unknown.NOT_A_NUMBER),
        (vector("+Inf"), Unknown.NOT_A_NUMBER),
        (vector("-Inf"), Unknown.NOT_A_NUMBER),
        (data("vector", [HISTOGRAM]), Unknown.NOT_A_NUMBER),
        (vector("1", "2"), Unknown.SEVERAL_SERIES),
        (vector("1", "2", warnings=["results truncated due to limit"]), Unknown.SEVERAL_SERIES),
        (vector("1", warnings=["PromQL warning: mixed"]), Unknown.INCOMPLETE),
        (vector(warnings=["store x is unavailable"]), Unknown.INCOMPLETE),
        (data("matrix", []), Unknown.BAD_QUERY),
        (data("string", [1, "x"]), Unknown.BAD_QUERY),
        (data("vector", [{"metric": {}, "value": [1, "five"]}]), Unknown.UNREADABLE),
        (data("vector", [{"value": [1, "5"]}]), Unknown.UNREADABLE),
        (data("vector", ["5"]), Unknown.UNREADABLE),
        (data("vector", "5"), Unknown.UNREADABLE),
        (data("scalar", []), Unknown.UNREADABLE),
        (data("scalar", [1, None]), Unknown.UNREADABLE),
        (data("new", []), Unknown.UNREADABLE),
        ('{"status": "success"}', Unknown.UNREADABLE),
        ("{}", Unknown.UNREADABLE),
        ("[]", Unknown.UNREADABLE),
        ("null", Unknown.UNREADABLE),
        ("", Unknown.UNREADABLE),
        ("<html>", Unknown.UNREADABLE),
    ],
)
def test_what_is_no_number_is_unknown_and_says_why(body: str, reason: Unknown) -> None:
    found = one_value(read(body))
    assert isinstance(found, NoAnswer)
    assert found.reason is reason
    assert found.message


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, "bad_data", Unknown.BAD_QUERY),
        (422, "execution", Unknown.BAD_QUERY),
        (503, "timeout", Unknown.TIMED_OUT),
        (499, "canceled", Unknown.DOWN),
        (500, "internal", Unknown.DOWN),
        (503, "unavailable", Unknown.DOWN),
        (404, "not_found", Unknown.UNREADABLE),
        (418, "new", Unknown.UNREADABLE),
    ],
)
def test_errors_are_told_apart(status: int, kind: str, reason: Unknown) -> None:
    found = read(error(kind, "parse error at char 5"), status=status)
    assert isinstance(found, NoAnswer)
    assert found.reason is reason
    assert "parse error at char 5" in found.message


def test_a_success_under_another_status_is_none() -> None:
    assert isinstance(read(vector("5"), status=500), NoAnswer)


def test_warnings_are_kept_and_bounded() -> None:
    found = read(vector("1", warnings=["x" * 10_000] * 1000))
    assert isinstance(found, Answer)
    assert len(found.warnings) == 10
    assert all(len(text) <= 300 for text in found.warnings)


def test_a_range_is_read() -> None:
    body = data("matrix", [{"metric": {"a": "b"}, "values": [[1, "2"], [2.5, "NaN"]]}])
    found = read_range(200, body.encode())
    assert isinstance(found, RangeAnswer)
    (series,) = found.series
    assert series.labels == {"a": "b"}
    assert series.points[0] == (1.0, 2.0)
    assert math.isnan(series.points[1][1])
    for wrong in (vector("1"), data("matrix", [{"metric": {}, "values": [[1]]}])):
        refused = read_range(200, wrong.encode())
        assert isinstance(refused, NoAnswer)
        assert refused.reason is Unknown.UNREADABLE


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(
    kind=st.sampled_from(["vector", "scalar", "matrix"]), result=JSON, status=st.integers(100, 599)
)
def test_no_answer_makes_reading_raise(kind: str, result: object, status: int) -> None:
    body = data(kind, result).encode()
    assert isinstance(one_value(read_instant(status, body)), float | NoAnswer | None)
    assert isinstance(read_range(status, body), RangeAnswer | NoAnswer)


@given(st.binary(max_size=60))
def test_no_bytes_make_reading_raise(body: bytes) -> None:
    assert isinstance(read_instant(200, body), NoAnswer)


def test_labels_of_a_sample_are_kept() -> None:
    assert read(vector("5")) == Answer((Sample({"n": "0"}, 5.0),))
