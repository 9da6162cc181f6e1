"""What one notification does to the newest incident of its identity."""

import dataclasses

import pytest

from responder.alerts.notification import Alert
from responder.incidents.absorption import Absorbed, absorb
from responder.incidents.bounds import MOST_ALERTS, MOST_SENDERS, sender_name
from responder.incidents.incident import Incident
from responder.incidents.requests import Request
from responder.incidents.status import Phase, Reason
from tests.incidents.given import (
    AM,
    alerts,
    closed,
    fingerprint,
    fingerprints,
    fires,
    firing,
    incident,
    recorded,
    released,
    resolved,
    told_at,
    written,
)

PEER = "http://alertmanager-1:9093"


def absorbed(current: Incident | None, *given: Alert, sender: str = AM) -> Absorbed:
    return absorb(current, given, sender=sender, now=told_at(9)).what


def after(current: Incident | None, *given: Alert, sender: str = AM) -> Incident | None:
    return written(current, absorb(current, given, sender=sender, now=told_at(9)))


BY_HAND = closed(reason=Reason.RELEASED_BY_HAND)
LEAVING = incident(
    release=released(),
    status={"letting_go": Request(told_at(5.1), "ada", str(Reason.RELEASED_BY_HAND))},
)
WISHED = incident(release=released())


@pytest.mark.parametrize(
    ("current", "given", "expected"),
    [
        pytest.param(None, [firing()], Absorbed.OPEN, id="the first alert opens"),
        pytest.param(None, [resolved()], Absorbed.KNOWN, id="a resolve opens nothing"),
        pytest.param(None, [firing(), resolved()], Absorbed.KNOWN, id="over before it was stored"),
        pytest.param(incident(), [firing()], Absorbed.KNOWN, id="a duplicate is known"),
        pytest.param(incident(), [firing(2)], Absorbed.CHANGE, id="another alert is taken in"),
        pytest.param(incident(), [resolved()], Absorbed.CHANGE, id="its resolve is taken in"),
        pytest.param(incident(), [resolved(2)], Absorbed.KNOWN, id="a stranger's resolve is not"),
        pytest.param(
            incident(), [resolved(minutes=-1)], Absorbed.KNOWN, id="an older resolve is ignored"
        ),
        pytest.param(
            incident(), [firing(minutes=-1)], Absorbed.KNOWN, id="an older firing is ignored"
        ),
        pytest.param(
            incident(), [firing(minutes=1)], Absorbed.CHANGE, id="a newer occurrence is recorded"
        ),
        pytest.param(
            incident(alerts=alerts(resolve=1)), [resolved()], Absorbed.KNOWN, id="resolved twice"
        ),
        pytest.param(
            incident(alerts=alerts(resolve=1)),
            [firing()],
            Absorbed.CHANGE,
            id="firing again with the same startsAt",
        ),
        pytest.param(
            incident(deleting=True), [firing(2)], Absorbed.TERMINATING, id="terminating: not now"
        ),
        pytest.param(
            incident(deleting=True), [firing()], Absorbed.KNOWN, id="terminating: nothing new"
        ),
        pytest.param(
            incident(deleting=True), [resolved()], Absorbed.KNOWN, id="terminating: a resolve"
        ),
        pytest.param(
            incident(deleting=True, release=released()),
            [firing(2)],
            Absorbed.TERMINATING,
            id="terminating and released",
        ),
        pytest.param(
            closed(reason=Reason.COOL_DOWN_OVER, alerts=alerts(resolve=1)),
            [firing()],
            Absorbed.OPEN,
            id="closed by itself: the same startsAt opens the next",
        ),
        pytest.param(
            closed(reason=Reason.COOL_DOWN_OVER, alerts=alerts(resolve=1)),
            [firing(minutes=-1)],
            Absorbed.KNOWN,
            id="closed by itself: a late older firing is ignored",
        ),
        pytest.param(
            closed(reason=Reason.COOL_DOWN_OVER, alerts=alerts(fire=1)),
            [firing()],
            Absorbed.OPEN,
            id="closed by itself although it fires: it opens the next",
        ),
        pytest.param(
            closed(reason=Reason.COOL_DOWN_OVER, alerts=alerts(resolve=1)),
            [resolved()],
            Absorbed.KNOWN,
            id="closed by itself: a resolve ends nothing",
        ),
        pytest.param(BY_HAND, [firing()], Absorbed.STAYS_CLOSED, id="by hand: stays closed"),
        pytest.param(BY_HAND, [resolved()], Absorbed.CHANGE, id="by hand: the resolve is seen"),
        pytest.param(
            BY_HAND, [firing(minutes=6)], Absorbed.OPEN, id="by hand: a new occurrence opens"
        ),
        pytest.param(
            BY_HAND, [firing(2, minutes=6)], Absorbed.OPEN, id="by hand: a later alert opens"
        ),
        pytest.param(
            BY_HAND,
            [firing(2, minutes=4)],
            Absorbed.STAYS_CLOSED,
            id="by hand: an alert that fired by then stays released",
        ),
        pytest.param(
            BY_HAND,
            [firing(), firing(2, minutes=6)],
            Absorbed.OPEN,
            id="by hand: one later alert is enough",
        ),
        pytest.param(
            closed(reason=Reason.RELEASED_BY_HAND, alerts=alerts(resolve=1)),
            [firing()],
            Absorbed.OPEN,
            id="by hand and resolved: firing again opens",
        ),
        pytest.param(
            closed(reason=Reason.RELEASED_BY_HAND, alerts=alerts(resolve=1)),
            [firing(2, minutes=-5)],
            Absorbed.OPEN,
            id="by hand and resolved: one that nobody had seen opens",
        ),
        pytest.param(
            closed(reason=Reason.DELETED),
            [firing()],
            Absorbed.OPEN,
            id="deleted, and it is still there",
        ),
        pytest.param(LEAVING, [firing()], Absorbed.STAYS_CLOSED, id="leaving: stays released"),
        pytest.param(
            LEAVING,
            [firing(2, minutes=5.05)],
            Absorbed.OPEN,
            id="leaving: what began after the wish opens the next at once",
        ),
        pytest.param(LEAVING, [resolved()], Absorbed.CHANGE, id="leaving: the resolve is seen"),
        pytest.param(WISHED, [firing()], Absorbed.STAYS_CLOSED, id="wished: stays released"),
        pytest.param(WISHED, [firing(2, minutes=6)], Absorbed.OPEN, id="wished: a later one opens"),
        pytest.param(
            incident(
                phase=Phase.COOLING,
                alerts=alerts(resolve=1),
                status={"letting_go": Request(told_at(5), "", str(Reason.COOL_DOWN_OVER))},
            ),
            [firing(2, minutes=6)],
            Absorbed.CHANGE,
            id="letting go by itself: it is taken in, and holds again",
        ),
    ],
)
def test_what_is_to_be_stored(
    current: Incident | None, given: list[Alert], expected: Absorbed
) -> None:
    assert absorbed(current, *given) is expected


def test_the_next_incident_takes_in_all_that_fires() -> None:
    """It would take in the released one with its next repetition anyway: one write instead."""
    given = [firing(), firing(2, minutes=6)]
    opened = after(BY_HAND, *given)
    assert fires(opened) == fingerprints([1, 2])
    assert absorbed(opened, *given) is Absorbed.KNOWN


def test_once_its_resolve_was_seen_a_released_alert_opens_again() -> None:
    """Also with the startsAt that it had: Alertmanager reports firing, resolved, firing so."""
    seen = after(BY_HAND, resolved())
    assert absorbed(seen, firing()) is Absorbed.OPEN


def test_one_of_two_released_alerts_resolves_and_fires_again() -> None:
    both = closed(reason=Reason.RELEASED_BY_HAND, alerts=alerts(fire=2))
    seen = after(both, resolved(2))
    assert absorbed(seen, firing(1)) is Absorbed.STAYS_CLOSED
    assert absorbed(seen, firing(2)) is Absorbed.OPEN


def test_firing_resolved_firing_with_one_starts_at_ends_as_firing() -> None:
    current = None
    for given in (firing(), resolved(), firing()):
        current = after(current, given)
    assert fires(current) == fingerprints([1])


def test_the_resolve_of_an_occurrence_that_nobody_took_in_is_kept() -> None:
    """It did fire: of one that resumed before it, that is a relapse."""
    over = after(after(None, firing()), resolved())
    assert over is not None
    again = after(over, resolved(minutes=5))
    assert again is not None
    assert (again.firing, again.begun_since(told_at(4)), over.begun_since(told_at(4))) == (0, 1, 0)
    assert absorbed(again, resolved(minutes=5), resolved()) is Absorbed.KNOWN


def test_an_alert_fires_as_long_as_one_sender_says_so() -> None:
    current = after(None, firing())
    current = after(current, firing(), sender=PEER)
    current = after(current, resolved(), sender=AM)
    assert fires(current) == fingerprints([1])
    current = after(current, resolved(), sender=PEER)
    assert fires(current) == set()


def test_a_peers_resolve_of_what_it_never_reported_ends_nothing() -> None:
    assert fires(after(incident(), resolved(), sender=PEER)) == fingerprints([1])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-11-24T18:00:00Z", "2026-11-24T19:00:00+01:00"),
        ("2026-11-24T18:00:00Z", "2026-11-24T18:00:00.000Z"),
        ("2026-11-24T18:00:00.1Z", "2026-11-24T18:00:00.100000000Z"),
    ],
    ids=["offset", "fraction of nothing", "trailing zeros"],
)
def test_one_moment_written_in_two_ways_is_one_occurrence(first: str, second: str) -> None:
    current = after(None, firing(starts_at=first))
    assert absorbed(current, firing(starts_at=second)) is Absorbed.KNOWN


def test_occurrences_a_nanosecond_apart_are_two() -> None:
    current = after(None, firing(starts_at="2026-11-24T18:00:00.000000001Z"))
    assert absorbed(current, resolved(starts_at="2026-11-24T18:00:00Z")) is Absorbed.KNOWN
    newer = firing(starts_at="2026-11-24T18:00:00.000000002Z")
    assert absorbed(current, newer) is Absorbed.CHANGE


def test_the_newest_occurrence_counts_whoever_reports_it() -> None:
    """As texts, 18:00:00Z comes after 18:00:00.5Z."""
    current = after(None, firing(starts_at="2026-11-24T18:00:00.5Z"))
    current = after(current, firing(starts_at="2026-11-24T18:00:00Z"), sender=PEER)
    assert current is not None
    assert current.alerts[fingerprint(1)].starts_at == "2026-11-24T18:00:00.5Z"


def test_junk_that_is_stored_as_a_time_compares_to_nothing() -> None:
    """Hand-made, or of a later version: no comparison raises."""
    odd = dataclasses.replace(recorded((AM, "firing", 0)).senders[AM], starts_at="yesterday")
    record = dataclasses.replace(recorded((AM, "firing", 0)), senders={AM: odd})
    assert record.starts_at == "yesterday"
    assert absorbed(incident(alerts={fingerprint(1): record}), resolved()) is Absorbed.CHANGE


# -- bounds


def many(first: int, last: int) -> list[Alert]:
    return [firing(number) for number in range(first, last + 1)]


def test_an_incident_takes_no_more_alerts_than_it_can_store() -> None:
    opened = after(None, *many(1, MOST_ALERTS + 50))
    assert opened is not None
    assert len(opened.alerts) == MOST_ALERTS
    assert opened.alerts_omitted == 50


def test_what_finds_no_room_is_counted_and_known_when_repeated() -> None:
    full = incident(alerts=alerts(fire=MOST_ALERTS))
    more = many(MOST_ALERTS + 1, MOST_ALERTS + 3)
    fuller = after(full, *more)
    assert fuller is not None
    assert (len(fuller.alerts), fuller.alerts_omitted) == (MOST_ALERTS, 3)
    assert absorbed(fuller, *more) is Absorbed.KNOWN
    assert absorbed(fuller, more[0]) is Absorbed.KNOWN


def test_resolved_alerts_make_room_the_ones_longest_ago_first() -> None:
    held = alerts(fire=MOST_ALERTS - 2)
    held |= {fingerprint(1000): recorded((AM, "resolved", 2))}
    held |= {fingerprint(1001): recorded((AM, "resolved", 1))}
    fuller = after(incident(alerts=held), firing(2000))
    assert fuller is not None
    assert len(fuller.alerts) == MOST_ALERTS
    assert fingerprint(1001) not in fuller.alerts
    assert {fingerprint(1000), fingerprint(2000)} <= fuller.alerts.keys()
    assert fuller.alerts_omitted == 0


def test_an_alert_that_resolves_makes_room_for_one_that_fires_in_the_same_notification() -> None:
    full = incident(alerts=alerts(fire=MOST_ALERTS))
    fuller = after(full, resolved(1), firing(2000))
    assert fuller is not None
    assert fingerprint(1) not in fuller.alerts
    assert fingerprint(2000) in fires(fuller)
    assert fuller.alerts_omitted == 0


def test_a_full_incident_still_takes_resolves() -> None:
    full = incident(alerts=alerts(fire=MOST_ALERTS))
    emptied = after(full, *(resolved(number) for number in range(1, MOST_ALERTS + 1)))
    assert emptied is not None
    assert emptied.firing == 0


def test_of_too_many_senders_those_that_say_resolved_go_first() -> None:
    told = [(f"http://am-{number}", "firing", number) for number in range(MOST_SENDERS - 1)]
    record = recorded(*told, ("http://gone", "resolved", 60))
    more = after(incident(alerts={fingerprint(1): record}), firing(), sender="http://new")
    assert more is not None
    senders = more.alerts[fingerprint(1)].senders
    assert len(senders) == MOST_SENDERS
    assert "http://new" in senders
    assert "http://gone" not in senders


def test_a_resolve_never_drives_out_a_sender_that_says_firing() -> None:
    record = recorded(*((f"http://am-{number}", "firing", 0) for number in range(MOST_SENDERS)))
    current = incident(alerts={fingerprint(1): record})
    assert absorbed(current, resolved(), sender="http://new") is Absorbed.KNOWN


def test_senders_with_long_names_are_told_apart() -> None:
    """The external URL is whatever the sender says."""
    long = "http://alertmanager.invalid/" + "x" * 5000
    current = after(None, firing(), sender=long + "a")
    current = after(current, firing(), sender=long + "b")
    current = after(current, resolved(), sender=long + "a")
    assert fires(current) == fingerprints([1])
    assert after(current, resolved(), sender=long + "b") is not None
    assert fires(after(current, resolved(), sender=long + "b")) == set()
    assert len(sender_name(long)) < 200
