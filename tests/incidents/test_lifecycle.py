"""Every phase, met with every fact: where an incident goes, and why."""

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from responder.incidents.incident import Incident
from responder.incidents.lifecycle import advance, asks_of, due_at, recounted
from responder.incidents.policy import Resume
from responder.incidents.requests import Request
from responder.incidents.status import FIRST_TIMELINE, MOST_TIMELINE, Entry, Outcome, Phase, Reason
from responder.incidents.transitions import Facts, moment, noted, read_moment
from tests.incidents.given import PAUSE, SCALE, alerts, at, incident, released, told_at

NOTHING = Facts()
BACK = Facts(given_back=True)
MEANT = Facts(deletion_meant=True)


def leaving(reason: Reason, **given: Any) -> Incident:  # noqa: ANN401 -- fields of an incident
    request = Request(at=told_at(5), by="ada", reason=str(reason))
    return incident(status={"letting_go": request}, **given)


def cooling(*, until: str | None = None, **given: Any) -> Incident:  # noqa: ANN401 -- as above
    given = {"alerts": alerts(resolve=1), **given}
    until = told_at(10) if until is None else until
    return incident(phase=Phase.COOLING, status={"cooling_until": until}, **given)


MANUAL = Resume(manual=True)
PERSON = Resume(after_seconds=600, needs_person=("the cause must be acknowledged",))
OVER = alerts(resolve=1)
WAITING = {"reason": str(Reason.WAITS_FOR_PERSON), "firing": 0}

STAYS: list[Any] = [
    pytest.param(incident(status={"firing": 1}), NOTHING, id="it fires: it is held"),
    pytest.param(incident(status={"firing": 1}), BACK, id="nobody let go: nothing is given back"),
    pytest.param(incident(kind="manual"), NOTHING, id="by hand: held until released"),
    pytest.param(
        incident(deleting=True, status={"firing": 1}), NOTHING, id="the definition is deleted"
    ),
    pytest.param(cooling(deleting=True), NOTHING, id="the definition is deleted while it cools"),
    pytest.param(cooling(), NOTHING, id="it cools"),
    pytest.param(
        incident(alerts=OVER, resume=MANUAL, status=WAITING), NOTHING, id="it waits for a person"
    ),
    pytest.param(leaving(Reason.COOL_DOWN_OVER, alerts=OVER), NOTHING, id="not all given back"),
    pytest.param(leaving(Reason.RELEASED_BY_HAND), NOTHING, id="released, not all given back"),
    pytest.param(leaving(Reason.DELETED, deleting=True), MEANT, id="deleted, not all given back"),
    pytest.param(incident(phase=Phase.CLOSED), BACK, id="closed"),
    pytest.param(
        incident(phase=Phase.CLOSED, release=released(), deleting=True), MEANT, id="closed for good"
    ),
]


@pytest.mark.parametrize(("given", "facts"), STAYS)
def test_it_stays_as_it_is(given: Incident, facts: Facts) -> None:
    assert advance(given, facts, now=at(6)) is None


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


GOES: list[Any] = [
    pytest.param(
        incident(phase=Phase.NEW), NOTHING, Phase.HOLDING, Reason.ALERT_FIRING, id="new: an alert"
    ),
    pytest.param(
        incident(phase=Phase.NEW, kind="manual"),
        NOTHING,
        Phase.HOLDING,
        Reason.TRIGGERED,
        id="new: a person",
    ),
    pytest.param(
        incident(phase=Phase.NEW, mode="observe"),
        NOTHING,
        Phase.HOLDING,
        Reason.OBSERVING,
        id="new: only observing",
    ),
    pytest.param(
        incident(phase=Phase.NEW, release=released()),
        NOTHING,
        Phase.HOLDING,
        Reason.ALERT_FIRING,
        id="new and released: first things first",
    ),
    pytest.param(
        incident(alerts=OVER), NOTHING, Phase.COOLING, Reason.ALERTS_RESOLVED, id="all resolved"
    ),
    pytest.param(
        incident(alerts=OVER, resume=MANUAL),
        NOTHING,
        Phase.HOLDING,
        Reason.WAITS_FOR_PERSON,
        id="all resolved: manual",
    ),
    pytest.param(
        incident(alerts=OVER, resume=PERSON),
        NOTHING,
        Phase.HOLDING,
        Reason.WAITS_FOR_PERSON,
        id="all resolved: a person must look",
    ),
    pytest.param(
        incident(alerts=OVER, alerts_omitted=3),
        NOTHING,
        Phase.HOLDING,
        Reason.WAITS_FOR_PERSON,
        id="all resolved of those that found room",
    ),
    pytest.param(
        incident(resume=MANUAL, status=WAITING),
        NOTHING,
        Phase.HOLDING,
        Reason.ALERT_FIRING,
        id="it waited for a person and fires again",
    ),
    pytest.param(
        incident(alerts=OVER, resume=MANUAL, mode="observe"),
        NOTHING,
        Phase.COOLING,
        Reason.ALERTS_RESOLVED,
        id="observing: nothing for a person to release",
    ),
    pytest.param(
        cooling(alerts=alerts(fire=1)),
        NOTHING,
        Phase.HOLDING,
        Reason.FIRING_AGAIN,
        id="firing again while it cools",
    ),
    pytest.param(
        cooling(until=told_at(6)),
        NOTHING,
        Phase.COOLING,
        Reason.COOL_DOWN_OVER,
        id="cool-down over",
    ),
    pytest.param(
        cooling(until=""), NOTHING, Phase.COOLING, Reason.ALERTS_RESOLVED, id="cooling since ever"
    ),
    pytest.param(
        incident(release=released()),
        NOTHING,
        Phase.HOLDING,
        Reason.RELEASED_BY_HAND,
        id="released while it fires",
    ),
    pytest.param(
        cooling(release=released()),
        NOTHING,
        Phase.COOLING,
        Reason.RELEASED_BY_HAND,
        id="released while it cools",
    ),
    pytest.param(
        incident(kind="manual", release=released()),
        NOTHING,
        Phase.HOLDING,
        Reason.RELEASED_BY_HAND,
        id="triggered and released",
    ),
    pytest.param(
        incident(deleting=True), MEANT, Phase.HOLDING, Reason.DELETED, id="deleted by a person"
    ),
    pytest.param(
        incident(deleting=True, release=released()),
        NOTHING,
        Phase.HOLDING,
        Reason.RELEASED_BY_HAND,
        id="released while the definition goes",
    ),
    pytest.param(
        leaving(Reason.COOL_DOWN_OVER),
        NOTHING,
        Phase.HOLDING,
        Reason.FIRING_AGAIN,
        id="firing again before all was given back",
    ),
    pytest.param(
        leaving(Reason.COOL_DOWN_OVER),
        BACK,
        Phase.HOLDING,
        Reason.FIRING_AGAIN,
        id="firing again before it was closed",
    ),
    pytest.param(
        leaving(Reason.COOL_DOWN_OVER, alerts=OVER),
        BACK,
        Phase.CLOSED,
        Reason.GIVEN_BACK,
        id="all given back",
    ),
    pytest.param(
        leaving(Reason.RELEASED_BY_HAND),
        BACK,
        Phase.CLOSED,
        Reason.GIVEN_BACK,
        id="released: firing again doesn't cancel it",
    ),
    pytest.param(
        leaving(Reason.DELETED, deleting=True),
        BACK,
        Phase.CLOSED,
        Reason.GIVEN_BACK,
        id="deleted: firing again doesn't cancel it",
    ),
]


@pytest.mark.parametrize(("given", "facts", "phase", "reason"), GOES)
def test_where_it_goes_and_why(given: Incident, facts: Facts, phase: Phase, reason: Reason) -> None:
    transition = advance(given, facts, now=at(6))
    assert transition is not None
    status = transition.status
    assert (status.phase, transition.reason) == (phase, reason)
    assert status.reason == str(reason)
    assert status.message
    entry = status.timeline[-1]
    assert (entry.time, entry.what) == (told_at(6), str(phase))
    assert entry.why.startswith(f"{reason}: ")
    assert status.since == (told_at(6) if phase is not given.status.phase else told_at(0))


def test_the_cool_down_counts_from_the_last_resolve() -> None:
    after = advance(incident(alerts=OVER, resume=Resume(after_seconds=90)), NOTHING, now=at(6))
    assert after is not None
    assert after.status.cooling_until == moment(at(6) + timedelta(seconds=90))


def test_a_cool_down_of_nothing_is_over_at_once() -> None:
    given = incident(alerts=OVER, resume=Resume(after_seconds=0))
    cooled = advance(given, NOTHING, now=at(6))
    assert cooled is not None
    over = advance(dataclasses.replace(given, status=cooled.status), NOTHING, now=at(6))
    assert over is not None
    assert over.reason is Reason.COOL_DOWN_OVER


def test_time_is_what_it_is_told() -> None:
    """To the microsecond: no clock is read."""
    just_before = read_moment(told_at(10))
    assert just_before is not None
    assert advance(cooling(), NOTHING, now=just_before - timedelta(microseconds=1)) is None
    assert advance(cooling(), NOTHING, now=just_before) is not None


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
        (cooling(until=told_at(6)), "campaign-responder"),
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
    ("text", "read"),
    [
        (told_at(0), at(0)),
        ("2026-11-24T18:00:00Z", at(0)),
        ("2026-11-24T19:00:00+01:00", at(0)),
        ("2026-11-24T18:00:00", at(0)),
        ("", None),
        ("soon", None),
    ],
    ids=["ours", "whole seconds", "offset", "no zone: UTC", "nothing", "junk"],
)
def test_stored_times_are_read_and_compare(text: str, read: datetime | None) -> None:
    assert read_moment(text) == read


def test_times_are_written_as_kubernetes_micro_time() -> None:
    """Exactly six digits and Z, else the API server answers 400."""
    local = datetime(2026, 11, 24, 19, tzinfo=timezone(timedelta(hours=1)))
    assert moment(local) == "2026-11-24T18:00:00.000000Z"
    assert moment(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000001Z"


def test_of_a_long_timeline_the_beginning_and_the_end_are_kept() -> None:
    timeline: tuple[Entry, ...] = ()
    for number in range(500):
        timeline = noted(timeline, Entry(time=told_at(number), what=str(number)))
    told = [int(entry.what) for entry in timeline]
    newest = MOST_TIMELINE - FIRST_TIMELINE
    assert told == [*range(FIRST_TIMELINE), *range(500 - newest, 500)]


def test_a_long_story_is_cut_to_what_the_resource_takes() -> None:
    told = Resume(needs_person=("x" * 1024,) * 16)
    waits = advance(incident(alerts=OVER, resume=told), NOTHING, now=at(6))
    assert waits is not None
    assert len(waits.status.message) < 4096
    assert len(waits.status.timeline[-1].why) < 4096
