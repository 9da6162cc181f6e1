"""The auditor knows what a step lets through and what a stage holds: what goes beyond is found."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from responder.sandbox.audit import never_looser, never_stricter
from tests.auditor.auditor import Auditor
from tests.auditor.conftest import PAUSE, Rogue, scale
from tests.auditor.test_planted import found

STEPS: Final = {
    "resume": {
        "afterSeconds": 0,
        "steps": [
            {"share": 0.1, "forSeconds": 60, "sends": 1},
            {"share": 0.5, "forSeconds": 60, "sends": 1},
        ],
    }
}


def stage(*asks: dict[str, Any]) -> dict[str, Any]:
    return {"stages": [{"when": {"unknown": "Down"}, "plan": list(asks)}]}


def step(rogue: Rogue, incident: str, number: int) -> None:
    rogue.decide(incident, phase="Ramping", ramp={"step": number})


def relapse(rogue: Rogue, incident: str) -> None:
    """A step counts only while it ramps, whatever is left of it."""
    rogue.decide(incident, phase="Holding")


def a_workload_comes_back_in_steps(rogue: Rogue) -> None:
    """Of 8 a tenth is 1, and a half 4."""
    name = rogue.open_incident(scale(0), **STEPS)
    rogue.hold(0)
    for number, replicas in ((1, 1), (2, 4)):
        step(rogue, name, number)
        rogue.hold(replicas)
    relapse(rogue, name)
    rogue.hold(0)
    rogue.let_go(name)
    rogue.give_back(8)
    rogue.close(name)


def a_campaign_comes_back_in_steps(rogue: Rogue) -> None:
    name = rogue.open_incident(PAUSE, **STEPS)
    rogue.document(0.0)
    for number, share in ((1, 0.1), (2, 0.5)):
        step(rogue, name, number)
        rogue.document(share)
    relapse(rogue, name)
    rogue.document(0.0)


def a_stage_is_not_reached(rogue: Rogue) -> None:
    rogue.open_incident(scale(4), **stage(scale(1)))
    rogue.hold(4)


def a_stage_is_held(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(4), **stage(scale(1)))
    rogue.hold(4)
    rogue.decide(name, phase="Holding", stages=[0])
    rogue.hold(1)


def a_proposal_is_not_held(rogue: Rogue) -> None:
    approve = {"at": "2026-11-24T10:00:00Z", "by": "me"}
    rogue.open_incident(scale(1), approval={"why": "it asks"})
    rogue.open_incident(scale(1), approval={"why": "it asks"}, approve=approve, reject=approve)


def a_step_under_way_comes_after_its_relapse(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(0), **STEPS)
    rogue.hold(0)
    step(rogue, name, 2)
    relapse(rogue, name)
    rogue.hold(4)
    rogue.hold(0)


@pytest.mark.parametrize(
    "act",
    [
        a_step_under_way_comes_after_its_relapse,
        a_workload_comes_back_in_steps,
        a_campaign_comes_back_in_steps,
        a_stage_is_not_reached,
        a_stage_is_held,
        a_proposal_is_not_held,
    ],
)
def test_what_a_step_or_a_stage_allows_is_no_violation(
    act: Callable[[Rogue], None], rogue: Rogue, auditor: Auditor
) -> None:
    act(rogue)
    assert found(auditor) == []


def a_step_lets_more_through(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(0), **STEPS)
    rogue.hold(0)
    step(rogue, name, 1)
    rogue.hold(2)


def a_step_is_taken_before_it_is_decided(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(0), **STEPS)
    rogue.hold(0)
    rogue.hold(1)
    step(rogue, name, 1)


def a_document_lets_more_through(rogue: Rogue) -> None:
    name = rogue.open_incident(PAUSE, **STEPS)
    rogue.document(0.0)
    step(rogue, name, 1)
    rogue.document(0.5)


def a_relapse_is_not_carried_out(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(0), **STEPS)
    rogue.hold(0)
    step(rogue, name, 2)
    rogue.hold(4)
    relapse(rogue, name)


def a_step_of_one_loosens_the_hold_of_another(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(0), **STEPS)
    rogue.open_incident(scale(1))
    rogue.hold(0)
    step(rogue, name, 2)
    rogue.hold(4)


def a_relapse_that_was_carried_out_is_undone_at_once(rogue: Rogue) -> None:
    """No write that was under way comes after a later one of ours."""
    name = rogue.open_incident(scale(0), **STEPS)
    rogue.hold(0)
    step(rogue, name, 2)
    rogue.hold(4)
    relapse(rogue, name)
    rogue.hold(0)
    rogue.hold(4)
    rogue.hold(0)


def a_stage_that_is_reached_is_dropped(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(4), **stage(scale(1)))
    rogue.hold(4)
    rogue.decide(name, phase="Holding", stages=[0])
    rogue.hold(1)
    rogue.hold(4)


def a_stage_that_is_reached_is_never_held(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(4), **stage(scale(1)))
    rogue.hold(4)
    rogue.decide(name, phase="Holding", stages=[0])


def the_first_holds_are_dropped_for_those_of_a_stage(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(1), **stage(scale(4)))
    rogue.hold(1)
    rogue.decide(name, phase="Holding", stages=[0])
    rogue.hold(4)


@pytest.mark.parametrize(
    "plant",
    [
        a_step_lets_more_through,
        a_step_is_taken_before_it_is_decided,
        a_document_lets_more_through,
        a_relapse_is_not_carried_out,
        a_step_of_one_loosens_the_hold_of_another,
        a_relapse_that_was_carried_out_is_undone_at_once,
        a_stage_that_is_reached_is_dropped,
        a_stage_that_is_reached_is_never_held,
        the_first_holds_are_dropped_for_those_of_a_stage,
    ],
)
def test_what_goes_beyond_a_step_or_drops_a_stage_is_found(
    plant: Callable[[Rogue], None], rogue: Rogue, auditor: Auditor
) -> None:
    plant(rogue)
    assert any(told.startswith("2, never looser") for told in found(auditor))


def test_a_step_long_after_its_relapse_is_found(
    rogue: Rogue, auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(never_looser, "UNSEEN_SECONDS", 0.0)
    a_step_under_way_comes_after_its_relapse(rogue)
    assert any("a hold was let go" in told for told in found(auditor))


def a_step_is_stricter_than_the_hold(rogue: Rogue) -> None:
    """A tenth of 8 is 1, and the hold left 4."""
    name = rogue.open_incident(scale(4), **STEPS)
    rogue.hold(4)
    step(rogue, name, 1)
    rogue.hold(1)


def a_step_lets_less_through(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(0), **STEPS)
    rogue.hold(0)
    step(rogue, name, 2)
    rogue.hold(2)


def a_hold_is_taken_for_an_order(rogue: Rogue) -> None:
    rogue.open_incident(scale(4))
    rogue.hold(0)


def a_document_lets_less_through(rogue: Rogue) -> None:
    name = rogue.open_incident(PAUSE, **STEPS)
    rogue.document(0.0)
    step(rogue, name, 2)
    rogue.document(0.1)


@pytest.mark.parametrize(
    "plant",
    [
        a_step_is_stricter_than_the_hold,
        a_step_lets_less_through,
        a_hold_is_taken_for_an_order,
        a_document_lets_less_through,
    ],
)
def test_what_is_stricter_than_it_must_be_is_found(
    plant: Callable[[Rogue], None],
    rogue: Rogue,
    auditor: Auditor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(never_stricter, "UNSEEN_SECONDS", 0.0)
    plant(rogue)
    assert any("stricter than is asked" in told for told in found(auditor))


def test_where_nobody_knows_the_baseline_a_step_lets_nothing_through(
    rogue: Rogue, auditor: Auditor
) -> None:
    """Not one replica, as if one were all there was."""
    name = rogue.open_incident(scale(0), **STEPS)
    entry = {"baseline": None, "applied": 0, "holder": "planted", "uid": "u", "unknown": True}
    rogue.write_unknown(entry)
    step(rogue, name, 1)
    assert found(auditor) == []
    rogue.write_unknown({**entry, "applied": 1})
    assert any(told.startswith("2, never looser") for told in found(auditor))
