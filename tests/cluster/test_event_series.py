"""What an Event says, within the server's limits, and what counts as the same again."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from responder.cluster.event_series import Series, SeriesTable, cut, micro_time, reference

AT = datetime(2026, 11, 24, 19, 40, 25, tzinfo=UTC)
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "namespace": "mail",
    "name": "sender",
    "uid": "u1",
}


def add(
    table: SeriesTable,
    *,
    note: str = "held",
    second: float = 0.0,
    regarding: dict[str, Any] | None = None,
) -> Series | None:
    return table.add(
        regarding=regarding or DEPLOYMENT,
        type="Normal",
        reason="Held",
        action="Hold",
        note=note,
        at=AT + timedelta(seconds=second),
        heard_at=second,
    )


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param(AT, "2026-11-24T19:40:25.000000Z", id="whole-second"),
        pytest.param(AT.replace(microsecond=50), "2026-11-24T19:40:25.000050Z", id="microseconds"),
        pytest.param(
            AT.astimezone(timezone(timedelta(hours=5))), "2026-11-24T19:40:25.000000Z", id="zone"
        ),
    ],
)
def test_micro_time_has_six_digits(at: datetime, expected: str) -> None:
    assert micro_time(at) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a" * 10, "a" * 10, id="fits"),
        pytest.param("a" * 11, "a" * 7 + "…", id="long"),
        pytest.param("é" * 6, "é" * 3 + "…", id="no-half-character"),
        pytest.param("\ud800", "?", id="lone-surrogate"),
    ],
)
def test_long_texts_are_cut_by_bytes(text: str, expected: str) -> None:
    assert cut(text, 10) == expected
    assert len(cut(text, 10).encode()) <= 10


def test_a_reference_has_what_describe_looks_for_and_nothing_empty() -> None:
    obj = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "mail", "name": "sender", "uid": "u1", "resourceVersion": "5"},
    }
    assert reference(obj) == DEPLOYMENT
    assert reference({"kind": "Node", "metadata": {"name": "n"}}) == {"kind": "Node", "name": "n"}


def test_the_same_again_is_counted_and_another_note_is_another_event() -> None:
    table = SeriesTable()
    first = add(table)
    assert first is not None
    assert "series" not in first.body(instance="i")
    assert add(table, second=1.5) is first
    assert add(table, note="other") is not first
    assert first.body(instance="i")["series"] == {
        "count": 2,
        "lastObservedTime": "2026-11-24T19:40:26.500000Z",
    }
    assert first.body(instance="i")["eventTime"] == "2026-11-24T19:40:25.000000Z"


def test_after_a_long_quiet_time_it_is_an_event_of_its_own() -> None:
    table = SeriesTable()
    first = add(table)
    assert add(table, second=359) is first
    assert add(table, second=359 + 359) is first
    again = add(table, second=359 + 359 + 361)
    assert again is not None
    assert again is not first
    assert (again.count, again.name) != (first.count if first else 0, first.name if first else "")


def test_one_object_gets_its_share_and_others_theirs() -> None:
    table = SeriesTable()
    given = [add(table, note=f"n{number}") for number in range(30)]
    assert [series is not None for series in given] == [True] * 25 + [False] * 5
    assert add(table, note="n3") is given[3]  # a repetition costs nothing
    assert add(table, regarding=DEPLOYMENT | {"uid": "u2"}) is not None
    assert add(table, note="n30", second=301) is not None


def test_the_tables_are_bounded() -> None:
    table = SeriesTable()
    for number in range(6000):
        add(table, regarding=DEPLOYMENT | {"uid": f"u{number}"})
    assert len(table._series) == 4096
    assert len(table._spent) == 4096


@pytest.mark.parametrize(
    "name", ["a" * 253, "a" * 235 + "." * 18, "a"], ids=["longest", "ends-in-dots", "short"]
)
def test_a_name_is_a_name_however_long_the_objects_is(name: str) -> None:
    series = add(SeriesTable(), regarding=DEPLOYMENT | {"name": name})
    assert series is not None
    assert len(series.name) <= 253
    stem, _, suffix = series.name.rpartition(".")
    assert name.startswith(stem)
    assert not stem.endswith((".", "-"))
    assert len(suffix) == 16
    first = series.name
    series.rename()
    assert series.name != first


def test_about_what_has_no_namespace_it_goes_to_default() -> None:
    series = add(SeriesTable(), regarding={"kind": "Node", "name": "n", "uid": "u"})
    assert series is not None
    assert series.namespace == "default"
