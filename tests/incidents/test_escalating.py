"""Stages: reached by evidence that has been true for long enough, and never forgotten."""

import dataclasses

import pytest

from responder.incidents.incident import Incident
from responder.incidents.lifecycle import asks_of
from responder.incidents.policy import Stage
from responder.incidents.status import Phase, Reason, Truth
from responder.incidents.transitions import Arming, Facts
from tests.incidents.given import (
    PAUSE,
    SCALE,
    STAGE,
    advanced,
    alerts,
    answers,
    cooling,
    incident,
    ramping,
    stays,
    told_at,
)

ZERO = dataclasses.replace(SCALE, limit={"replicas": 0})
LATER = Stage(when={"name": "traps"}, for_seconds=0, plan=(ZERO,))
HELD = incident(plan=(PAUSE,), stages=(STAGE, LATER))


def told(of: Incident, truth: Truth, *, seconds: int, only: str = "", since: str = "") -> Facts:
    found = answers(of, truth, since=since, message="30 %")
    return Facts(
        answers={
            name: dataclasses.replace(one, true_seconds=seconds)
            for name, one in found.items()
            if only in ("", name)
        }
    )


@pytest.mark.parametrize(
    ("truth", "seconds", "since"),
    [
        (Truth.YES, 1199, ""),
        (Truth.NO, 5000, ""),
        (Truth.UNKNOWN, 5000, ""),
        (Truth.YES, 5000, told_at(1)),
    ],
    ids=["not for long enough", "no", "unknown", "another window"],
)
def test_what_reaches_no_stage(truth: Truth, seconds: int, since: str) -> None:
    assert stays(HELD, told(HELD, truth, seconds=seconds, only="stage-1", since=since))


def test_an_old_answer_reaches_no_stage() -> None:
    facts = told(HELD, Truth.YES, seconds=5000)
    old = {name: dataclasses.replace(one, at=told_at(3.9)) for name, one in facts.answers.items()}
    assert stays(HELD, Facts(answers=old))


def test_a_stage_adds_its_holds_to_those_before() -> None:
    once = advanced(HELD, told(HELD, Truth.YES, seconds=1200, only="stage-1"))
    assert (once.status.reason, once.status.stages) == (Reason.ESCALATED, (0,))
    assert "30 %" in once.status.message
    assert asks_of(once) == (PAUSE, SCALE)
    assert stays(once, told(HELD, Truth.YES, seconds=1200, only="stage-1")), "once"
    both = advanced(once, told(once, Truth.YES, seconds=0))
    assert asks_of(both) == (PAUSE, SCALE, ZERO)


def test_a_later_stage_may_come_before_an_earlier_one() -> None:
    later = advanced(HELD, told(HELD, Truth.YES, seconds=0, only="stage-2"))
    assert (later.status.stages, asks_of(later)) == ((1,), (PAUSE, ZERO))
    both = advanced(later, told(later, Truth.YES, seconds=1200))
    assert both.status.stages == (0, 1)


def test_a_stage_that_is_reached_while_it_cools_begins_the_cool_down_anew() -> None:
    given = cooling(plan=(PAUSE,), stages=(STAGE,))
    escalated = advanced(given, told(given, Truth.YES, seconds=1200), minutes=9)
    assert (escalated.status.phase, escalated.status.cooling_until) == (Phase.HOLDING, "")
    assert advanced(escalated, minutes=9).status.cooling_until == told_at(19)


def test_what_was_reached_stays_held_through_relapse_and_ramp() -> None:
    given = ramping(plan=(PAUSE,), stages=(STAGE,), status={"stages": (0,)})
    assert asks_of(given) == (PAUSE, SCALE)
    back = advanced(given, Facts(answers=answers(given, Truth.NO)), minutes=12)
    assert asks_of(back) == (PAUSE, SCALE)


@pytest.mark.parametrize("arming", [Arming.LEAVE, Arming.GIVE_BACK])
def test_disarmed_no_stage_is_reached(arming: Arming) -> None:
    facts = dataclasses.replace(told(HELD, Truth.YES, seconds=5000), arming=arming)
    for given in (HELD, dataclasses.replace(HELD, mode="observe")):
        status = given.status
        then = given if stays(given, facts) else advanced(given, facts)
        assert then.status.stages == status.stages == ()


def test_who_waits_for_a_person_escalates_and_waits_again() -> None:
    waits = dataclasses.replace(HELD, alerts=alerts(resolve=1), alerts_omitted=1)
    waits = advanced(waits)
    assert waits.status.reason == Reason.WAITS_FOR_PERSON
    escalated = advanced(waits, told(waits, Truth.YES, seconds=1200))
    assert escalated.status.reason == Reason.ESCALATED
    assert advanced(escalated).status.reason == Reason.WAITS_FOR_PERSON


def test_a_stage_of_a_later_version_that_is_not_there_asks_for_nothing() -> None:
    odd = dataclasses.replace(HELD, status=dataclasses.replace(HELD.status, stages=(0, 7)))
    assert asks_of(odd) == (PAUSE, SCALE)
