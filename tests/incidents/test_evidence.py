"""What is asked, in which window, and for how long an answer has been yes."""

import dataclasses

import pytest

from responder.incidents.evidence import Asked, answer_to, answers_for, followed, questions_of
from responder.incidents.incident import Incident
from responder.incidents.policy import Resume
from responder.incidents.status import Answer, Phase, Ramp, Reason, Truth
from tests.incidents.given import (
    CHECKED,
    STAGE,
    answers,
    cooling,
    incident,
    leaving,
    proposed,
    ramping,
    told_at,
)

RAMPED = {"ramp": Ramp(resumed_at=told_at(10), relapses=1, relapsed_at=told_at(12))}
CHECK_ONLY = dataclasses.replace(CHECKED, steps=(), volume=None)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (incident(), {}),
        (incident(stages=(STAGE, STAGE)), {"stage-1": "", "stage-2": ""}),
        (incident(stages=(STAGE, STAGE), status={"stages": (0,)}), {"stage-2": ""}),
        (incident(stages=(STAGE,), status=RAMPED), {"stage-1": told_at(10)}),
        (incident(resume=CHECKED), {}),
        (cooling(resume=CHECKED, stages=(STAGE,)), {"stage-1": ""}),
        (cooling(resume=CHECK_ONLY), {"check": ""}),
        (ramping(), {"check": told_at(10), "volume": told_at(10)}),
        (ramping(step=2, since=25), {"check": told_at(10), "volume": told_at(25)}),
        (ramping(stages=(STAGE,)), {"check": told_at(10), "volume": told_at(10)}),
        (ramping(step=0), {}),
        (ramping(step=9), {"check": told_at(10)}),
        (proposed(stages=(STAGE,)), {}),
        (incident(phase=Phase.NEW, stages=(STAGE,)), {}),
        (incident(mode="observe", stages=(STAGE,)), {}),
        (leaving(Reason.RAMP_OVER, phase=Phase.RAMPING, resume=CHECKED), {}),
        (incident(phase=Phase.CLOSED, stages=(STAGE,)), {}),
    ],
    ids=["nothing", "stages", "one is reached", "stages after a relapse", "held: no check yet",
         "cooling: no check yet", "cooling without steps", "step 1", "step 2", "ramping: no stage",
         "no step", "no such step", "proposed", "new", "observes", "letting go", "closed"],
)  # fmt: skip
def test_it_asks_only_what_could_change_it(given: Incident, asked: dict[str, str]) -> None:
    assert {one.name: one.since for one in questions_of(given)} == asked


def test_a_step_asks_for_its_own_messages() -> None:
    for step, sends in ((1, 1000.0), (2, 5000.0)):
        volume = next(one for one in questions_of(ramping(step=step)) if one.name == "volume")
        assert volume.question["threshold"] == sends


def test_a_question_that_cannot_be_read_is_asked_all_the_same() -> None:
    """And so has no answer, which is no gate that opens by itself."""
    resume = Resume.from_json({**CHECKED.to_json(), "check": {}, "volume": "junk"})
    assert {one.name for one in questions_of(ramping(resume=resume))} == {"check", "volume"}


def answer(truth: Truth, minutes: float, *, seconds: int = 0, since: str = "") -> Answer:
    return Answer("stage-1", truth, told_at(minutes), since=since, true_seconds=seconds)


JUNK = dataclasses.replace(answer(Truth.YES, 0, seconds=60), at="junk")


@pytest.mark.parametrize(
    ("before", "found", "seconds"),
    [
        (None, answer(Truth.YES, 0), 0),
        (answer(Truth.YES, 0, seconds=60), answer(Truth.YES, 1), 120),
        (answer(Truth.YES, 0, seconds=60), answer(Truth.YES, 60), 180),
        (answer(Truth.YES, 1, seconds=60), answer(Truth.YES, 0), 60),
        (answer(Truth.YES, 0, seconds=60), answer(Truth.UNKNOWN, 1), 60),
        (answer(Truth.UNKNOWN, 0, seconds=60), answer(Truth.YES, 1), 60),
        (answer(Truth.YES, 0, seconds=60), answer(Truth.NO, 1), 0),
        (answer(Truth.NO, 0), answer(Truth.YES, 1), 0),
        (answer(Truth.YES, 0, seconds=60), answer(Truth.YES, 1, since=told_at(0)), 0),
        (JUNK, answer(Truth.YES, 1), 60),
    ],
    ids=["the first", "yes for a minute more", "nobody looked for an hour", "the clock went back",
         "unknown counts for nothing", "nor does what was unknown", "no begins anew",
         "after a no", "another window begins anew", "junk"],
)  # fmt: skip
def test_for_how_long_it_has_been_yes(before: Answer | None, found: Answer, seconds: int) -> None:
    assert followed(before, found).true_seconds == seconds


@pytest.mark.parametrize("every_minutes", [0.2 / 60, 15.9 / 60])
def test_parts_of_a_second_between_answers_add_up(every_minutes: float) -> None:
    told = answer(Truth.YES, 0)
    for count in range(1, 101):
        told = followed(told, answer(Truth.YES, count * every_minutes))
    assert told.true_seconds == pytest.approx(100 * every_minutes * 60, abs=0.01)
    assert Answer.from_json(told.to_json()).true_seconds == int(told.true_seconds)


def test_an_answer_about_another_window_is_none() -> None:
    asked = Asked("check", {}, told_at(10))
    told = {"check": Answer("check", Truth.YES, told_at(11), since=told_at(9))}
    assert answer_to(asked, told) is None
    assert answer_to(asked, {}) is None
    told["check"] = dataclasses.replace(told["check"], since=told_at(10))
    assert answer_to(asked, told) == told["check"]


def test_a_status_tells_what_is_asked_now_and_nothing_older() -> None:
    given = ramping()
    known = answers(given, Truth.YES, at_minutes=30)
    stored = dataclasses.replace(given.status, answers=tuple(known.values()))
    told = dataclasses.replace(given, status=stored)
    assert {one.question for one in answers_for(told, {})} == {"check", "volume"}
    assert answers_for(dataclasses.replace(told, status=incident().status), {}) == ()
    later = dataclasses.replace(stored, ramp=Ramp(2, told_at(40), told_at(10)))
    assert [one.question for one in answers_for(dataclasses.replace(told, status=later), {})] == [
        "check"
    ]


@pytest.mark.parametrize(
    ("change", "is_news"),
    [
        ({"at": told_at(31)}, False),
        ({"at": told_at(35)}, True),
        ({"truth": Truth.NO}, True),
        ({"reason": "Down"}, True),
        ({"at": told_at(29)}, False),
    ],
    ids=["a minute later", "five minutes later", "other truth", "other reason", "clock back"],
)
def test_an_answer_is_written_again_only_where_it_is_news(
    change: dict[str, str],
    is_news: bool,  # noqa: FBT001
) -> None:
    given = ramping(resume=dataclasses.replace(CHECKED, volume=None))
    known = answers(given, Truth.YES, at_minutes=30)
    stored = dataclasses.replace(given.status, answers=tuple(known.values()))
    fresh = {name: dataclasses.replace(one, **change) for name, one in known.items()}  # type: ignore[arg-type]
    told = answers_for(dataclasses.replace(given, status=stored), fresh)
    assert (told == tuple(fresh.values())) == is_news
