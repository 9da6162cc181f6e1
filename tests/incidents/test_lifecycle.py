"""What an incident asks for, when it wants to be looked at, how it lets go and how it ends."""

import dataclasses
from datetime import datetime

import pytest

from responder.holds.objects import ObjectKey
from responder.incidents.incident import Incident
from responder.incidents.lifecycle import advance, asks_of, due_at, recounted, review_at, share_of
from responder.incidents.policy import Approval, Resume
from responder.incidents.requests import Request
from responder.incidents.status import Outcome, Phase, Reason, Target, TargetState, Truth
from responder.incidents.summary import conditions
from responder.incidents.transitions import Arming, Facts
from tests.incidents.given import (
    PAUSE,
    SCALE,
    STAGE,
    advanced,
    alerts,
    answers,
    at,
    cooling,
    incident,
    leaving,
    proposed,
    ramping,
    released,
    stays,
    told_at,
    wished,
    wishing,
)

NOTHING = Facts()
BACK = Facts(given_back=True)
DISARMED = Facts(arming=Arming.GIVE_BACK)
DISARMED_AND_BACK = Facts(arming=Arming.GIVE_BACK, given_back=True)
OVER = alerts(resolve=1)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (Reason.ALERT_FIRING, "2 alert(s) firing"),
        (Reason.FIRING_AGAIN, "2 alert(s) firing again"),
        (Reason.WAITS_FOR_PERSON, "as it was"),
    ],
)
def test_how_many_fire_is_told_without_a_transition(reason: Reason, message: str) -> None:
    status = {"firing": 1, "reason": str(reason), "message": "as it was"}
    more = incident(alerts=alerts(fire=2, resolve=1), status=status)
    told = recounted(more, more.status)
    assert (told.firing, told.message) == (2, message)
    assert told.timeline == more.status.timeline
    if reason is not Reason.WAITS_FOR_PERSON:
        assert advance(more, NOTHING, now=at(6)) is None


def test_what_fires_as_before_is_told_as_before() -> None:
    same = incident(status={"firing": 1, "reason": str(Reason.ALERT_FIRING), "message": "so"})
    assert recounted(same, same.status) == same.status
    none = incident(
        alerts=OVER, status={"firing": 1, "reason": str(Reason.ALERT_FIRING), "message": "so"}
    )
    assert recounted(none, none.status).message == "so"


def test_firing_again_takes_the_end_of_the_cool_down_and_the_decision_back() -> None:
    for given in (cooling(alerts=alerts(fire=1)), leaving(Reason.COOL_DOWN_OVER)):
        again = advance(given, NOTHING, now=at(6))
        assert again is not None
        assert again.status.letting_go is None
        assert again.status.cooling_until == ""
        assert asks_of(dataclasses.replace(given, status=again.status)) == (PAUSE, SCALE)


@pytest.mark.parametrize(
    ("given", "by"),
    [
        (incident(release=released()), "ada"),
        (incident(release=Request(at=told_at(5), by="")), "unknown"),
        (cooling(until=told_at(6), resume=Resume(after_seconds=300)), "campaign-responder"),
    ],
    ids=["a person", "somebody", "the cool-down"],
)
def test_letting_go_tells_by_whom_and_when(given: Incident, by: str) -> None:
    decided = advance(given, NOTHING, now=at(6))
    assert decided is not None
    assert decided.status.letting_go is not None
    assert (decided.status.letting_go.by, decided.status.letting_go.at) == (by, told_at(6))
    assert asks_of(dataclasses.replace(given, status=decided.status)) == ()


@pytest.mark.parametrize(
    ("mode", "outcome"), [("auto", Outcome.RELEASED), ("observe", Outcome.OBSERVED)]
)
def test_how_it_ended(mode: str, outcome: Outcome) -> None:
    given = leaving(Reason.COOL_DOWN_OVER, alerts=OVER, mode=mode)
    ended = advance(given, BACK, now=at(6))
    assert ended is not None
    assert (ended.status.outcome, ended.status.closed_at) == (outcome, told_at(6))


@pytest.mark.parametrize(
    ("given", "asks"),
    [
        pytest.param(incident(phase=Phase.NEW), True, id="from the moment it is stored"),
        pytest.param(incident(), True, id="holding"),
        pytest.param(cooling(), True, id="cooling"),
        pytest.param(incident(deleting=True), True, id="a deletion decides nothing by itself"),
        pytest.param(incident(release=released()), True, id="until the decision is stored"),
        pytest.param(leaving(Reason.RELEASED_BY_HAND), False, id="letting go"),
        pytest.param(incident(phase=Phase.CLOSED), False, id="closed"),
        pytest.param(incident(mode="observe"), False, id="observing"),
        pytest.param(incident(mode=""), False, id="no mode at all"),
    ],
)
def test_what_it_asks_for(given: Incident, asks: bool) -> None:  # noqa: FBT001
    assert asks_of(given) == ((PAUSE, SCALE) if asks else ())


@pytest.mark.parametrize(
    ("given", "due"),
    [
        (cooling(), at(10)),
        (incident(), None),
        (cooling(until="soon"), None),
        (leaving(Reason.COOL_DOWN_OVER), None),
    ],
    ids=["cooling", "holding", "unreadable", "letting go"],
)
def test_when_it_wants_to_be_looked_at_again(given: Incident, due: datetime | None) -> None:
    assert due_at(given, now=at(6)) == due


@pytest.mark.parametrize(
    ("given", "share"),
    [
        (ramping(), 0.1),
        (ramping(step=2), 0.5),
        (ramping(step=0), None),
        (ramping(step=3), None),
        (incident(resume=ramping().resume, status={"ramp": ramping().status.ramp}), None),
    ],
    ids=["first", "second", "none is open", "there is no such step", "held again"],
)
def test_what_a_step_lets_through(given: Incident, share: float | None) -> None:
    assert share_of(given) == share


@pytest.mark.parametrize(
    ("given", "due"),
    [
        (proposed(until=10), at(10)),
        (ramping(), at(25)),
        (ramping(since=30, step=2), at(40)),
        (incident(review_after_seconds=3600), at(60)),
        (cooling(review_after_seconds=480), at(8)),
        (incident(mode="observe", review_after_seconds=3600), None),
    ],
    ids=["approval", "step 1", "step 2", "review", "review before the cool-down ends", "observes"],
)
def test_each_phase_has_its_own_time(given: Incident, due: datetime | None) -> None:
    assert due_at(given, now=at(6)) == due


def test_a_review_is_put_off_by_a_person() -> None:
    given = incident(review_after_seconds=3600)
    later = dataclasses.replace(
        given, wishes=dataclasses.replace(given.wishes, review_at=told_at(600))
    )
    assert (review_at(given), review_at(later)) == (at(60), at(600))
    assert review_at(incident()) is None


@pytest.mark.parametrize("reason", [Reason.COOL_DOWN_OVER, Reason.RAMP_OVER])
def test_while_disarmed_what_fires_again_is_neither_held_nor_closed(reason: Reason) -> None:
    """Closed, nothing would tell of the alert once it is armed again."""
    fires = leaving(reason, phase=Phase.COOLING, status={"ramp": ramping().status.ramp})
    fires = dataclasses.replace(fires, alerts=alerts(fire=1))
    fires = dataclasses.replace(
        fires,
        status=dataclasses.replace(
            fires.status, ramp=dataclasses.replace(fires.status.ramp, resumed_at=told_at(-1))
        ),
    )
    for arming in (Arming.LEAVE, Arming.GIVE_BACK):
        assert stays(fires, Facts(given_back=True, arming=arming))
    again = advanced(fires, BACK)
    assert asks_of(again) == (PAUSE, SCALE)
    gone = dataclasses.replace(fires, deleting=True)
    assert advanced(gone, Facts(given_back=True, arming=Arming.LEAVE)).closed


def test_a_person_who_released_what_is_let_go_is_not_answered_by_holding_it() -> None:
    fires = wishing(leaving(Reason.COOL_DOWN_OVER), release=wished(5.5))
    let_go = advanced(fires)
    assert asks_of(let_go) == ()
    closed = advanced(let_go, BACK)
    assert closed.released_at == told_at(5.5), "and so it stays closed while that alert fires"


def test_a_late_reject_gives_back_nothing_that_is_held() -> None:
    """It is about what is proposed; who wants back what is held releases it."""
    held = wishing(incident(approval=proposed().approval), reject=wished())
    assert stays(held)
    assert held.rejection is None
    assert held.released_at == "", "what fires is still taken into it"
    assert advanced(wishing(proposed(), reject=wished())).released_at == told_at(5)


def test_the_switch_gives_back_what_is_held_at_any_moment() -> None:
    for given in (incident(alerts=OVER), incident(kind="manual"), cooling(), ramping()):
        let_go = advanced(given, DISARMED)
        assert (asks_of(let_go), let_go.status.letting_go is not None) == ((), True)
        assert advanced(let_go, BACK).status.outcome is Outcome.RELEASED


FIRING = alerts(fire=1)
FIRING_AT_ANY_MOMENT = [
    advanced(incident(phase=Phase.NEW), minutes=1),
    advanced(incident(phase=Phase.NEW, approval=Approval("it asks", 60, "act")), minutes=1),
    ramping(alerts=FIRING, stages=(STAGE,), status={"stages": (0,)}),
]


@pytest.mark.parametrize("given", FIRING_AT_ANY_MOMENT, ids=["held", "unasked", "in a step"])
def test_what_the_switch_gave_back_and_fires_on_waits_for_the_switch(given: Incident) -> None:
    """Closed, it would be held anew only once its sender repeats itself."""
    if given.status.phase is Phase.PROPOSED:
        given = advanced(given, minutes=3)
    stages, asked = given.status.stages, asks_of(given)
    waits = advanced(advanced(given, DISARMED), DISARMED_AND_BACK)
    assert (waits.status.phase, waits.status.reason) == (Phase.PROPOSED, Reason.DISARMED)
    assert (asks_of(waits), waits.status.letting_go, share_of(waits)) == ((), None, None)
    assert "1 alert(s) firing" in waits.status.message
    assert stays(waits, DISARMED_AND_BACK)
    again = advanced(waits)
    assert (again.status.phase, again.status.reason) == (Phase.HOLDING, Reason.ARMED_AGAIN)
    assert (asks_of(again), share_of(again), again.status.stages) == (asked, None, stages)


def test_what_was_given_back_and_is_held_anew_is_not_held_yet() -> None:
    """Or `Applied` would be True, and people told that it is held, before anything is written."""
    back = Target(ObjectKey("ConfigMap", "mail", "spring-sale"), TargetState.GIVEN_BACK)
    left = dataclasses.replace(back, message="its HorizontalPodAutoscaler is held instead")
    status = {"reason": str(Reason.DISARMED), "targets": (back, left)}
    waits = proposed(approval=None, status=status)
    (applied, *_) = conditions(waits, (back,), before=(), now=at(6))
    assert (applied.status, applied.message) == (
        "Unknown",
        "nothing is held until the responder is armed again",
    )
    assert advanced(waits).status.targets == (left,)
    resolved_too_early = leaving(Reason.COOL_DOWN_OVER, status={"targets": (back, left)})
    assert advanced(resolved_too_early).status.targets == (left,)
    assert advanced(incident(release=released(), status={"targets": (back,)})).status.targets


def test_armed_again_before_all_is_given_back_it_holds_at_once() -> None:
    for given in (incident(), ramping(alerts=FIRING)):
        again = advanced(advanced(given, DISARMED))
        assert (again.status.phase, again.status.reason) == (Phase.HOLDING, Reason.ARMED_AGAIN)
        assert (asks_of(again), share_of(again)) == ((PAUSE, SCALE), None)


def test_what_resolves_while_it_waits_for_the_switch_was_held_and_is_released() -> None:
    held = advanced(incident(phase=Phase.NEW), minutes=1)
    waits = advanced(advanced(held, DISARMED), DISARMED_AND_BACK)
    over = advanced(dataclasses.replace(waits, alerts=OVER), DISARMED)
    assert over.status.message == "all alerts resolved before the responder was armed again"
    assert advanced(over, DISARMED_AND_BACK).status.outcome is Outcome.RELEASED
    rejected = advanced(wishing(waits, reject=wished()), DISARMED)
    assert advanced(rejected, DISARMED_AND_BACK).status.outcome is Outcome.REJECTED


def test_who_releases_what_the_switch_gives_back_closes_it() -> None:
    let_go = advanced(incident(), DISARMED)
    released_too = wishing(let_go, release=wished())
    assert advanced(released_too, DISARMED_AND_BACK).status.reason == Reason.RELEASED_BY_HAND
    going = dataclasses.replace(let_go, deleting=True)
    assert advanced(going, DISARMED_AND_BACK).closed


def test_what_is_unknown_moves_nothing() -> None:
    for given in (
        incident(stages=(STAGE,)),
        cooling(stages=(STAGE,), until=told_at(16)),
        ramping(),
        ramping(step=2),
    ):
        unknown = answers(given, Truth.UNKNOWN)
        assert stays(given, Facts(answers=unknown), minutes=15.9)
