"""How transitions are told: times, the bounded timeline, and texts that fit the resource."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from responder.incidents.policy import Resume
from responder.incidents.status import FIRST_TIMELINE, MOST_TIMELINE, Entry
from responder.incidents.transitions import moment, noted, read_moment
from tests.incidents.given import advanced, alerts, at, incident, told_at


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (told_at(0), at(0)),
        ("2026-11-24T18:00:00Z", at(0)),
        ("2026-11-24T19:00:00+01:00", at(0)),
        ("2026-11-24T18:00:00", at(0)),
        ("", None),
        ("soon", None),
    ],
    ids=["ours", "whole seconds", "offset", "no zone: UTC", "nothing", "junk"],
)
def test_stored_times_are_read_and_compare(text: str, read: datetime | None) -> None:
    assert read_moment(text) == read


def test_times_are_written_as_kubernetes_micro_time() -> None:
    """Exactly six digits and Z, else the API server answers 400."""
    local = datetime(2026, 11, 24, 19, tzinfo=timezone(timedelta(hours=1)))
    assert moment(local) == "2026-11-24T18:00:00.000000Z"
    assert moment(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000001Z"


def test_of_a_long_timeline_the_beginning_and_the_end_are_kept() -> None:
    timeline: tuple[Entry, ...] = ()
    for number in range(500):
        timeline = noted(timeline, Entry(time=told_at(number), what=str(number)))
    told = [int(entry.what) for entry in timeline]
    newest = MOST_TIMELINE - FIRST_TIMELINE
    assert told == [*range(FIRST_TIMELINE), *range(500 - newest, 500)]


def test_a_long_story_is_cut_to_what_the_resource_takes() -> None:
    told = Resume(needs_person=("x" * 1024,) * 16)
    waits = advanced(incident(alerts=alerts(resolve=1), resume=told))
    assert len(waits.status.message) < 4096
    assert len(waits.status.timeline[-1].why) < 4096
