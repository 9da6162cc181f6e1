"""The auditor finds a violation of each promise that it checks, planted in our name."""

from collections.abc import Callable

import pytest

from responder.sandbox.audit.versions import GIVER, LEDGER
from tests.auditor.auditor import Auditor
from tests.auditor.conftest import PAUSE, Rogue, scale

HOLD_JSON = '{"share": 0.0, "incident": "planted"}'
LOOSE_JSON = '{"share": 0.5, "incident": "planted"}'


def found(auditor: Auditor) -> list[str]:
    auditor.settle(answering=True, within_seconds=0)
    return [str(violation) for violation in auditor.violations()]


def a_whole_hold(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(2), PAUSE)
    rogue.hold(2)
    rogue.write(
        "configmaps",
        "sale",
        {"data": {"hold.json": HOLD_JSON}},
        ledger={"hold.json": (None, HOLD_JSON)},
    )
    rogue.let_go(name)
    rogue.give_back(8)
    rogue.write("configmaps", "sale", {"data": {"hold.json": None}}, ledger=None, manager=GIVER)
    rogue.close(name)


def a_person_scales_and_is_answered(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.somebody({"spec": {"replicas": 5}})
    rogue.hold(2, baseline=5)
    rogue.let_go(name)
    rogue.give_back(5)
    rogue.close(name)


def the_ledger_is_removed_and_written_again(rogue: Rogue) -> None:
    rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.somebody({"metadata": {"annotations": {LEDGER: None}}})
    rogue.hold(2)


def fought(rogue: Rogue, *, times: int) -> str:
    """Returns the name of an incident that somebody undid so often, and was not answered last."""
    name = rogue.open_incident(scale(2))
    for time in range(times):
        rogue.hold(2, baseline=5 if time else 8)
        rogue.somebody({"spec": {"replicas": 5}})
    return name


def a_contest_is_stood_down_from_and_told(rogue: Rogue) -> None:
    rogue.report(fought(rogue, times=3), "Contested")


@pytest.mark.parametrize(
    "act",
    [
        a_whole_hold,
        a_person_scales_and_is_answered,
        the_ledger_is_removed_and_written_again,
        a_contest_is_stood_down_from_and_told,
    ],
)
def test_what_is_as_promised_is_no_violation(
    act: Callable[[Rogue], None], rogue: Rogue, auditor: Auditor
) -> None:
    act(rogue)
    assert found(auditor) == []
    assert auditor.verdict() == ""


def we_loosen_what_an_incident_holds(rogue: Rogue) -> None:
    rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.hold(6)
    rogue.hold(2)


def the_stricter_of_two_is_let_go(rogue: Rogue) -> None:
    milder = rogue.open_incident(scale(4))
    rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.close(milder)
    rogue.hold(4)
    rogue.hold(2)


def a_document_is_loosened(rogue: Rogue) -> None:
    rogue.open_incident(PAUSE)
    for text in (HOLD_JSON, LOOSE_JSON, HOLD_JSON):
        rogue.write(
            "configmaps", "sale", {"data": {"hold.json": text}}, ledger={"hold.json": (None, text)}
        )


def a_document_is_taken_away(rogue: Rogue) -> None:
    rogue.open_incident(PAUSE)
    entry = {"hold.json": (None, HOLD_JSON)}
    rogue.write("configmaps", "sale", {"data": {"hold.json": HOLD_JSON}}, ledger=entry)
    rogue.write("configmaps", "sale", {"data": {"hold.json": None}}, ledger=None, manager=GIVER)
    rogue.write("configmaps", "sale", {"data": {"hold.json": HOLD_JSON}}, ledger=entry)


def a_person_is_never_answered(rogue: Rogue) -> None:
    rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.somebody({"spec": {"replicas": 5}})


def a_contest_is_stood_down_from_and_not_told(rogue: Rogue) -> None:
    rogue.report(fought(rogue, times=3), "Applied")


def a_contest_is_told_of_another_target(rogue: Rogue) -> None:
    rogue.report(fought(rogue, times=3), "Contested", of="another")


def a_single_edit_is_told_as_a_contest(rogue: Rogue) -> None:
    rogue.report(fought(rogue, times=1), "Contested")


def what_was_never_held_is_told_as_contested(rogue: Rogue) -> None:
    rogue.report(rogue.open_incident(scale(2)), "Contested")


def nothing_is_ever_held(rogue: Rogue) -> None:
    rogue.open_incident(PAUSE)


@pytest.mark.parametrize(
    "plant",
    [
        we_loosen_what_an_incident_holds,
        the_stricter_of_two_is_let_go,
        a_document_is_loosened,
        a_document_is_taken_away,
        a_person_is_never_answered,
        a_contest_is_stood_down_from_and_not_told,
        a_contest_is_told_of_another_target,
        a_single_edit_is_told_as_a_contest,
        what_was_never_held_is_told_as_contested,
        nothing_is_ever_held,
    ],
)
def test_what_is_looser_than_an_open_hold_is_found(
    plant: Callable[[Rogue], None], rogue: Rogue, auditor: Auditor
) -> None:
    plant(rogue)
    assert any(told.startswith("2, never looser") for told in found(auditor))


def another_number_is_given_back(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.close(name)
    rogue.give_back(7)


def our_own_number_is_taken_for_the_baseline(rogue: Rogue) -> None:
    rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.hold(1, baseline=2)


def an_edit_is_forgotten(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.somebody({"spec": {"replicas": 5}})
    rogue.hold(2, baseline=5)
    rogue.close(name)
    rogue.give_back(8)


def an_incident_closes_too_early(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.close(name)
    rogue.give_back(8)


def managed_fields_are_left(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.let_go(name)
    rogue.write("deployments", "sender", {"spec": {"replicas": 8}}, ledger=None, manager=GIVER)
    rogue.close(name)


def a_key_of_ours_is_left(rogue: Rogue) -> None:
    name = rogue.open_incident(PAUSE)
    entry = {"hold.json": (None, HOLD_JSON)}
    rogue.write("configmaps", "sale", {"data": {"hold.json": HOLD_JSON}}, ledger=entry)
    rogue.let_go(name)
    rogue.write("configmaps", "sale", {"metadata": {}}, ledger=None, manager=GIVER)
    rogue.close(name)


def nothing_is_given_back(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.let_go(name)


@pytest.mark.parametrize(
    "plant",
    [
        another_number_is_given_back,
        our_own_number_is_taken_for_the_baseline,
        an_edit_is_forgotten,
        an_incident_closes_too_early,
        managed_fields_are_left,
        a_key_of_ours_is_left,
        nothing_is_given_back,
    ],
)
def test_what_is_not_given_back_exactly_is_found(
    plant: Callable[[Rogue], None], rogue: Rogue, auditor: Auditor
) -> None:
    plant(rogue)
    assert any(told.startswith("3, exact give-back") for told in found(auditor))


def a_change_without_its_ledger(rogue: Rogue) -> None:
    rogue.open_incident(scale(2))
    rogue.write("deployments", "sender", {"spec": {"replicas": 2}})
    rogue.hold(2)


def a_ledger_before_its_change(rogue: Rogue) -> None:
    rogue.open_incident(scale(2))
    rogue.write("deployments", "sender", {}, ledger={"replicas": (8, 2)})
    rogue.write("deployments", "sender", {"spec": {"replicas": 2}})


def a_ledger_that_tells_another_number(rogue: Rogue) -> None:
    rogue.open_incident(scale(2))
    rogue.write("deployments", "sender", {"spec": {"replicas": 1}}, ledger={"replicas": (8, 2)})


def a_give_back_that_leaves_its_ledger(rogue: Rogue) -> None:
    name = rogue.open_incident(scale(2))
    rogue.hold(2)
    rogue.let_go(name)
    rogue.write("deployments", "sender", {"spec": {"replicas": 8}}, manager=GIVER)
    rogue.write("deployments", "sender", {}, ledger=None, manager=GIVER)
    rogue.tidy()
    rogue.close(name)


@pytest.mark.parametrize(
    "plant",
    [
        a_change_without_its_ledger,
        a_ledger_before_its_change,
        a_ledger_that_tells_another_number,
        a_give_back_that_leaves_its_ledger,
    ],
)
def test_a_change_and_its_ledger_in_two_writes_are_found(
    plant: Callable[[Rogue], None], rogue: Rogue, auditor: Auditor
) -> None:
    plant(rogue)
    assert any(told.startswith("4, one write") for told in found(auditor))


def an_unlabelled_workload_is_held(rogue: Rogue) -> None:
    rogue.write("deployments", "other", {"spec": {"replicas": 2}}, ledger={"replicas": (8, 2)})


def transactional_mail_is_held(rogue: Rogue) -> None:
    rogue.write(
        "configmaps",
        "reset",
        {"data": {"hold.json": HOLD_JSON}},
        ledger={"hold.json": (None, HOLD_JSON)},
    )


def more_than_a_hold_is_written(rogue: Rogue) -> None:
    rogue.write(
        "deployments",
        "sender",
        {"spec": {"replicas": 2, "paused": True}},
        ledger={"replicas": (8, 2)},
    )


@pytest.mark.parametrize(
    "plant",
    [an_unlabelled_workload_is_held, transactional_mail_is_held, more_than_a_hold_is_written],
)
def test_a_write_where_none_is_allowed_is_found(
    plant: Callable[[Rogue], None], rogue: Rogue, auditor: Auditor
) -> None:
    plant(rogue)
    assert any(told.startswith("6, never beyond authority") for told in found(auditor))


def test_the_report_tells_what_happened_to_whom_and_when(rogue: Rogue, auditor: Auditor) -> None:
    another_number_is_given_back(rogue)
    told = auditor.verdict()
    assert "Deployment/sender at" in told
    assert "replicas was given back as 7, and its baseline is 8" in told
    assert "Deployment/sender: replicas 8 -> 2 by campaign-responder" in told
    assert "Incident/planted-0123456789abcde0-1: Closed" in told
