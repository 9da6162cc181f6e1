"""What was released, rejected or ramped over stays closed until its resolve was seen."""

import dataclasses

import pytest

from responder.incidents.absorption import Absorbed, absorb
from responder.incidents.incident import Incident
from responder.incidents.requests import Request
from responder.incidents.status import Outcome, Phase, Ramp, Reason
from tests.incidents.given import (
    AM,
    alerts,
    fingerprint,
    firing,
    incident,
    proposed,
    recorded,
    resolved,
    told_at,
    wished,
    wishing,
    written,
)


def ended(reason: Reason, *, open_still: bool = False) -> Incident:
    """It was let go while alert 1 fires since NOW; it resumed, where it did, 10 minutes later."""
    given = incident(
        phase=Phase.RAMPING if open_still else Phase.CLOSED,
        alerts=alerts(fire=1),
        status={
            "outcome": None if open_still else Outcome.RELEASED,
            "letting_go": Request(at=told_at(20), by="ada", reason=str(reason)),
            "ramp": Ramp(step=2, step_since=told_at(15), resumed_at=told_at(10)),
            "firing": 1,
        },
    )
    wish = {Reason.RELEASED_BY_HAND: "release", Reason.REJECTED: "reject"}.get(reason)
    return given if wish is None else wishing(given, **{wish: wished(10)})


SETTLED = pytest.mark.parametrize(
    "reason", [Reason.RELEASED_BY_HAND, Reason.REJECTED, Reason.RAMP_OVER]
)


@SETTLED
def test_the_same_occurrence_stays_closed(reason: Reason) -> None:
    told = absorb(ended(reason), [firing(1)], sender=AM, now=told_at(30))
    assert told.what is Absorbed.STAYS_CLOSED


@SETTLED
def test_another_that_began_by_then_stays_closed_too(reason: Reason) -> None:
    told = absorb(ended(reason), [firing(2, minutes=9)], sender=AM, now=told_at(30))
    assert told.what is Absorbed.STAYS_CLOSED


@SETTLED
def test_a_new_occurrence_opens_the_next_incident(reason: Reason) -> None:
    for alert in (firing(1, minutes=11), firing(2, minutes=11)):
        told = absorb(ended(reason), [alert], sender=AM, now=told_at(30))
        assert told.what is Absorbed.OPEN


@SETTLED
def test_once_its_resolve_was_seen_it_is_news_again(reason: Reason) -> None:
    last = ended(reason)
    told = absorb(last, [resolved(1)], sender=AM, now=told_at(30))
    assert told.what is Absorbed.CHANGE
    after = written(last, told)
    assert absorb(after, [firing(1)], sender=AM, now=told_at(31)).what is Absorbed.OPEN


def test_what_is_ramped_over_and_not_closed_yet_takes_alerts_in() -> None:
    """So that a new firing is still a relapse."""
    last = ended(Reason.RAMP_OVER, open_still=True)
    told = absorb(last, [firing(2, minutes=21)], sender=AM, now=told_at(22))
    assert told.what is Absorbed.CHANGE


@pytest.mark.parametrize(
    "last",
    [
        ended(Reason.COOL_DOWN_OVER),
        ended(Reason.DISARMED),
        ended(Reason.DELETED),
        ended(Reason.EXPIRED),
        wishing(ended(Reason.COOL_DOWN_OVER), release=wished(21)),
        wishing(ended(Reason.DISARMED), reject=wished(21)),
    ],
    ids=["the cool-down", "the switch", "deleted", "expired", "released too late",
         "rejected too late"],
)  # fmt: skip
def test_what_nobody_settled_opens_the_next_incident(last: Incident) -> None:
    told = absorb(last, [firing(1)], sender=AM, now=told_at(30))
    assert told.what is Absorbed.OPEN


@pytest.mark.parametrize(
    ("last", "settled"),
    [
        (wishing(proposed(), reject=wished()), True),
        (wishing(incident(), release=wished()), True),
        (wishing(incident(), reject=wished()), False),
        (wishing(incident(), approve=wished(), acknowledge=wished()), False),
    ],
    ids=["rejected", "released", "rejected, and held already", "other wishes"],
)
def test_a_wish_settles_before_it_is_carried_out(last: Incident, settled: bool) -> None:  # noqa: FBT001
    told = absorb(last, [firing(1)], sender=AM, now=told_at(30)).what
    assert (told is Absorbed.STAYS_CLOSED) == settled
    fresh = {fingerprint(2): recorded((AM, "firing", 0))}
    known = dataclasses.replace(last, alerts={**last.alerts, **fresh})
    assert absorb(known, [resolved(2)], sender=AM, now=told_at(30)).what is Absorbed.CHANGE
