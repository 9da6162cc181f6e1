"""Nothing is loosened, and the incident says why: at 3 am nobody reads a log."""

import dataclasses

import pytest

from responder.incidents.incident import Incident
from responder.incidents.status import Condition, Reason
from responder.incidents.withheld import WITHHELD, with_withheld
from responder.reconcile.fence import Alone, Fence
from responder.telling import in_full
from tests.incidents.given import at, incident, leaving, ramping, told_at

APPLIED = Condition("Applied", "True", "Committed")


def told(of: Incident, why: str, *, minutes: float = 6) -> tuple[Condition, ...]:
    return with_withheld(of, why, (APPLIED,), now=told_at(minutes))


async def nothing_to_list() -> None:
    pass


def why(skew: float) -> str:
    fence = Fence(leadership=Alone(), skew_seconds=lambda: skew, catch_up=nothing_to_list)
    return fence.withheld()


@pytest.mark.parametrize("skew", [5.1, -6, 3600])
def test_clocks_that_differ_are_told_in_words_that_stay_the_same(skew: float) -> None:
    assert "differ by more than 5 s; set them right (NTP)" in why(skew)
    assert why(skew) == why(7)
    assert why(5.0) == why(0) == ""


@pytest.mark.parametrize("given", [leaving(Reason.COOL_DOWN_OVER), ramping()])
def test_what_is_to_be_eased_and_is_not_is_told_until_it_is(given: Incident) -> None:
    assert told(given, "") == (APPLIED,)
    withheld = told(given, why(7))
    assert [(one.type, one.status) for one in withheld[1:]] == [(WITHHELD, "True")]
    there = dataclasses.replace(
        given, status=dataclasses.replace(given.status, conditions=withheld)
    )
    assert "WITHHELD   nothing is loosened: the clocks" in in_full(there, now=at(7))
    assert told(there, why(9), minutes=8) == withheld
    (over,) = told(there, "", minutes=9)[1:]
    assert (over.status, over.last_transition_time) == ("False", told_at(9))


def test_what_holds_has_nothing_that_could_be_withheld() -> None:
    assert told(incident(), why(7)) == (APPLIED,)
    assert told(leaving(Reason.COOL_DOWN_OVER, mode="observe"), why(7)) == (APPLIED,)
