"""Every situation, met with every fact: where an incident goes, and why. Half an hour after NOW."""

from collections.abc import Mapping
from typing import Final

import pytest

from responder.incidents.lifecycle import advance
from tests.incidents.given import at, told_at
from tests.incidents.situations import FACTS, SITUATIONS

EXPECTED: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "new": (
        "Holding AlertFiring",
        {
            "disarmed: leave": "Proposed Disarmed",
            "disarmed: give back": "Proposed Disarmed",
            "disarmed, answers yes": "Proposed Disarmed",
            "disarmed, answers no": "Proposed Disarmed",
            "disarmed, approved": "Proposed Disarmed",
            "approved": "Holding Approved",
            "approved and rejected": "Holding Approved",
        },
    ),
    "new by hand": (
        "Holding Triggered",
        {
            "disarmed: leave": "Proposed Disarmed",
            "disarmed: give back": "Proposed Disarmed",
            "disarmed, answers yes": "Proposed Disarmed",
            "disarmed, answers no": "Proposed Disarmed",
            "disarmed, approved": "Proposed Disarmed",
            "approved": "Holding Approved",
            "approved and rejected": "Holding Approved",
        },
    ),
    "new to approve": (
        "Proposed WaitsForApproval",
        {"disarmed, approved": "Proposed Disarmed", "approved": "Holding Approved"},
    ),
    "new to observe": ("Holding Observing", {}),
    "proposed": (
        "stays",
        {
            "deleted": "Proposed Deleted",
            "approved": "Holding Approved",
            "rejected": "Proposed Rejected",
            "approved and rejected": "Proposed Rejected",
            "released": "Proposed ReleasedByHand",
        },
    ),
    "proposed, resolved": (
        "Proposed AlertsResolved",
        {
            "deleted": "Proposed Deleted",
            "approved": "Holding Approved",
            "rejected": "Proposed Rejected",
            "approved and rejected": "Proposed Rejected",
            "released": "Proposed ReleasedByHand",
        },
    ),
    "proposed, nobody decided: act": (
        "Holding NobodyDecided",
        {
            "deleted": "Proposed Deleted",
            "disarmed: leave": "stays",
            "disarmed: give back": "stays",
            "disarmed, answers yes": "stays",
            "disarmed, answers no": "stays",
            "disarmed, approved": "stays",
            "approved": "Holding Approved",
            "rejected": "Proposed Rejected",
            "approved and rejected": "Proposed Rejected",
            "released": "Proposed ReleasedByHand",
            "over budget": "Proposed WaitsForApproval",
            "held already": "stays",
        },
    ),
    "proposed, nobody decided: expire": (
        "Proposed Expired",
        {
            "deleted": "Proposed Deleted",
            "disarmed, approved": "stays",
            "approved": "Holding Approved",
            "rejected": "Proposed Rejected",
            "approved and rejected": "Proposed Rejected",
            "released": "Proposed ReleasedByHand",
        },
    ),
    "proposed because disarmed": (
        "Holding ArmedAgain",
        {
            "deleted": "Proposed Deleted",
            "disarmed: leave": "stays",
            "disarmed: give back": "stays",
            "disarmed, answers yes": "stays",
            "disarmed, answers no": "stays",
            "disarmed, approved": "stays",
            "approved": "Holding Approved",
            "rejected": "Proposed Rejected",
            "approved and rejected": "Proposed Rejected",
            "released": "Proposed ReleasedByHand",
            "over budget": "Proposed WaitsForApproval",
            "held already": "stays",
        },
    ),
    "holding, firing": (
        "stays",
        {
            "deleted": "Holding Deleted",
            "disarmed: give back": "Holding Disarmed",
            "answers yes": "Holding Escalated",
            "released": "Holding ReleasedByHand",
        },
    ),
    "holding, resolved": (
        "Cooling AlertsResolved",
        {
            "deleted": "Holding Deleted",
            "disarmed: give back": "Holding Disarmed",
            "released": "Holding ReleasedByHand",
        },
    ),
    "holding, resolved, resumed by hand": (
        "Holding WaitsForPerson",
        {
            "deleted": "Holding Deleted",
            "disarmed: give back": "Holding Disarmed",
            "released": "Holding ReleasedByHand",
        },
    ),
    "holding, triggered": (
        "stays",
        {
            "deleted": "Holding Deleted",
            "disarmed: give back": "Holding Disarmed",
            "acknowledged": "Cooling Acknowledged",
            "acknowledged long ago": "Cooling Acknowledged",
            "released": "Holding ReleasedByHand",
        },
    ),
    "holding, triggered, resumed by hand": (
        "stays",
        {
            "deleted": "Holding Deleted",
            "disarmed: give back": "Holding Disarmed",
            "acknowledged": "Holding WaitsForPerson",
            "acknowledged long ago": "Holding WaitsForPerson",
            "released": "Holding ReleasedByHand",
        },
    ),
    "cooling": (
        "stays",
        {
            "deleted": "Cooling Deleted",
            "disarmed: give back": "Cooling Disarmed",
            "answers yes": "Holding Escalated",
            "released": "Cooling ReleasedByHand",
        },
    ),
    "cooled": (
        "Cooling CoolDownOver",
        {
            "deleted": "Cooling Deleted",
            "disarmed: leave": "Cooling Disarmed",
            "disarmed: give back": "Cooling Disarmed",
            "disarmed, answers yes": "Cooling Disarmed",
            "disarmed, answers no": "Cooling Disarmed",
            "disarmed, approved": "Cooling Disarmed",
            "released": "Cooling ReleasedByHand",
            "held already": "Cooling Disarmed",
        },
    ),
    "cooled, a person asked for": (
        "Cooling WaitsForAcknowledgement",
        {
            "deleted": "Cooling Deleted",
            "disarmed: give back": "Cooling Disarmed",
            "acknowledged": "Ramping StepOpened",
            "acknowledged long ago": "Ramping StepOpened",
            "released": "Cooling ReleasedByHand",
        },
    ),
    "cooled, with steps": (
        "Ramping StepOpened",
        {
            "deleted": "Cooling Deleted",
            "disarmed: leave": "Cooling Disarmed",
            "disarmed: give back": "Cooling Disarmed",
            "disarmed, answers yes": "Cooling Disarmed",
            "disarmed, answers no": "Cooling Disarmed",
            "disarmed, approved": "Cooling Disarmed",
            "released": "Cooling ReleasedByHand",
            "held already": "Cooling Disarmed",
        },
    ),
    "cooled, with a check": (
        "Cooling WaitsForEvidence",
        {
            "deleted": "Cooling Deleted",
            "disarmed: leave": "Cooling Disarmed",
            "disarmed: give back": "Cooling Disarmed",
            "disarmed, answers yes": "Cooling Disarmed",
            "disarmed, answers no": "Cooling Disarmed",
            "disarmed, approved": "Cooling Disarmed",
            "answers yes": "Cooling CoolDownOver",
            "released": "Cooling ReleasedByHand",
            "held already": "Cooling Disarmed",
        },
    ),
    "cooled after two relapses": (
        "Cooling WaitsForAcknowledgement",
        {
            "deleted": "Cooling Deleted",
            "disarmed: give back": "Cooling Disarmed",
            "acknowledged": "Ramping StepOpened",
            "released": "Cooling ReleasedByHand",
        },
    ),
    "step 1, too early": (
        "stays",
        {
            "deleted": "Ramping Deleted",
            "disarmed: leave": "Ramping Disarmed",
            "disarmed, answers yes": "Ramping Disarmed",
            "disarmed, answers no": "Ramping Disarmed",
            "disarmed, approved": "Ramping Disarmed",
            "held already": "Ramping Disarmed",
            "disarmed: give back": "Ramping Disarmed",
            "answers no": "Holding Relapsed",
            "released": "Ramping ReleasedByHand",
        },
    ),
    "step 1, in time": (
        "stays",
        {
            "deleted": "Ramping Deleted",
            "disarmed: leave": "Ramping Disarmed",
            "disarmed, answers yes": "Ramping Disarmed",
            "disarmed, answers no": "Ramping Disarmed",
            "disarmed, approved": "Ramping Disarmed",
            "held already": "Ramping Disarmed",
            "disarmed: give back": "Ramping Disarmed",
            "answers yes": "Ramping StepOpened",
            "answers no": "Holding Relapsed",
            "released": "Ramping ReleasedByHand",
        },
    ),
    "step 2, in time": (
        "stays",
        {
            "deleted": "Ramping Deleted",
            "disarmed: leave": "Ramping Disarmed",
            "disarmed, answers yes": "Ramping Disarmed",
            "disarmed, answers no": "Ramping Disarmed",
            "disarmed, approved": "Ramping Disarmed",
            "held already": "Ramping Disarmed",
            "disarmed: give back": "Ramping Disarmed",
            "answers yes": "Ramping RampOver",
            "answers no": "Holding Relapsed",
            "released": "Ramping ReleasedByHand",
        },
    ),
    "step 2, observed alerts fire on": (
        "stays",
        {
            "deleted": "Ramping Deleted",
            "disarmed: leave": "Ramping Disarmed",
            "disarmed, answers yes": "Ramping Disarmed",
            "disarmed, answers no": "Ramping Disarmed",
            "disarmed, approved": "Ramping Disarmed",
            "held already": "Ramping Disarmed",
            "disarmed: give back": "Ramping Disarmed",
            "answers yes": "Ramping RampOver",
            "answers no": "Holding Relapsed",
            "released": "Ramping ReleasedByHand",
        },
    ),
    "ramping, firing anew": (
        "Holding Relapsed",
        {
            "deleted": "Ramping Deleted",
            "disarmed: leave": "Ramping Disarmed",
            "disarmed: give back": "Ramping Disarmed",
            "disarmed, answers yes": "Ramping Disarmed",
            "disarmed, answers no": "Ramping Disarmed",
            "disarmed, approved": "Ramping Disarmed",
            "released": "Ramping ReleasedByHand",
            "held already": "Ramping Disarmed",
        },
    ),
    "leaving after the cool-down": ("stays", {"given back": "Closed GivenBack"}),
    "leaving after the cool-down, firing": (
        "Holding FiringAgain",
        {
            "deleted": "Cooling Deleted",
            "disarmed: leave": "stays",
            "disarmed: give back": "stays",
            "disarmed, answers yes": "stays",
            "disarmed, answers no": "stays",
            "disarmed, approved": "stays",
            "released": "Cooling ReleasedByHand",
            "held already": "stays",
        },
    ),
    "leaving after the ramp, firing on": ("stays", {"given back": "Closed GivenBack"}),
    "leaving after the ramp, firing anew": (
        "Holding Relapsed",
        {
            "deleted": "Ramping Deleted",
            "disarmed: leave": "stays",
            "disarmed: give back": "stays",
            "disarmed, answers yes": "stays",
            "disarmed, answers no": "stays",
            "disarmed, approved": "stays",
            "released": "Ramping ReleasedByHand",
            "held already": "stays",
        },
    ),
    "leaving after the ramp, to observe": ("stays", {"given back": "Closed GivenBack"}),
    "leaving by a person, firing": ("stays", {"given back": "Closed GivenBack"}),
    "leaving by the switch, firing": (
        "Holding ArmedAgain",
        {
            "deleted": "Holding Deleted",
            "disarmed: leave": "stays",
            "disarmed: give back": "stays",
            "disarmed, answers yes": "stays",
            "disarmed, answers no": "stays",
            "disarmed, approved": "stays",
            "released": "Holding ReleasedByHand",
            "held already": "stays",
        },
    ),
    "leaving unapproved, firing": (
        "Proposed WaitsForApproval",
        {
            "deleted": "Proposed Deleted",
            "disarmed, approved": "Proposed Disarmed",
            "approved": "Holding Approved",
            "rejected": "Proposed Rejected",
            "approved and rejected": "Proposed Rejected",
            "released": "Proposed ReleasedByHand",
        },
    ),
    "leaving while disarmed and unheld, firing": (
        "Holding FiringAgain",
        {
            "deleted": "Proposed Deleted",
            "disarmed: leave": "Proposed Disarmed",
            "disarmed: give back": "Proposed Disarmed",
            "disarmed, answers yes": "Proposed Disarmed",
            "disarmed, answers no": "Proposed Disarmed",
            "disarmed, approved": "Proposed Disarmed",
            "approved": "Holding Approved",
            "rejected": "Proposed Rejected",
            "approved and rejected": "Proposed Rejected",
            "released": "Proposed ReleasedByHand",
            "over budget": "Proposed WaitsForApproval",
            "held already": "Proposed Disarmed",
        },
    ),
    "closed": ("stays", {}),
}
"""By situation: where it goes by itself, and the facts that make it go elsewhere."""


def test_nothing_is_left_out() -> None:
    assert EXPECTED.keys() == SITUATIONS.keys()
    assert all(different.keys() <= FACTS.keys() for _, different in EXPECTED.values())


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_where_it_goes_and_why(situation: str, fact: str) -> None:
    given, facts = FACTS[fact](SITUATIONS[situation])
    by_itself, different = EXPECTED[situation]
    transition = advance(given, facts, now=at(30))
    if transition is None:
        assert different.get(fact, by_itself) == "stays"
        return
    before, status = given.status, transition.status
    assert f"{status.phase} {status.reason}" == different.get(fact, by_itself)
    assert status.reason == str(transition.reason)
    assert status.message
    entry = status.timeline[-1]
    assert (entry.time, entry.what) == (told_at(30), str(status.phase))
    assert entry.why == f"{status.reason}: {status.message}"
    assert status.since == (told_at(30) if status.phase is not before.phase else told_at(0))
