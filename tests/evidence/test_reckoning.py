"""Only alerts that asked Alertmanagers told are theirs to resolve; a wrong name makes unknown."""

from datetime import timedelta

import pytest

from responder.evidence.comparing import Comparison, KnownAlert, compare
from responder.evidence.listings import AlertState, ListedAlert, Listing, Unheard
from responder.evidence.reckoning import Known, Senders, compared
from responder.evidence.verdict import Unknown
from responder.incidents.bounds import sender_name
from responder.incidents.incident import Incident
from responder.incidents.status import Reason
from tests.incidents.given import (
    AM,
    NOW,
    alerts,
    at,
    closed,
    fingerprint,
    incident,
    recorded,
    told_at,
)

OTHER, STRANGER = "http://alertmanager-1:9093", "http://grafana"
URLS = (AM, OTHER)
F = fingerprint(1)


def known(*incidents: Incident, names: tuple[str, ...] = ()) -> Known:
    found = Known(Senders.of(URLS, names), now=at(9))
    for each in incidents:
        found.add(each)
    return found


@pytest.mark.parametrize(
    ("external", "names"),
    [
        ((), URLS),
        (("https://alerts.example/am/",), ("https://alerts.example/am",) * 2),
        (("http://a", "http://b/"), ("http://a", "http://b")),
        (("http://" + "x" * 300,), (sender_name("http://" + "x" * 300),) * 2),
    ],
)
def test_they_are_known_by_what_is_set(external: tuple[str, ...], names: tuple[str, ...]) -> None:
    senders = Senders.of(URLS, external)
    assert senders.names == names
    assert all(map(senders.are_asked, names))
    assert senders.are_asked(f"{names[0]}/")
    assert not senders.are_asked(STRANGER)


def test_names_without_an_address_fit_nothing() -> None:
    with pytest.raises(ValueError, match="one external URL for all"):
        Senders.of(URLS, ("http://a", "http://b", "http://c"))


@pytest.mark.parametrize(
    ("said", "firing"),
    [
        ([(AM, "firing", 0)], True),
        ([(AM, "firing", 0), (OTHER, "resolved", 1)], True),
        ([(AM, "resolved", 0), (OTHER, "resolved", 1)], False),
        ([(AM, "firing", 1), (STRANGER, "firing", 8)], True),
        ([(AM, "resolved", 1), (STRANGER, "resolved", 8)], False),
    ],
)
def test_what_they_said_counts_and_when(
    said: list[tuple[str, str, float]], *, firing: bool
) -> None:
    found = known(incident(alerts={F: recorded(*said)}))
    heard = max(minutes for name, _, minutes in said if name != STRANGER)
    latest = max(minutes for _, _, minutes in said)
    assert found.alerts == {F: KnownAlert(F, firing, told_at(latest), at(heard))}
    assert found.doubts == {}


@pytest.mark.parametrize(
    "said",
    [[(STRANGER, "firing", 0)], [(AM, "resolved", 1), (STRANGER, "firing", 0)]],
    ids=["a stranger told it", "a stranger says that it still fires"],
)
def test_what_others_say_is_unknown(said: list[tuple[str, str, float]]) -> None:
    found = known(incident(alerts={F: recorded(*said)}))
    assert found.alerts == {}
    assert found.doubts[F].reason is Unknown.UNKNOWN_SENDER
    assert STRANGER in found.doubts[F].message


def test_a_name_that_is_not_set_resolves_nothing() -> None:
    """They answer, they list nothing, and still: whoever told it may be another."""
    found = known(incident(), names=("https://alerts.example",))
    assert (found.alerts, set(found.doubts)) == ({}, {F})


def test_of_closed_incidents_counts_what_a_person_left_firing() -> None:
    by_hand = closed(reason=Reason.RELEASED_BY_HAND)
    assert known(by_hand).alerts[F].firing
    over = closed(reason=Reason.COOL_DOWN_OVER, alerts=alerts(resolve=1))
    assert known(over).alerts == {}
    told_by_another = closed(
        reason=Reason.RELEASED_BY_HAND, alerts={F: recorded((STRANGER, "firing", 0))}
    )
    assert known(told_by_another).doubts == {}
    assert known(incident(kind="manual")).alerts == {}


def test_it_fires_if_it_does_so_in_one_incident() -> None:
    fires, over = incident(), incident(alerts={F: recorded((AM, "resolved", 4))})
    expected = KnownAlert(F, True, told_at(4), at(4))
    assert known(fires, over).alerts == known(over, fires).alerts == {F: expected}


# -- the listings, some alerts after the others

LISTED = {
    fingerprint(number): ListedAlert(
        fingerprint=fingerprint(number),
        state=AlertState.ACTIVE if number % 3 else AlertState.SUPPRESSED,
        labels={"alertname": "x"},
        starts_at=told_at(-60),
        ends_at=told_at(60),
        updated_at=told_at(0),
        silenced_by=() if number % 3 else ("s1",),
    )
    for number in range(1, 251)
}
ANSWERS: list[Listing | Unheard] = [
    Listing(AM, LISTED, at(9), 3600),
    Unheard(OTHER, Unknown.DOWN, "refused"),
    Listing(STRANGER, dict(list(LISTED.items())[:70]), at(9), 3600),
]


@pytest.mark.parametrize("answers", [ANSWERS[:1], ANSWERS[::2], ANSWERS, ANSWERS[1:2], []])
def test_in_parts_it_is_the_same_as_at_once(answers: list[Listing | Unheard]) -> None:
    ours = {
        fingerprint(number): KnownAlert(
            fingerprint(number), bool(number % 2), told_at(-60), NOW - timedelta(hours=1)
        )
        for number in range(100, 400)
    }
    whole = compare(ours.values(), answers, concerns=lambda _: True, grace_seconds=300)
    parts = list(
        compared(
            ours,
            answers,
            concerns=lambda _: True,
            grace_seconds=300,
            cut_short=(),
        )
    )
    merged = Comparison(
        lost_resolves=frozenset().union(*(part.lost_resolves for part in parts)),
        lost_firings={k: v for part in parts for k, v in part.lost_firings.items()},
        silenced={k: v for part in parts for k, v in part.silenced.items()},
        unknown={k: v for part in parts for k, v in part.unknown.items()},
    )
    assert merged == whole
    assert len(parts) > 2


def test_who_lists_it_as_active_tells_it() -> None:
    senders = Senders.of(("http://a", "http://b", "http://c"), ())
    suppressed, active = fingerprint(3), fingerprint(1)
    assert senders.telling(active, ANSWERS) == "http://a"
    assert senders.telling(active, [ANSWERS[1], ANSWERS[1], ANSWERS[0]]) == "http://c"
    with pytest.raises(ValueError, match="nobody lists"):
        senders.telling(suppressed, ANSWERS)
