"""What was lost on the way is taken in like what arrived, and never instead of what came since."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.alerts.notification import Alert
from responder.incidents.absorption import Absorbed, Absorption, absorb
from responder.incidents.incident import AlertRecord, Incident, Statement
from responder.incidents.recovery import lost_firings, lost_resolves
from responder.incidents.status import Outcome, Reason
from tests.incidents.given import (
    AM,
    alerts,
    at,
    closed,
    fingerprint,
    fires,
    firing,
    incident,
    recorded,
    released,
    told_at,
    written,
)

PEER, STRANGER = "http://alertmanager-1:9093", "http://grafana"
ASKED = (AM, PEER)
F = fingerprint(1)
BY_HAND = closed(reason=Reason.RELEASED_BY_HAND)
_LET_GO = closed(reason=Reason.EXPIRED)
EXPIRED = dataclasses.replace(
    _LET_GO, status=dataclasses.replace(_LET_GO.status, outcome=Outcome.EXPIRED)
)


def found_firing(current: Incident | None, *given: Alert, heard_before: float = 8) -> Absorption:
    return lost_firings(current, given, heard_before=at(heard_before), sender=AM, now=told_at(9))


def found_resolved(current: Incident | None, *, heard_before: float = 8) -> Absorption:
    return lost_resolves(
        current,
        [F],
        is_asked=ASKED.__contains__,
        heard_before=at(heard_before),
        now=told_at(9),
    )


@pytest.mark.parametrize(
    ("current", "given", "expected"),
    [
        pytest.param(None, [firing()], Absorbed.OPEN, id="nobody has heard of it"),
        pytest.param(incident(), [firing(2)], Absorbed.CHANGE, id="the incident has not"),
        pytest.param(incident(), [firing()], Absorbed.KNOWN, id="it holds it"),
        pytest.param(
            incident(alerts={F: recorded((STRANGER, "firing", 0))}),
            [firing()],
            Absorbed.KNOWN,
            id="another told: no second one that would have to resolve it",
        ),
        pytest.param(
            incident(alerts=alerts(resolve=1)), [firing()], Absorbed.CHANGE, id="held as resolved"
        ),
        pytest.param(
            incident(alerts={F: recorded((STRANGER, "resolved", 8.5))}),
            [firing()],
            Absorbed.KNOWN,
            id="it was heard to resolve meanwhile",
        ),
        pytest.param(BY_HAND, [firing()], Absorbed.STAYS_CLOSED, id="released while it fires"),
        pytest.param(
            incident(release=released()),
            [firing()],
            Absorbed.STAYS_CLOSED,
            id="just being released while it fires",
        ),
        pytest.param(BY_HAND, [firing(minutes=6)], Absorbed.OPEN, id="it fires anew since"),
        pytest.param(EXPIRED, [firing()], Absorbed.KNOWN, id="nobody decided, and it still fires"),
        pytest.param(EXPIRED, [firing(minutes=6)], Absorbed.OPEN, id="it began anew since then"),
        pytest.param(EXPIRED, [firing(2)], Absorbed.OPEN, id="another one than expired"),
        pytest.param(
            closed(reason=Reason.COOL_DOWN_OVER, alerts=alerts(resolve=1)),
            [firing()],
            Absorbed.OPEN,
            id="closed by itself",
        ),
        pytest.param(
            closed(reason=Reason.COOL_DOWN_OVER, alerts={F: recorded((AM, "resolved", 8.5))}),
            [firing(minutes=8.5)],
            Absorbed.KNOWN,
            id="closed by itself just now",
        ),
        pytest.param(
            incident(deleting=True), [firing(2)], Absorbed.TERMINATING, id="being deleted"
        ),
    ],
)
def test_a_lost_firing(current: Incident | None, given: list[Alert], expected: Absorbed) -> None:
    assert found_firing(current, *given).what is expected


def test_what_expired_is_proposed_again_once_its_sender_says_it_again() -> None:
    assert absorb(EXPIRED, [firing()], sender=AM, now=told_at(240)).what is Absorbed.OPEN


def test_what_is_taken_in_resolves_as_if_it_had_been_told() -> None:
    """Alertmanager's API cuts a start to milliseconds, its notifications don't."""
    listed = firing(starts_at="2026-11-24T18:00:00.123Z")
    told = firing(starts_at="2026-11-24T18:00:00.123456789Z")
    stored = written(None, found_firing(None, listed))
    assert fires(stored) == {F}
    assert absorb(stored, [told], sender=AM, now=told_at(10)).what is Absorbed.KNOWN
    end = told.model_copy(update={"status": "resolved"})
    assert fires(written(stored, absorb(stored, [end], sender=AM, now=told_at(10)))) == set()


def test_released_while_it_fires_it_stays_so_however_its_start_is_written() -> None:
    cut, whole = "2026-11-24T18:00:00.123Z", "2026-11-24T18:00:00.123456789Z"
    for stored, told in ((cut, whole), (whole, cut)):
        record = AlertRecord({AM: Statement("firing", stored, told_at(0))})
        by_hand = closed(reason=Reason.RELEASED_BY_HAND, alerts={F: record})
        given = firing(starts_at=told)
        assert absorb(by_hand, [given], sender=AM, now=told_at(9)).what is Absorbed.STAYS_CLOSED
        later = firing(starts_at="2026-11-24T18:00:00.124Z")
        assert absorb(by_hand, [later], sender=AM, now=told_at(9)).what is Absorbed.OPEN


@pytest.mark.parametrize(
    ("said", "still_firing"),
    [
        pytest.param([(AM, "firing", 0)], False, id="told by one that was asked"),
        pytest.param([(AM, "firing", 0), (PEER, "firing", 1)], False, id="told by two"),
        pytest.param([(AM, "firing", 0), (PEER, "resolved", 1)], False, id="resolved by one"),
        pytest.param([(STRANGER, "firing", 0)], True, id="told by a stranger"),
        pytest.param([(AM, "firing", 0), (STRANGER, "firing", 0)], True, id="told by both"),
        pytest.param([(AM, "firing", 8)], True, id="heard since they were asked"),
        pytest.param([(AM, "firing", 0), (PEER, "firing", 8.5)], True, id="one was heard since"),
    ],
)
def test_a_lost_resolve(said: list[tuple[str, str, float]], *, still_firing: bool) -> None:
    current = incident(alerts={F: recorded(*said)})
    assert fires(written(current, found_resolved(current))) == ({F} if still_firing else set())


def test_of_both_that_told_the_one_that_was_asked_has_resolved() -> None:
    current = incident(alerts={F: recorded((AM, "firing", 0), (STRANGER, "firing", 0))})
    after = found_resolved(current).alerts[F]
    assert {name: told.status for name, told in after.senders.items()} == {
        AM: "resolved",
        STRANGER: "firing",
    }


def test_the_end_of_a_released_alert_is_seen_too() -> None:
    """What it opened by firing again would stay closed otherwise."""
    after = written(BY_HAND, found_resolved(BY_HAND))
    assert fires(after) == set()
    assert absorb(after, [firing()], sender=AM, now=told_at(10)).what is Absorbed.OPEN


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(None, id="gone"),
        pytest.param(incident(alerts=alerts(resolve=1)), id="known"),
        pytest.param(incident(alerts={fingerprint(2): recorded((AM, "firing", 0))}), id="another"),
        pytest.param(incident(deleting=True), id="being deleted"),
        pytest.param(
            incident(alerts={F: AlertRecord({AM: Statement("firing", told_at(0), "yesterday")})}),
            id="heard who knows when",
        ),
    ],
)
def test_there_is_nothing_to_resolve(current: Incident | None) -> None:
    assert found_resolved(current).what is Absorbed.KNOWN


def test_what_is_odd_resolves_all_the_same() -> None:
    """Labels that found no room, and a start that was made by hand."""
    odd = AlertRecord({AM: Statement("firing", "yesterday", told_at(0))})
    current = incident(alerts={F: odd})
    assert fires(written(current, found_resolved(current))) == set()


SAID = st.lists(
    st.tuples(
        st.sampled_from([AM, PEER, STRANGER]),
        st.sampled_from(["firing", "resolved"]),
        st.sampled_from([0.0, 3.0, 7.9, 8.0, 8.5]),
    ),
    max_size=4,
)


@given(said=SAID, by_hand=st.booleans())
def test_only_what_asked_senders_said_a_while_ago_is_resolved(
    said: list[tuple[str, str, float]], *, by_hand: bool
) -> None:
    record = recorded(*said)
    before = (
        closed(reason=Reason.RELEASED_BY_HAND, alerts={F: record})
        if by_hand
        else incident(alerts={F: record})
    )
    after = written(before, found_resolved(before))
    assert after is not None
    heard = {name: told for name, told in record.senders.items() if name in ASKED}
    is_quiet = all(told.at < told_at(8) for told in heard.values())
    for name, told in after.alerts[F].senders.items():
        is_over = name in ASKED and is_quiet
        was = record.senders[name].status
        assert told.status == ("resolved" if is_over else was)
    if not record.firing:
        assert after == before
    again = found_resolved(dataclasses.replace(after), heard_before=8)
    assert again.what is Absorbed.KNOWN


@given(said=SAID, minutes=st.sampled_from([0.0, 6.0]))
def test_a_firing_that_was_found_never_ends_anything(
    said: list[tuple[str, str, float]], minutes: float
) -> None:
    before = incident(alerts={F: recorded(*said)} if said else {})
    after = written(before, found_firing(before, firing(minutes=minutes)))
    assert fires(before) <= fires(after)
    assert found_firing(after, firing(minutes=minutes)).what is Absorbed.KNOWN
