"""What strangers say is cut to what can be stored, and never so that two become one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.incidents.bounds import (
    clip,
    kept_labels,
    kept_summary,
    kept_time,
    recognisable,
    sender_name,
    stored_bytes,
)

ANY_TEXT = st.text(max_size=300)


def as_go_stores_it(text: str) -> int:
    """etcd gets what Go's encoding/json writes: UTF-8, with <, > and & escaped."""
    told = json.dumps(text, ensure_ascii=False)
    return len(told.encode(errors="replace")) + 5 * sum(map(text.count, "<>&"))


@given(ANY_TEXT)
def test_stored_bytes_are_never_underestimated(text: str) -> None:
    assert stored_bytes(text) >= as_go_stores_it(text)
    assert stored_bytes(text) >= len(json.dumps(text))


@given(ANY_TEXT, st.integers(0, 300))
def test_clipping_keeps_the_longest_beginning_that_fits(text: str, most_bytes: int) -> None:
    kept = clip(text, most_bytes=most_bytes)
    assert text.startswith(kept)
    assert stored_bytes(kept) <= max(2, most_bytes)
    assert kept == text or stored_bytes(text[: len(kept) + 1]) > most_bytes


@given(ANY_TEXT, ANY_TEXT)
def test_senders_stay_different(one: str, other: str) -> None:
    assert (sender_name(one) == sender_name(other)) == (one == other)
    assert stored_bytes(sender_name(one)) <= 130


@given(ANY_TEXT)
def test_what_is_recognisable_stays_so(text: str) -> None:
    kept = recognisable(text, most_characters=64)
    assert len(kept) <= 64
    assert recognisable(kept, most_characters=64) == kept


@given(st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=60))
def test_labels_take_a_bounded_room(labels: dict[str, str]) -> None:
    kept = kept_labels(labels)
    assert sum(stored_bytes(key) + stored_bytes(kept[key]) for key in kept) <= 1024
    assert all(labels[key].startswith(kept[key]) for key in kept)


def test_what_names_an_alert_is_kept_first() -> None:
    """A sender with very many labels must not push out what people look for."""
    many = {f"a{number}": "x" * 100 for number in range(100)}
    kept = kept_labels(many | {"alertname": "HighBounceRate", "severity": "critical"})
    assert list(kept)[:2] == ["alertname", "severity"]


def test_usual_labels_are_kept_as_they_are() -> None:
    usual = {"alertname": "HighBounceRate", "campaign": "Frühling 🌷", "empty": "", "pod": "x-1"}
    assert kept_labels(usual) == usual


def test_a_long_summary_is_cut() -> None:
    assert kept_summary("too many bounces") == "too many bounces"
    assert 400 < len(kept_summary("x" * 5000)) < 512


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-11-24T18:00:00.123456789Z", "2026-11-24T18:00:00.123456789Z"),
        (f"2026-11-24T18:00:00.1{'0' * 100}Z", "2026-11-24T18:00:00.1Z"),
        ("soon", "soon"),
        ("x" * 100, ""),
    ],
    ids=["nanoseconds", "very many digits", "short junk", "long junk"],
)
def test_times_are_kept_as_they_were_sent(sent: str, kept: str) -> None:
    assert kept_time(sent) == kept
