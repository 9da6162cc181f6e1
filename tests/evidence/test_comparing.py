"""A resolve is believed when every Alertmanager was heard; a firing when one of them says so."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.evidence.comparing import Comparison, KnownAlert, compare
from responder.evidence.listings import AlertState, ListedAlert, Listing, Unheard
from responder.evidence.verdict import Unknown
from tests.evidence.moments import NOW

A, B = "a" * 16, "b" * 16
STARTED = "2026-11-24T17:00:00.123456789Z"
LISTED_START = "2026-11-24T17:00:00.123Z"  # the same, as the API cuts it

ACTIVE, SUPPRESSED, UNPROCESSED = AlertState.ACTIVE, AlertState.SUPPRESSED, AlertState.UNPROCESSED
DOWN = Unheard("http://am-2", Unknown.DOWN, "connection refused")


def known(*, firing: bool = True, fingerprint: str = A, seconds_ago: float = 600) -> KnownAlert:
    return KnownAlert(fingerprint, firing, STARTED, NOW - timedelta(seconds=seconds_ago))


def listed(
    fingerprint: str = A,
    state: AlertState = ACTIVE,
    *,
    starts_at: str = LISTED_START,
    silenced_by: tuple[str, ...] = (),
    inhibited_by: tuple[str, ...] = (),
    muted_by: tuple[str, ...] = (),
) -> ListedAlert:
    return ListedAlert(
        fingerprint=fingerprint,
        state=state,
        labels={"alertname": "HighBounceRate"},
        starts_at=starts_at,
        ends_at="2026-11-24T18:05:00Z",
        updated_at="2026-11-24T18:00:00Z",
        silenced_by=silenced_by,
        inhibited_by=inhibited_by,
        muted_by=muted_by,
    )


def listing(*alerts: ListedAlert, uptime: float = 3600, source: str = "http://am-1") -> Listing:
    return Listing(source, {alert.fingerprint: alert for alert in alerts}, NOW, uptime)


def compared(
    *answers: Listing | Unheard, ours: tuple[KnownAlert, ...] = (known(),), concerns: bool = True
) -> Comparison:
    return compare(ours, answers, concerns=lambda _: concerns)


NOTHING = Comparison()


def test_what_every_alertmanager_has_forgotten_is_a_lost_resolve() -> None:
    assert compared(listing(), listing(source="http://am-2")).lost_resolves == {A}


@pytest.mark.parametrize("state", AlertState)
@pytest.mark.parametrize("uptime", [3600, 1])
def test_it_fires_as_long_as_one_lists_it_however_young(state: AlertState, uptime: float) -> None:
    young = listing(listed(state=state), uptime=uptime)
    assert compared(listing(), young, concerns=False) == NOTHING
    assert compared(listing(listed(state=state)), DOWN, concerns=False) == NOTHING


def test_what_fires_and_one_incident_does_not_hold_yet_is_a_lost_firing() -> None:
    """A playbook that came later, or an incident that was never written."""
    assert compared(listing(listed())) == replace(NOTHING, lost_firings={A: listed()})
    assert compared(listing(listed(state=SUPPRESSED))) == NOTHING


def test_a_peer_that_is_not_asked_may_list_what_the_others_do_not() -> None:
    def peer(name: str) -> Listing:
        return replace(listing(source=name), peer=name, peers=frozenset({"one", "two"}))

    assert compared(peer("one"), peer("two")).lost_resolves == {A}
    for answers in ((peer("one"),), (peer("one"), peer("one")), (peer("one"), listing())):
        found = compared(*answers)
        assert found == replace(NOTHING, unknown=found.unknown)
        assert found.unknown[A].reason is Unknown.NOT_ALL_ASKED


def test_what_a_notification_left_out_is_lost_at_once() -> None:
    fresh = replace(listed(B, starts_at="2026-11-24T17:59:59Z"), receivers=("people", "ours"))
    for cut_short, found in ((("ours",), {B: fresh}), (("others",), {}), ((), {})):
        told = compare((), [listing(fresh)], concerns=lambda _: True, cut_short=cut_short)
        assert told.lost_firings == found


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((), "there is no Alertmanager to ask"),
        ((DOWN,), "http://am-2: connection refused"),
        ((listing(), DOWN), "http://am-2: connection refused"),
        ((listing(), listing(uptime=299, source="http://am-2")), "http://am-2 started 299 s ago"),
    ],
)
def test_without_all_of_them_it_is_unknown(
    answers: tuple[Listing | Unheard, ...], words: str
) -> None:
    found = compared(*answers)
    assert words in found.unknown[A].message
    assert found == replace(NOTHING, unknown=found.unknown)


@pytest.mark.parametrize("seconds_ago", [-5, 0, 9])
@pytest.mark.parametrize(("firing", "alerts"), [(True, ()), (False, (listed(),))])
def test_what_was_heard_while_they_were_asked_counts_more(
    seconds_ago: float, *, firing: bool, alerts: tuple[ListedAlert, ...]
) -> None:
    ours = (known(firing=firing, seconds_ago=seconds_ago),)
    found = compared(listing(*alerts), ours=ours)
    assert found == replace(NOTHING, unknown=found.unknown)
    assert "heard of while" in found.unknown[A].message


def test_what_we_hold_to_be_resolved_and_fires_is_a_lost_firing_with_its_exact_start() -> None:
    found = compared(listing(listed()), DOWN, ours=(known(firing=False),))
    assert found.lost_firings == {A: listed(starts_at=STARTED)}
    later = listed(starts_at="2026-11-24T17:30:00Z")
    assert compared(listing(later), ours=(known(firing=False),)).lost_firings == {A: later}
    earlier = listed(starts_at="2026-11-24T16:30:00Z")
    assert compared(listing(earlier), ours=(known(firing=False),)).lost_firings == {
        A: listed(starts_at=STARTED)
    }


@pytest.mark.parametrize("state", [SUPPRESSED, UNPROCESSED])
def test_what_alertmanager_would_not_tell_is_not_lost(state: AlertState) -> None:
    assert compared(listing(listed(state=state)), ours=(known(firing=False),)) == NOTHING
    assert compared(listing(listed(state=state)), ours=()) == NOTHING


def test_what_we_have_never_heard_of_is_lost_once_there_was_time_to_tell() -> None:
    fresh = listed(B, starts_at="2026-11-24T17:58:00Z")
    found = compared(listing(listed(), fresh), ours=())
    assert found.lost_firings == {A: listed()}
    assert compare((), [listing(listed())], concerns=lambda _: False) == NOTHING


def test_silences_and_inhibitions_of_all_of_them_are_shown_and_change_nothing() -> None:
    one = listed(state=SUPPRESSED, silenced_by=("s1", "s2"), muted_by=("nights",))
    other = listed(
        state=SUPPRESSED,
        silenced_by=("s2", "s3"),
        inhibited_by=(B,),
        muted_by=("nights", "weekends"),
    )
    unheard_of = listed(B, state=SUPPRESSED, silenced_by=("s4",))
    found = compared(listing(one, unheard_of), listing(other))
    assert found == replace(
        NOTHING,
        silenced={A: ("s1", "s2", "s3")},
        inhibited={A: (B,)},
        muted={A: ("nights", "weekends")},
    )


def test_active_in_one_and_suppressed_in_another_is_active() -> None:
    quiet = listed(state=SUPPRESSED, silenced_by=("s1",))
    for answers in ((quiet, listed()), (listed(), quiet)):
        found = compared(*map(listing, answers), ours=(known(firing=False),))
        assert set(found.lost_firings) == {A}
        assert found.silenced == {A: ("s1",)}


ANSWERS = st.lists(
    st.one_of(
        st.just(DOWN),
        st.builds(
            listing,
            *(st.sampled_from([listed(B), *(listed(A, state) for state in AlertState)]),),
            uptime=st.sampled_from([0.0, 299.9, 300.0, 9999.0]),
        ),
    ),
    max_size=4,
)
OURS = st.builds(known, firing=st.booleans(), seconds_ago=st.sampled_from([-1.0, 5.0, 11.0, 999.0]))


@given(answers=ANSWERS, ours=OURS)
def test_a_resolve_is_never_believed_without_each_of_the_reasons(
    answers: list[Listing | Unheard], ours: KnownAlert
) -> None:
    found = compared(*answers, ours=(ours,))
    is_listed = any(isinstance(one, Listing) and A in one.alerts for one in answers)
    is_whole = bool(answers) and all(
        isinstance(one, Listing) and one.uptime_seconds >= 300 for one in answers
    )
    is_old = ours.heard_at < NOW - timedelta(seconds=10)
    assert (A in found.lost_resolves) == (ours.firing and not is_listed and is_whole and is_old)
    assert (A in found.lost_resolves) + (A in found.lost_firings) + (A in found.unknown) <= 1


@given(answers=ANSWERS, ours=OURS, extra=ANSWERS)
def test_one_more_answer_never_makes_a_resolve_of_what_was_none(
    answers: list[Listing | Unheard], ours: KnownAlert, extra: list[Listing | Unheard]
) -> None:
    """But for the first: of nobody's answer there is nothing to believe."""
    before = compared(*answers, ours=(ours,)).lost_resolves
    after = compared(*answers, *extra, ours=(ours,)).lost_resolves
    assert not answers or after <= before
