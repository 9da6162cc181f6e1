"""Resolved is not resume: each gate on the way back, and what goes back to the hold."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from responder.incidents.incident import AlertRecord, Incident, Statement
from responder.incidents.lifecycle import advance, asks_of, share_of
from responder.incidents.policy import Resume, Step
from responder.incidents.status import Phase, Ramp, Reason, Truth
from responder.incidents.transitions import Arming, Facts, moment, read_moment
from tests.incidents.given import (
    AM,
    CHECKED,
    PAUSE,
    SCALE,
    advanced,
    alerts,
    answers,
    at,
    cooling,
    fingerprint,
    incident,
    leaving,
    ramping,
    recorded,
    stays,
    told_at,
    wished,
    wishing,
)

OVER = alerts(resolve=1)
WAITING = {"reason": str(Reason.WAITS_FOR_PERSON), "firing": 0}
MANUAL = Resume(manual=True)
PERSON = Resume(after_seconds=600, needs_person=("the cause must be acknowledged",))


def yes(of: Incident, **other: Truth) -> Facts:
    """All that it asks is so, but for what is said otherwise."""
    told = answers(of, Truth.YES)
    for name, truth in other.items():
        told[name] = dataclasses.replace(told[name], truth=truth)
    return Facts(answers=told)


@pytest.mark.parametrize(
    ("given", "phase", "reason"),
    [
        (incident(alerts=OVER, resume=PERSON), Phase.HOLDING, Reason.WAITS_FOR_PERSON),
        (incident(alerts=OVER, alerts_omitted=3), Phase.HOLDING, Reason.WAITS_FOR_PERSON),
        (incident(resume=MANUAL, status=WAITING), Phase.HOLDING, Reason.ALERT_FIRING),
        (
            incident(alerts=OVER, resume=MANUAL, mode="observe"),
            Phase.COOLING,
            Reason.ALERTS_RESOLVED,
        ),
        (cooling(until=""), Phase.COOLING, Reason.ALERTS_RESOLVED),
        (cooling(until="soon"), Phase.COOLING, Reason.ALERTS_RESOLVED),
        (cooling(alerts=alerts(fire=1)), Phase.HOLDING, Reason.FIRING_AGAIN),
    ],
    ids=["a person must look", "some found no room", "it waited for a person and fires again",
         "observing: nothing to release", "cooling since ever", "unreadable", "firing again"],
)  # fmt: skip
def test_after_the_last_resolve(given: Incident, phase: Phase, reason: Reason) -> None:
    then = advanced(given)
    assert (then.status.phase, then.status.reason) == (phase, reason)
    assert asks_of(then) == (() if given.mode == "observe" else (PAUSE, SCALE))


def test_it_waits_for_a_person_without_saying_so_again() -> None:
    assert stays(incident(alerts=OVER, resume=MANUAL, status=WAITING))


def test_the_cool_down_counts_from_the_last_resolve() -> None:
    after = advanced(incident(alerts=OVER, resume=Resume(after_seconds=90)))
    assert after.status.cooling_until == moment(at(6) + timedelta(seconds=90))


def test_a_cool_down_of_nothing_is_over_at_once() -> None:
    given = incident(alerts=OVER, resume=Resume(after_seconds=0))
    assert advanced(advanced(given)).status.reason == Reason.COOL_DOWN_OVER


def test_time_is_what_it_is_told() -> None:
    """To the microsecond: no clock is read."""
    just_before = read_moment(told_at(10))
    assert just_before is not None
    nothing = Facts()
    assert advance(cooling(), nothing, now=just_before - timedelta(microseconds=1)) is None
    assert advance(cooling(), nothing, now=just_before) is not None


@pytest.mark.parametrize("resume", [MANUAL, PERSON], ids=["by hand", "a person must look"])
def test_an_acknowledgement_is_no_release(resume: Resume) -> None:
    """Not even of what a person triggered: the playbook says who gives back."""
    held = wishing(incident(kind="manual", resume=resume), acknowledge=wished())
    waits = advanced(held)
    assert (waits.status.phase, waits.status.reason) == (Phase.HOLDING, Reason.WAITS_FOR_PERSON)
    assert stays(waits)
    assert asks_of(waits) == (PAUSE, SCALE)


def test_what_fires_in_an_incident_that_was_triggered_keeps_it_where_it_is() -> None:
    held = wishing(incident(kind="manual", alerts=alerts(fire=1)), acknowledge=wished())
    assert stays(held)


def test_disarmed_nothing_is_loosened_whatever_is_over() -> None:
    leave = Facts(arming=Arming.LEAVE)
    for given in (cooling(), cooling(resume=CHECKED)):
        waits = advanced(given, leave, minutes=30)
        assert (waits.status.phase, waits.status.reason) == (Phase.COOLING, Reason.DISARMED)
        assert "until it is armed again" in waits.status.message
        assert asks_of(waits) == asks_of(given)
        assert stays(waits, leave, minutes=60)
        assert not stays(waits, minutes=60)
    for given in (ramping(), ramping(step=2)):
        well = dataclasses.replace(yes(given), arming=Arming.LEAVE)
        waits = advanced(given, well, minutes=60)
        assert (waits.status.phase, waits.status.reason) == (Phase.RAMPING, Reason.DISARMED)
        assert share_of(waits) == share_of(given)
        assert stays(waits, well, minutes=60)
        assert advanced(waits, yes(given), minutes=60).status.reason != Reason.ARMED_AGAIN
        goes_on = advanced(waits, minutes=60)
        assert (goes_on.status.phase, goes_on.status.reason) == (Phase.RAMPING, Reason.ARMED_AGAIN)
        assert stays(goes_on, minutes=60)


@pytest.mark.parametrize(
    ("at_minutes", "relapses", "relapsed_at", "counts"),
    [
        (5, 0, None, True),
        (5, 2, 6, False),
        (7, 2, 6, True),
        (6, 2, 6, False),
        (5, 1, None, False),
    ],
    ids=["no relapse", "before the last one", "after it", "in the same moment", "nobody knows"],
)
def test_an_acknowledgement_counts_from_the_last_relapse_on(
    at_minutes: float,
    relapses: int,
    relapsed_at: float | None,
    counts: bool,  # noqa: FBT001
) -> None:
    told = "" if relapsed_at is None else told_at(relapsed_at)
    resume = dataclasses.replace(CHECKED, acknowledged=True, after_seconds=150)
    status = {"ramp": Ramp(relapses=relapses, relapsed_at=told)}
    given = wishing(cooling(resume=resume, status=status), acknowledge=wished(at_minutes))
    then = advanced(given, minutes=60)
    assert then.status.phase is (Phase.RAMPING if counts else Phase.COOLING)


def test_an_acknowledgement_of_a_clock_ahead_does_not_outlive_a_relapse() -> None:
    ahead = wishing(ramping(relapses=1), acknowledge=wished(24 * 60))
    again = advanced(ahead, Facts(answers=answers(ahead, Truth.NO)), minutes=12)
    cooled = advanced(advanced(again, minutes=13), minutes=13 + 41)
    assert cooled.status.reason == Reason.WAITS_FOR_ACKNOWLEDGEMENT


GATES: list[Any] = [
    pytest.param(9, {}, None, id="too early"),
    pytest.param(10, {}, Reason.STEP_OPENED, id="in time, checked and counted"),
    pytest.param(10, {"check": Truth.UNKNOWN}, None, id="unchecked"),
    pytest.param(10, {"volume": Truth.UNKNOWN}, None, id="uncounted"),
    pytest.param(10, {"volume": Truth.NO}, None, id="too little was sent"),
    pytest.param(10, {"check": Truth.NO}, Reason.RELAPSED, id="the check fails"),
    pytest.param(0, {"check": Truth.NO}, Reason.RELAPSED, id="the check fails at once"),
]


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize(("minutes", "told", "reason"), GATES)
def test_a_step_ends_by_time_and_volume_and_check(
    step: int, minutes: float, told: dict[str, Truth], reason: Reason | None
) -> None:
    resume = dataclasses.replace(CHECKED, steps=(Step(0.1, 600, 1), Step(0.5, 600, 1)))
    given = ramping(step=step, since=20, resume=resume)
    facts = yes(given, **told)
    if reason is None:
        assert stays(given, facts, minutes=20 + minutes)
        return
    then = advanced(given, facts, minutes=20 + minutes)
    over = reason is Reason.STEP_OPENED and step == len(resume.steps)
    assert then.status.reason == (Reason.RAMP_OVER if over else reason)
    if then.status.reason == Reason.STEP_OPENED:
        assert share_of(then) == 0.5
        assert (then.status.ramp.step_since, then.status.ramp.resumed_at) == (
            told_at(30),
            told_at(10),
        ), "a step has a start of its own; the evidence is of all since the resume"


def test_without_a_check_time_and_volume_remain() -> None:
    given = ramping(resume=dataclasses.replace(CHECKED, check=None))
    assert stays(given, minutes=60)
    assert advanced(given, yes(given), minutes=60).status.reason == Reason.STEP_OPENED


def test_what_nothing_counts_was_not_sent() -> None:
    given = ramping(resume=dataclasses.replace(CHECKED, volume=None))
    assert stays(given, yes(given), minutes=600)
    idle = dataclasses.replace(CHECKED, volume=None, steps=(Step(0.1, 60, 0),))
    assert not stays(ramping(resume=idle), yes(given), minutes=60)


@pytest.mark.parametrize("since", [told_at(9), told_at(11), ""])
def test_answers_about_another_window_are_none(since: str) -> None:
    """An answer from before the resume neither opens a step nor goes back to the pause."""
    given = ramping()
    for truth in (Truth.YES, Truth.NO):
        assert stays(given, Facts(answers=answers(given, truth, since=since)), minutes=60)


def test_the_volume_of_the_step_before_counts_for_nothing() -> None:
    first = ramping()
    opened = advanced(first, yes(first), minutes=30)
    assert stays(opened, yes(first), minutes=60)
    assert not stays(opened, yes(opened), minutes=60)


@pytest.mark.parametrize(
    ("minutes", "relapses"), [(11, True), (10, False), (9, False)],
    ids=["since the resume", "as it resumed", "before: it simply still fires"],
)  # fmt: skip
def test_a_new_firing_is_a_relapse_and_an_old_one_is_none(
    minutes: float,
    relapses: bool,  # noqa: FBT001
) -> None:
    fires = {fingerprint(1): recorded((AM, "firing", minutes))}
    assert stays(ramping(alerts=fires), minutes=12) != relapses
    ramped = Ramp(step=2, step_since=told_at(10), resumed_at=told_at(10))
    over = leaving(
        Reason.RAMP_OVER, phase=Phase.RAMPING, status={"ramp": ramped}, resume=CHECKED, alerts=fires
    )
    then = advanced(over, Facts(given_back=True), minutes=12)
    assert then.closed != relapses


@pytest.mark.parametrize(
    ("began", "relapses"), [(11, True), (9, False)], ids=["since the resume", "before"]
)
def test_what_fired_and_resolved_while_nobody_looked_is_a_relapse(
    began: float,
    relapses: bool,  # noqa: FBT001
) -> None:
    """The door stores both, and the leader sees only what they come to."""
    told = Statement("resolved", told_at(began), told_at(20))
    over = {fingerprint(1): AlertRecord(senders={AM: told})}
    assert stays(ramping(alerts=over), minutes=21) != relapses
    ramped = Ramp(step=2, step_since=told_at(10), resumed_at=told_at(10))
    leaves = leaving(
        Reason.RAMP_OVER, phase=Phase.RAMPING, status={"ramp": ramped}, resume=CHECKED, alerts=over
    )
    assert advanced(leaves, Facts(given_back=True), minutes=21).closed != relapses


def test_what_fired_and_resolved_while_nobody_looked_begins_the_cool_down_anew() -> None:
    again = {fingerprint(1): recorded((AM, "resolved", 8))}
    then = advanced(cooling(alerts=again), minutes=11)
    assert (then.status.phase, then.status.reason) == (Phase.COOLING, Reason.ALERTS_RESOLVED)
    assert then.status.cooling_until == told_at(21)
    assert stays(then, minutes=20.9)
    for heard in (0.05, 12):
        told_late = {fingerprint(1): recorded((AM, "resolved", heard))}
        assert advanced(cooling(alerts=told_late), minutes=10).status.letting_go is not None


@pytest.mark.parametrize(("at_minutes", "counts"), [(28, True), (27.9, False), (32.1, False)])
def test_an_answer_stands_for_two_minutes(at_minutes: float, *, counts: bool) -> None:
    """Thousands of questions to a Prometheus that hangs come late, each of them."""
    given = ramping()
    old = yes(given)
    told = {name: dataclasses.replace(a, at=told_at(at_minutes)) for name, a in old.answers.items()}
    assert stays(given, Facts(answers=told), minutes=30) != counts
    no = {name: dataclasses.replace(one, truth=Truth.NO) for name, one in told.items()}
    assert stays(given, Facts(answers=no), minutes=30) != counts


def test_a_relapse_goes_back_to_the_hold_and_doubles_the_cool_down() -> None:
    found, minutes = ramping(), 12.0
    for relapses, cool_down in ((1, 20), (2, 40), (3, 80)):
        no = Facts(answers=answers(found, Truth.NO, message="12 %"))
        back = advanced(found, no, minutes=minutes)
        assert (back.status.phase, share_of(back)) == (Phase.HOLDING, None)
        assert (back.status.ramp.step, back.status.ramp.relapses) == (0, relapses)
        assert "12 %" in back.status.message
        cools = advanced(back, minutes=minutes)
        assert cools.status.cooling_until == told_at(minutes + cool_down)
        minutes += cool_down
        if relapses >= 2:
            waits = advanced(cools, minutes=minutes)
            assert waits.status.reason == Reason.WAITS_FOR_ACKNOWLEDGEMENT
            cools = wishing(waits, acknowledge=wished(minutes))
        found = advanced(cools, minutes=minutes)
        assert (found.status.phase, share_of(found)) == (Phase.RAMPING, 0.1)
        assert found.status.ramp.resumed_at == told_at(minutes)


@pytest.mark.parametrize(
    "ramp",
    [
        Ramp(),
        Ramp(step=7, step_since=told_at(10), resumed_at=told_at(10)),
        Ramp(step=1, step_since="soon", resumed_at=told_at(10)),
        Ramp(step=1, resumed_at=told_at(10)),
        Ramp(step=1, step_since=told_at(10)),
        Ramp(step=1, step_since=told_at(500), resumed_at=told_at(500)),
    ],
    ids=["nothing", "no such step", "junk", "no start", "no resume", "the clock was set back"],
)
def test_a_step_that_cannot_be_read_goes_back_to_the_hold(ramp: Ramp) -> None:
    """It neither stays open for ever nor ends at once."""
    given = ramping(status={"ramp": ramp})
    back = advanced(given, yes(given), minutes=30)
    assert (back.status.phase, back.status.reason) == (Phase.HOLDING, Reason.RELAPSED)


def test_a_cool_down_longer_than_asked_for_was_told_by_a_clock_ahead() -> None:
    again = advanced(cooling(until=told_at(5000)))
    assert again.status.cooling_until == told_at(16)
    assert stays(cooling(until=told_at(16.9))), "API servers differ by seconds"
