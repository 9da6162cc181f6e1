"""What is counted for budgets is what open incidents hold, in whatever order they come and go."""

import dataclasses
from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from responder.incidents.budgets import things_of
from responder.incidents.incident import Incident
from responder.incidents.policy import Approval
from responder.incidents.status import Phase
from responder.incidents.transitions import moment
from responder.reconcile.tally import Tally
from tests.incidents.given import NOW, PAUSE, SCALE, incident

PLANS = ((PAUSE,), (SCALE,), (PAUSE, SCALE), (dataclasses.replace(PAUSE, target="newsletter"),))


def one(number: int, plan: int, phase: Phase, *, minutes: int, proposed: bool) -> Incident:
    return incident(
        name=f"incident-{number}",
        plan=PLANS[plan],
        phase=phase,
        received_at=moment(NOW - timedelta(minutes=minutes)),
        approval=Approval("a budget") if proposed else None,
    )


INCIDENTS = st.builds(
    one,
    st.integers(0, 4),
    st.integers(0, 3),
    st.sampled_from([Phase.NEW, Phase.HOLDING, Phase.PROPOSED, Phase.CLOSED]),
    minutes=st.integers(0, 120),
    proposed=st.booleans(),
)


@given(st.lists(INCIDENTS | st.integers(0, 4)))
def test_it_counts_what_is_there(events: list[Incident | int]) -> None:
    tally = Tally()
    there: dict[str, Incident] = {}
    for event in events:
        if isinstance(event, int):
            tally.drop(f"incident-{event}")
            there.pop(f"incident-{event}", None)
        else:
            tally.put(event)
            there[event.name] = event
    holding = [each for each in there.values() if not each.closed and not each.waits_for_approval]
    load = tally.load(campaigns=0, now=NOW)
    assert load.held == Counter(thing for each in holding for thing in things_of(each))
    assert load.held_by_playbook == ({"high-bounce-rate": load.held} if holding else {})


def test_an_hour_is_an_hour_and_each_counts_once() -> None:
    tally = Tally()
    for number, minutes in enumerate((0, 30, 61)):
        for phase in (Phase.NEW, Phase.HOLDING, Phase.CLOSED):
            tally.put(one(number, 0, phase, minutes=minutes, proposed=False))
    assert tally.load(campaigns=0, now=NOW).last_hour == 2
    tally.drop("incident-0")
    assert tally.load(campaigns=0, now=NOW).last_hour == 1
