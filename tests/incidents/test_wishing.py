"""What a person may ask of an incident as it stands."""

import dataclasses

import pytest

from responder.incidents.incident import Incident
from responder.incidents.requests import Wish
from responder.incidents.status import Phase, Reason
from responder.incidents.wishing import is_noted, possible, why_not
from tests.incidents.given import (
    cooling,
    incident,
    leaving,
    proposed,
    ramping,
    wished,
    wishing,
)

A, J, K, R, E = Wish.APPROVE, Wish.REJECT, Wish.ACKNOWLEDGE, Wish.RELEASE, Wish.EXTEND
DISARMED = proposed(approval=None, status={"reason": str(Reason.DISARMED)})


@pytest.mark.parametrize(
    ("given", "may"),
    [
        (incident(phase=Phase.NEW), {K, R, E}),
        (incident(phase=Phase.NEW, approval=proposed().approval), {A, J, K, R, E}),
        (proposed(), {A, J, R, E}),
        (wishing(proposed(), approve=wished()), {R, E}),
        (wishing(proposed(), reject=wished()), {R, E}),
        (DISARMED, {J, R, E}),
        (incident(), {K, R, E}),
        (wishing(incident(), acknowledge=wished()), {R, E}),
        (cooling(), {K, R, E}),
        (ramping(), {K, R, E}),
        (wishing(ramping(relapses=1), acknowledge=wished(-1)), {K, R, E}),
        (leaving(Reason.COOL_DOWN_OVER), {K, R, E}),
        (leaving(Reason.EXPIRED, phase=Phase.PROPOSED), {R, E}),
        (wishing(incident(), release=wished()), {K, E}),
        (incident(phase=Phase.CLOSED), set()),
    ],
    ids=["new", "new to approve", "proposed", "approved", "rejected", "disarmed", "holding",
         "acknowledged", "cooling", "ramping", "acknowledged before a relapse", "letting go",
         "expiring", "released", "closed"],
)  # fmt: skip
def test_what_may_be_asked(given: Incident, may: set[Wish]) -> None:
    assert set(possible(given)) == may


def test_what_stands_already_is_noted() -> None:
    held = wishing(incident(), release=wished(), acknowledge=wished(), extend=wished())
    assert [is_noted(held, wish) for wish in Wish] == [False, False, True, True, False]
    assert is_noted(incident(phase=Phase.CLOSED), R), "it is carried out"


def test_why_not_is_told_in_words() -> None:
    told = {why_not(incident(), A), why_not(leaving(Reason.EXPIRED), A), why_not(DISARMED, A)}
    told |= {why_not(wishing(proposed(), reject=wished()), A), why_not(proposed(), K)}
    assert len(told) == 5
    assert "" not in told


def test_an_acknowledgement_may_be_given_anew_after_each_relapse() -> None:
    before = wishing(ramping(), acknowledge=wished(5))
    assert is_noted(before, K)
    relapsed = dataclasses.replace(before, status=ramping(relapses=1).status)
    relapsed = wishing(relapsed, acknowledge=wished(-5))
    assert not is_noted(relapsed, K)
