"""`Confirmed`: what is seen of each hold, and what that comes to by the deadline."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from responder.holds.objects import ObjectKey
from responder.incidents.confirmation import Confirmation, Effect, Sight
from responder.incidents.confirming import (
    confirm_due_at,
    followed,
    is_awaited,
    look_again_at,
    turn_of,
)
from responder.incidents.explaining import confirmation, waits_for
from responder.incidents.incident import Incident
from responder.incidents.lifecycle import advance
from responder.incidents.policy import UNCONFIRMED, Approval, Stage
from responder.incidents.requests import Request, Wishes
from responder.incidents.status import Condition, Entry, Phase, Ramp, Reason, Target, TargetState
from responder.incidents.summary import conditions
from responder.incidents.transitions import Arming, Facts
from tests.incidents.given import NOW, PAUSE, SCALE, at, incident, told_at

WITHIN = 120.0
SEEN = Sight("campaign/spring-sale", Effect.SEEN, "nothing is sent any more")
GONE = Sight("Deployment/email-sender", Effect.SEEN, "no pod is left")
LEFT = Sight("Deployment/email-sender", Effect.DENIED, "3 pod(s) are left, and 2 may be")
DARK = Sight("campaign/spring-sale", Effect.UNKNOWN, "Down: no route")
APPLIED = Confirmation("0-0", told_at(0), told_at(1))


def target(subject: str, kind: str, name: str, state: TargetState = TargetState.APPLIED) -> Target:
    return Target(ObjectKey(kind, "mail", name), state, subject)


PAUSED = target("campaign/spring-sale", "ConfigMap", "spring-sale")
SCALED = target("Deployment/email-sender", "Deployment", "email-sender")
REFUSED = replace(SCALED, state=TargetState.NOT_ALLOWED, message="not labelled")


def held(
    *,
    targets: tuple[Target, ...] = (PAUSED, SCALED),
    record: Confirmation = APPLIED,
    phase: Phase = Phase.HOLDING,
    stages: tuple[Stage, ...] = (),
    **status: Any,  # noqa: ANN401 -- fields of a status
) -> Incident:
    return incident(
        phase=phase,
        status={"targets": targets, "confirmation": record, **status},
        stages=stages,
    )


def condition(item: Incident, *sights: Sight, minutes: float = 1.0) -> Condition:
    found = conditions(
        item,
        item.status.targets,
        before=item.status.conditions,
        now=at(minutes),
        sights=sights,
        confirm_within_seconds=WITHIN,
    )
    return next(one for one in found if one.type == "Confirmed")


def step(item: Incident, *sights: Sight, minutes: float, applied: bool = True) -> Confirmation:
    return followed(item, sights, applied=applied, now=at(minutes))


# -- what sights come to


@pytest.mark.parametrize(
    ("sights", "minutes", "status", "reason", "message"),
    [
        pytest.param((SEEN, LEFT), 2.9, "Unknown", "Waiting", "", id="before the deadline"),
        pytest.param(
            (SEEN, LEFT),
            3,
            "False",
            "NotConfirmed",
            "Deployment/email-sender: 3 pod(s) are left, and 2 may be; "
            "campaign/spring-sale: nothing is sent any more",
            id="at the deadline: what denies it first",
        ),
        pytest.param(
            (DARK, LEFT), 3, "False", "NotConfirmed", "", id="one denies it, whatever is unknown"
        ),
        pytest.param(
            (DARK, GONE),
            3,
            "Unknown",
            "NothingKnown",
            "campaign/spring-sale: Down: no route",
            id="what is unknown is no denial",
        ),
        pytest.param((), 3, "Unknown", "NothingKnown", "nothing of it can be seen", id="nothing"),
        pytest.param(
            (DARK, GONE), 6000, "Unknown", "NothingKnown", "", id="however long it has been so"
        ),
    ],
)
def test_what_sights_come_to(
    sights: tuple[Sight, ...], minutes: float, status: str, reason: str, message: str
) -> None:
    found = condition(held(), *sights, minutes=minutes)
    assert (found.status, found.reason) == (status, reason)
    assert not message or found.message == message


def test_a_hold_that_is_not_written_keeps_the_whole_from_being_confirmed() -> None:
    item = held(targets=(PAUSED, REFUSED))
    assert step(item, SEEN, minutes=2, applied=False).confirmed_at == ""
    found = condition(item, SEEN, minutes=4)
    assert (found.status, found.reason) == ("Unknown", "NotApplied")


def test_what_is_written_and_does_not_take_hold_is_told_though_the_rest_is_not_written() -> None:
    item = held(targets=(PAUSED, REFUSED))
    denied = replace(SEEN, effect=Effect.DENIED, message="mail is still sent")
    assert condition(item, denied, minutes=4).reason == "NotConfirmed"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (held(record=Confirmation()), "Pending"),
        (held(phase=Phase.RAMPING, ramp=Ramp(step=1, step_since=told_at(1))), "Ramping"),
        (held(letting_go=Request(at=told_at(2), by="ada", reason="Released")), "LettingGo"),
        (
            replace(
                incident(phase=Phase.PROPOSED, approval=Approval("the playbook asks for it")),
            ),
            "Proposed",
        ),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_while_nothing_can_be_looked_for(item: Incident, reason: str) -> None:
    found = condition(item, minutes=30)
    assert (found.status, found.reason) == ("Unknown", reason)


# -- the record


def test_the_record_runs_from_the_notification_to_the_last_effect_that_is_seen() -> None:
    item = held(record=Confirmation(), targets=(PAUSED,))
    begun = step(item, minutes=0.5)
    # The Deployment has not been looked at yet.
    assert begun == Confirmation("0-0", told_at(0), "")
    item = held(record=begun)
    written = step(item, minutes=1)
    assert written == APPLIED
    item = held(record=written)
    assert step(item, SEEN, LEFT, minutes=2) == written
    assert step(item, DARK, GONE, minutes=2) == written
    seen = step(item, SEEN, GONE, minutes=2)
    assert seen == replace(APPLIED, confirmed_at=told_at(2))
    assert seen.milliseconds == 120_000
    item = held(record=seen)
    assert step(item, DARK, LEFT, minutes=9) == seen
    assert condition(item, SEEN, GONE, minutes=9).status == "True"


def test_what_it_was_confirmed_by_is_told_for_as_long_as_it_is() -> None:
    record = replace(APPLIED, confirmed_at=told_at(2))
    known = Condition("Confirmed", "True", "Seen", "nothing is sent", told_at(2))
    found = condition(held(record=record, conditions=(known,)), minutes=30)
    assert found == known


def test_nothing_is_applied_before_something_is() -> None:
    refused = replace(PAUSED, state=TargetState.NOT_ALLOWED)
    item = held(record=Confirmation(), targets=(refused, REFUSED))
    assert step(item, minutes=1, applied=False).applied_at == ""


@pytest.mark.parametrize(
    ("changed", "turn"),
    [
        ({"ramp": Ramp(relapses=1, relapsed_at=told_at(3))}, "1-0"),
        ({"stages": (0,)}, "0-1"),
    ],
)
def test_what_tightens_is_confirmed_anew(changed: dict[str, Any], turn: str) -> None:
    stage = Stage(UNCONFIRMED, 60, (SCALE,))
    record = replace(APPLIED, confirmed_at=told_at(2))
    item = held(record=record, stages=(stage,))
    item = replace(item, status=replace(item.status, **changed))
    assert not is_awaited(item)
    found = step(item, SEEN, LEFT, SEEN, minutes=4)
    assert found == Confirmation(turn, told_at(4), told_at(4))
    assert is_awaited(replace(item, status=replace(item.status, confirmation=found)))


def test_a_step_that_loosens_is_no_new_turn() -> None:
    record = replace(APPLIED, confirmed_at=told_at(2))
    item = held(record=record, phase=Phase.RAMPING, ramp=Ramp(step=1, step_since=told_at(3)))
    assert step(item, minutes=4) == record
    assert condition(item, minutes=4).status == "True"


def test_letting_go_ends_the_turn_and_holding_again_begins_one() -> None:
    record = replace(APPLIED, confirmed_at=told_at(2))
    leaving = held(record=record, letting_go=Request(at=told_at(3), by="", reason="CoolDownOver"))
    ended = step(leaving, minutes=3)
    assert ended == replace(record, turn="")
    assert step(held(record=ended), minutes=5) == Confirmation("0-0", told_at(5), told_at(5))


def test_the_time_in_which_it_waited_for_a_person_is_none_of_the_brakes() -> None:
    proposed = Entry(told_at(0), "Proposed", "WaitsForApproval: ...")
    item = replace(
        held(record=Confirmation(), timeline=(proposed,)),
        wishes=Wishes(approve=Request(at=told_at(5), by="ada")),
    )
    item = replace(item, status=replace(item.status, since=told_at(5)))
    assert step(item, minutes=6).begun_at == told_at(5)


def test_one_that_asks_for_nothing_has_no_turn() -> None:
    assert turn_of(incident(mode="observe")) == ""
    assert turn_of(incident(phase=Phase.CLOSED)) == ""
    assert turn_of(held()) == "0-0"


@pytest.mark.parametrize(
    "record", [Confirmation(), APPLIED, replace(APPLIED, turn="", confirmed_at=told_at(2))]
)
def test_a_record_is_read_as_it_was_written(record: Confirmation) -> None:
    told = record.to_json()
    kept = {key: value for key, value in (told or {}).items() if value is not None}
    assert Confirmation.from_json(kept) == record


def test_a_record_that_a_person_made_up_is_none() -> None:
    assert Confirmation.from_json({"turn": 1, "appliedAt": None}) == Confirmation()
    assert Confirmation("0-0", "soon", "", "later").milliseconds is None


# -- how often it is looked for


@pytest.mark.parametrize(
    ("passed_minutes", "gap_minutes"),
    [
        pytest.param(1, 0, id="before the deadline in each round"),
        pytest.param(4, 0, id="and for as long again"),
        pytest.param(8, 2, id="then after a quarter of its age"),
        pytest.param(600, 15, id="at last every fifteen minutes"),
    ],
)
def test_the_longer_nothing_was_seen_the_more_seldom_it_is_looked_for(
    passed_minutes: float, gap_minutes: float
) -> None:
    now = at(1 + passed_minutes)
    found = look_again_at(held(), looked_at=now, within_seconds=WITHIN)
    assert found == now + timedelta(minutes=gap_minutes)


def test_an_open_incident_costs_few_looks_in_a_day() -> None:
    """Asked every 15 s it would be 5,760."""
    now = again_at = at(1)
    looks = 0
    for _ in range(24 * 60 * 4):
        now += timedelta(seconds=15)
        if now >= again_at:
            again_at = look_again_at(held(), looked_at=now, within_seconds=WITHIN)
            looks += 1
    assert looks < 130


# -- escalation


STAGE = Stage(UNCONFIRMED, 60, (SCALE,))


def denied(status: str = "False", *, since: float = 3) -> Condition:
    return Condition(
        "Confirmed",
        status,  # type: ignore[arg-type]
        "NotConfirmed",
        "campaign/spring-sale: mail is still sent",
        told_at(since),
    )


@pytest.mark.parametrize(
    ("told", "minutes", "arming", "escalates"),
    [
        (denied(), 3.9, Arming.ARMED, False),
        (denied(), 4, Arming.ARMED, True),
        (denied(), 4, Arming.LEAVE, False),
        (denied("Unknown"), 400, Arming.ARMED, False),
        (denied("True"), 400, Arming.ARMED, False),
    ],
    ids=["too soon", "long enough", "disarmed", "unknown never escalates", "seen"],
)
def test_a_brake_that_is_seen_not_to_take_hold_reaches_the_stage(
    told: Condition, minutes: float, arming: Arming, *, escalates: bool
) -> None:
    item = held(stages=(STAGE,), conditions=(told,))
    found = advance(item, Facts(arming=arming), now=at(minutes))
    if not escalates:
        assert found is None
        return
    assert found is not None
    assert found.reason is Reason.ESCALATED
    assert found.status.stages == (0,)
    assert found.status.message == (
        "stage 1 of 1: the brake has not taken hold: campaign/spring-sale: mail is still sent"
    )
    after = replace(item, status=found.status)
    assert advance(after, Facts(), now=at(minutes)) is None


def test_a_stage_that_was_reached_gives_the_next_one_a_deadline_of_its_own() -> None:
    item = held(stages=(STAGE, STAGE), conditions=(denied(),))
    found = advance(item, Facts(), now=at(4))
    assert found is not None
    assert found.status.stages == (0,)
    later = replace(item, status=found.status)
    record = step(later, SEEN, LEFT, LEFT, minutes=4)
    later = replace(later, status=replace(later.status, confirmation=record))
    assert condition(later, SEEN, LEFT, LEFT, minutes=4).reason == "Waiting"


def test_it_is_looked_at_again_at_the_deadline_and_when_the_stage_is_due() -> None:
    item = held(stages=(STAGE,))
    assert confirm_due_at(item, now=at(1.5), within_seconds=WITHIN) == at(3)
    assert confirm_due_at(item, now=at(3), within_seconds=WITHIN) is None
    item = held(stages=(STAGE,), conditions=(denied(),))
    assert confirm_due_at(item, now=at(3), within_seconds=WITHIN) == at(4)
    reached = held(stages=(STAGE,), conditions=(denied(),), record=replace(APPLIED, turn="0-1"))
    reached = replace(reached, status=replace(reached.status, stages=(0,)))
    assert confirm_due_at(reached, now=at(3), within_seconds=WITHIN) is None
    assert confirm_due_at(held(record=Confirmation()), now=NOW, within_seconds=WITHIN) is None


# -- in words


def test_a_person_is_told() -> None:
    assert confirmation(held(record=Confirmation())) == ()
    item = held(conditions=(denied(),))
    assert confirmation(item) == (("NOT HELD", "campaign/spring-sale: mail is still sent"),)
    record = replace(APPLIED, confirmed_at=told_at(2))
    seen = Condition("Confirmed", "True", "Seen", "no pod is left", told_at(2))
    item = held(record=record, conditions=(seen,))
    assert confirmation(item) == (("took hold", "in 120000 ms; no pod is left"),)
    told = "nothing, but looks whether the brake takes hold: stage 1 of 1 is held if it is seen "
    assert told + "not to for 60 s" in waits_for(held(stages=(STAGE,)), now=at(2))


def test_the_plan_of_the_tests_is_what_the_targets_stand_for() -> None:
    assert held().plan == (PAUSE, SCALE)
