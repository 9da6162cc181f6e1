"""What was said before is answered from memory, which stays small whatever is said."""

from dataclasses import replace

import pytest

from responder.incidents.incident import AlertRecord, Statement
from responder.reconcile import repetitions
from responder.reconcile.repetitions import Repetitions
from responder.reconcile.view import IncidentKey, View
from tests.incidents.given import incident

NAME = "p-0000000000000001-1"
PLAYBOOKS: tuple[()] = ()


def with_alerts(number: int) -> View:
    said = Statement("firing", "2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z")
    alerts = {f"{at:016x}": AlertRecord({"am": said}) for at in range(number)}
    view = View()
    made = incident(name=NAME, resource_version="1")
    view.put_incident(replace(made, alerts=alerts))
    return view


def key_of(view: View) -> IncidentKey:
    (key,) = view.incidents
    return key


def test_a_repetition_is_answered_until_its_incident_changes() -> None:
    view = with_alerts(2)
    known = Repetitions(view, playbooks=lambda: PLAYBOOKS)
    known.remember(b"body", "answer", incidents=[key_of(view)])
    assert known.answer(b"body") == "answer"
    assert known.answer(b"other") is None
    view.put_incident(replace(incident(name=NAME, resource_version="2"), alerts={}))
    assert known.answer(b"body") is None


def test_incidents_with_many_alerts_leave_room_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repetitions, "_MOST_ALERTS", 100)
    view = with_alerts(30)
    known = Repetitions(view, playbooks=lambda: PLAYBOOKS)
    for number in range(5):
        known.remember(b"%d" % number, "answer", incidents=[key_of(view)])
    answers = [known.answer(b"%d" % number) for number in range(5)]
    assert answers == [None, None, "answer", "answer", "answer"]
    known.remember(b"4", "again", incidents=[key_of(view)])
    assert known.answer(b"2") == "answer", "said again it counts once"


def test_one_that_alone_is_too_large_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repetitions, "_MOST_ALERTS", 10)
    view = with_alerts(30)
    known = Repetitions(view, playbooks=lambda: PLAYBOOKS)
    known.remember(b"body", "answer", incidents=[key_of(view)])
    assert known.answer(b"body") is None
