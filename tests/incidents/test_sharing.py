"""Equal strings of many incidents are one in memory; the JSON stays as it was."""

import json

import pytest

from responder.incidents import sharing
from responder.incidents.sharing import shared
from responder.incidents.stored import body_of, read_incident
from tests.incidents.given import cooling


def test_the_json_stays_as_it_was() -> None:
    told = {"a": [1, None, True, 2.5, "x", {"x": "a", "": []}], "b": {}}
    assert shared(told) == told


def test_what_two_incidents_say_alike_is_once_in_memory() -> None:
    text = json.dumps({**body_of(cooling()), "status": cooling().status.to_json()})
    one, other = (read_incident(json.loads(text)) for _ in range(2))
    assert one == other
    assert one.mode is other.mode
    assert one.status.message is other.status.message
    assert [*map(id, one.alerts)] == [*map(id, other.alerts)]


def test_what_is_nested_too_deep_is_given_as_it_is() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shared({"limit": deep})["limit"] is deep


def test_what_is_long_is_not_remembered() -> None:
    text = "x" * 100_000
    assert shared([text]) == [text]
    assert text not in sharing._STRINGS


def test_no_more_than_the_last_ones_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_MOST", 3)
    assert shared([f"{number}" for number in range(10)]) == [f"{number}" for number in range(10)]
    assert len(sharing._STRINGS) <= 3
