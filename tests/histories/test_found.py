"""Histories that failed once, as short as they could be made: what they came to stays repaired."""

import pytest

from tests.histories.events import Event
from tests.histories.history import happen
from tests.histories.playbooks import NAMES


def _of(playbook: str) -> int:
    return NAMES.index(playbook)


def _event(kind: str, n: int = 0, m: int = 0, *, pause: float = 0.0) -> Event:
    return Event(kind, n, m, pause)


FOUND = {
    "armed again just after an alert had come": [
        _event("switch", pause=1.0),
        _event("fire", _of("runaway")),
        _event("arm"),
        _event("settle"),
    ],
    "the clock was put right while nothing else was asked": [
        _event("fire", _of("complaints"), pause=5.0),
        _event("responder_clock", 0, pause=5.0),
        _event("resolve", pause=1.0),
        _event("delete_incident", pause=40.0),
        _event("settle"),
    ],
    "started anew with a clock that is ahead": [
        _event("fire", _of("bounces"), pause=5.0),
        _event("resolve", pause=5.0),
        _event("responder_clock", 5),
        _event("kill", pause=20.0),
        _event("settle"),
    ],
    "a watch that lags behind a deletion": [
        _event("fire", _of("listed"), pause=20.0),
        _event("lag", 2),
        _event("delete_incident", pause=5.0),
        _event("fire", _of("complaints"), pause=20.0),
        _event("settle"),
    ],
    "nobody may hold the autoscaler any more once its workload is given back": [
        _event("edit", 2, 771),
        _event("fire", _of("stolen")),
        _event("go_on", 1, 3),
        _event("relabel", 2, 1),
        _event("settle"),
    ],
    "an outage of a minute and a half as an alert comes": [
        _event("break_watches", pause=130.0),
        _event("fire", _of("complaints")),
        _event("outage", 84, pause=130.0),
        _event("settle"),
    ],
    "the clock is set back as a step opens": [
        _event("relapse", 1, 1),
        _event("server_clock", 0),
        _event("settle"),
    ],
    "deleted by force while its status is written": [
        _event("fire", _of("watching")),
        _event("force_delete_incident", pause=20.0),
        _event("repeat"),
        _event("settle"),
    ],
}


@pytest.mark.parametrize("events", FOUND.values(), ids=FOUND.keys())
@pytest.mark.parametrize("seed", range(3))
def test_what_was_found_once_is_repaired(seed: int, events: list[Event]) -> None:
    outcome = happen(seed, events)
    assert not outcome.faults, outcome.report
