"""Every phase meets every fact: where an incident goes, and why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.incidents.incident import (
    FIRST_TIMELINE,
    MOST_TIMELINE,
    Entry,
    Incident,
    Outcome,
    Phase,
    Reason,
    Request,
    Resume,
    Trigger,
)
from responder.incidents.lifecycle import Facts, advance, asks_of, due_at, moment, noted
from tests.incidents.builders import AT, NOW, PAUSE, after, incident

NOTHING = Facts()
BACK = Facts(given_back=True)
MEANT = Facts(deletion_meant=True)
RELEASE = Request(at=AT, by="ana", reason="cleaned")
MANUAL = Trigger(kind="manual", by="ana", reason="runaway")


def cooling(*, firing: bool = False, until: str = "2026-11-24T18:10:00.000000Z") -> Incident:
    made = incident(firing=firing, phase=Phase.COOLING)
    return replace(made, status=replace(made.status, cooling_until=until))


@pytest.mark.parametrize(
    ("current", "facts", "phase", "reason"),
    [
        pytest.param(
            incident(phase=Phase.NEW), NOTHING, Phase.HOLDING, Reason.ALERT_FIRING, id="new"
        ),
        pytest.param(
            incident(phase=Phase.NEW, mode="observe"),
            NOTHING,
            Phase.HOLDING,
            Reason.OBSERVING,
            id="new-and-observing",
        ),
        pytest.param(
            incident(phase=Phase.NEW, trigger=MANUAL),
            NOTHING,
            Phase.HOLDING,
            Reason.TRIGGERED,
            id="new-by-hand",
        ),
        pytest.param(
            incident(firing=False), NOTHING, Phase.COOLING, Reason.ALERTS_RESOLVED, id="resolved"
        ),
        pytest.param(
            incident(firing=False, resume=Resume(manual=True)),
            NOTHING,
            Phase.HOLDING,
            Reason.WAITS_FOR_PERSON,
            id="resolved-but-manual",
        ),
        pytest.param(
            incident(firing=False, resume=Resume(needs_person=("acknowledge",))),
            NOTHING,
            Phase.HOLDING,
            Reason.WAITS_FOR_PERSON,
            id="resolved-but-needs-a-person",
        ),
        pytest.param(
            cooling(firing=True), NOTHING, Phase.HOLDING, Reason.FIRING_AGAIN, id="fires-again"
        ),
        pytest.param(
            cooling(until=AT), NOTHING, Phase.COOLING, Reason.COOL_DOWN_OVER, id="cool-down-over"
        ),
        pytest.param(
            incident(release=RELEASE),
            NOTHING,
            Phase.HOLDING,
            Reason.RELEASED_BY_HAND,
            id="released-while-firing",
        ),
        pytest.param(
            incident(deleting=True), MEANT, Phase.HOLDING, Reason.DELETED, id="deleted-by-a-person"
        ),
        pytest.param(
            incident(firing=False, phase=Phase.COOLING, letting_go=Reason.COOL_DOWN_OVER),
            BACK,
            Phase.CLOSED,
            Reason.GIVEN_BACK,
            id="given-back",
        ),
        pytest.param(
            incident(firing=True, phase=Phase.COOLING, letting_go=Reason.COOL_DOWN_OVER),
            NOTHING,
            Phase.HOLDING,
            Reason.FIRING_AGAIN,
            id="fires-again-while-letting-go",
        ),
        pytest.param(
            incident(firing=True, phase=Phase.COOLING, letting_go=Reason.COOL_DOWN_OVER),
            BACK,
            Phase.HOLDING,
            Reason.FIRING_AGAIN,
            id="fires-again-just-before-the-close",
        ),
        pytest.param(
            incident(firing=True, letting_go=Reason.RELEASED_BY_HAND),
            BACK,
            Phase.CLOSED,
            Reason.GIVEN_BACK,
            id="released-by-hand-closes-though-it-fires",
        ),
    ],
)
def test_a_phase_meets_a_fact(
    current: Incident, facts: Facts, phase: Phase, reason: Reason
) -> None:
    transition = advance(current, facts, now=NOW)

    assert transition is not None
    assert (transition.status.phase, transition.reason) == (phase, reason)
    assert transition.status.timeline[-1].why.startswith(f"{reason}: ")


@pytest.mark.parametrize(
    ("current", "facts"),
    [
        pytest.param(incident(), NOTHING, id="holding-and-firing"),
        pytest.param(cooling(), NOTHING, id="cooling-and-not-yet"),
        pytest.param(incident(deleting=True), NOTHING, id="the-definition-ends-holds-stay"),
        pytest.param(incident(phase=Phase.CLOSED), BACK, id="closed"),
        pytest.param(
            incident(firing=False, letting_go=Reason.RELEASED_BY_HAND), NOTHING, id="not-given-back"
        ),
        pytest.param(incident(firing=False, trigger=MANUAL, alerts={}), NOTHING, id="by-hand"),
    ],
)
def test_nothing_happens(current: Incident, facts: Facts) -> None:
    assert advance(current, facts, now=NOW) is None


@given(
    phase=st.sampled_from(list(Phase)),
    firing=st.booleans(),
    letting_go=st.sampled_from(["", *map(str, Reason)]),
    release=st.sampled_from([None, RELEASE]),
    deleting=st.booleans(),
    mode=st.sampled_from(["auto", "observe"]),
    resume=st.sampled_from(
        [Resume(), Resume(after_seconds=600), Resume(manual=True), Resume(needs_person=("why",))]
    ),
    trigger=st.sampled_from([MANUAL, Trigger(kind="alertmanager")]),
    given_back=st.booleans(),
    meant=st.booleans(),
    minutes=st.integers(min_value=-30, max_value=30),
)
def test_no_history_closes_without_a_decision_to_let_go_and_a_give_back(
    *,
    phase: Phase,
    firing: bool,
    letting_go: str,
    release: Request | None,
    deleting: bool,
    mode: str,
    resume: Resume,
    trigger: Trigger,
    given_back: bool,
    meant: bool,
    minutes: int,
) -> None:
    current = incident(
        phase=phase,
        firing=firing,
        letting_go=letting_go,
        release=release,
        deleting=deleting,
        mode=mode,
        resume=resume,
        trigger=trigger,
    )
    facts = Facts(given_back=given_back, deletion_meant=meant)
    for _ in range(8):
        transition = advance(current, facts, now=after(minutes=minutes))
        if transition is None:
            break
        before, status = current.status, transition.status
        assert transition.reason
        assert len(status.timeline) == len(before.timeline) + 1
        if status.phase is Phase.CLOSED:
            assert before.letting_go is not None
            assert given_back
            assert status.outcome is not None
        needs_person = resume.manual or resume.needs_person or trigger.kind == "manual"
        if status.letting_go is not None and before.letting_go is None and needs_person:
            assert (
                release is not None
                or (deleting and meant)
                or mode == "observe"
                or (phase is Phase.COOLING)
            )
        if firing and before.letting_go is None and status.letting_go is not None:
            assert release is not None or (deleting and meant)
        current = replace(current, status=status)
    else:
        raise AssertionError("an incident turns in circles")


def test_it_asks_for_its_holds_until_the_decision_to_let_go_is_stored() -> None:
    assert asks_of(incident(phase=Phase.NEW)) == (PAUSE,)
    assert asks_of(incident(firing=False, phase=Phase.COOLING)) == (PAUSE,)
    assert asks_of(incident(deleting=True)) == (PAUSE,)
    assert asks_of(incident(release=RELEASE)) == (PAUSE,)
    assert asks_of(incident(letting_go=Reason.COOL_DOWN_OVER)) == ()
    assert asks_of(incident(phase=Phase.CLOSED)) == ()
    assert asks_of(incident(mode="observe")) == ()


def test_a_cool_down_of_zero_is_over_at_once() -> None:
    current = incident(firing=False, resume=Resume(after_seconds=0))
    first = advance(current, NOTHING, now=NOW)
    assert first is not None
    second = advance(replace(current, status=first.status), NOTHING, now=NOW)
    assert second is not None
    assert second.reason is Reason.COOL_DOWN_OVER


def test_an_observed_incident_ends_as_observed() -> None:
    current = incident(firing=False, mode="observe", letting_go=Reason.COOL_DOWN_OVER)
    closed = advance(current, BACK, now=NOW)
    assert closed is not None
    assert closed.status.outcome is Outcome.OBSERVED


def test_the_end_of_the_cool_down_is_when_to_look_again() -> None:
    assert due_at(cooling(until=moment(after(minutes=5)))) == after(minutes=5)
    assert due_at(incident()) is None


def test_a_full_timeline_keeps_its_beginning_and_its_end() -> None:
    timeline: tuple[Entry, ...] = ()
    for number in range(200):
        timeline = noted(timeline, Entry(time=AT, what=str(number)))
    told = [int(entry.what) for entry in timeline]
    assert len(told) == MOST_TIMELINE
    assert told[:FIRST_TIMELINE] == list(range(FIRST_TIMELINE))
    assert told[-1] == 199
