"""What incoming alerts do to the incident of their identity."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.alerts.notification import Alert
from responder.incidents.absorption import Absorbed, absorb
from responder.incidents.incident import (
    MOST_ALERTS,
    MOST_SENDERS,
    AlertRecord,
    Incident,
    Phase,
    Statement,
)
from tests.incidents.builders import (
    AT,
    FINGERPRINT,
    FIRST,
    LATER,
    OTHER,
    SENDER,
    alert,
    incident,
    record,
)


def absorbed(current: Incident | None, *alerts: Alert, sender: str = SENDER) -> Absorbed:
    return absorb(current, alerts, sender=sender, now=AT).what


OPEN = incident()
RESOLVED = incident(firing=False)
CLOSED = incident(firing=False, phase=Phase.CLOSED)
BY_HAND = incident(firing=True, phase=Phase.CLOSED)
DELETING = incident(deleting=True)


@pytest.mark.parametrize(
    ("current", "given_alert", "expected"),
    [
        pytest.param(None, alert(), Absorbed.OPEN, id="firing-without-incident-opens-one"),
        pytest.param(None, alert("resolved"), Absorbed.KNOWN, id="resolve-of-nothing-is-nothing"),
        pytest.param(OPEN, alert(), Absorbed.KNOWN, id="duplicate-is-known"),
        pytest.param(OPEN, alert("resolved"), Absorbed.CHANGE, id="resolve-changes"),
        pytest.param(OPEN, alert(fingerprint=OTHER), Absorbed.CHANGE, id="another-alert-joins"),
        pytest.param(OPEN, alert(starts_at=LATER), Absorbed.CHANGE, id="newer-occurrence-changes"),
        pytest.param(
            incident(alerts={FINGERPRINT: record(starts_at=LATER)}),
            alert("resolved"),
            Absorbed.KNOWN,
            id="resolve-older-than-the-last-firing-is-ignored",
        ),
        pytest.param(RESOLVED, alert("resolved"), Absorbed.KNOWN, id="resolve-again-is-known"),
        pytest.param(RESOLVED, alert(), Absorbed.CHANGE, id="firing-again-with-one-starts-at"),
        pytest.param(OPEN, alert("resolved", fingerprint=OTHER), Absorbed.KNOWN, id="not-ours"),
        pytest.param(CLOSED, alert(), Absorbed.OPEN, id="closed-after-its-resolve-opens-the-next"),
        pytest.param(CLOSED, alert("resolved"), Absorbed.KNOWN, id="resolve-after-close"),
        pytest.param(BY_HAND, alert(), Absorbed.STAYS_CLOSED, id="closed-by-hand-stays-closed"),
        pytest.param(BY_HAND, alert("resolved"), Absorbed.CHANGE, id="by-hand-notes-the-resolve"),
        pytest.param(
            BY_HAND, alert(starts_at="2026-11-24T19:00:00Z"), Absorbed.OPEN, id="new-occurrence"
        ),
        pytest.param(
            BY_HAND, alert(fingerprint=OTHER), Absorbed.STAYS_CLOSED, id="began-before-the-close"
        ),
        pytest.param(
            BY_HAND,
            alert(fingerprint=OTHER, starts_at="2026-11-24T19:00:00Z"),
            Absorbed.OPEN,
            id="began-after-the-close",
        ),
        pytest.param(DELETING, alert(), Absorbed.KNOWN, id="deleting-and-known"),
        pytest.param(DELETING, alert(fingerprint=OTHER), Absorbed.TERMINATING, id="deleting"),
        pytest.param(DELETING, alert("resolved"), Absorbed.KNOWN, id="deleting-and-resolved"),
    ],
)
def test_an_alert_meets_an_incident(
    current: Incident | None, given_alert: Alert, expected: Absorbed
) -> None:
    assert absorbed(current, given_alert) is expected


def test_an_alert_fires_as_long_as_one_of_several_senders_says_so() -> None:
    both = absorb(OPEN, [alert()], sender="http://b", now=AT)
    assert both.what is Absorbed.CHANGE
    current = replace(OPEN, alerts=both.alerts)

    one = absorb(current, [alert("resolved")], sender=SENDER, now=AT)

    assert one.alerts[FINGERPRINT].firing
    current = replace(current, alerts=one.alerts)
    assert (
        not absorb(current, [alert("resolved")], sender="http://b", now=AT)
        .alerts[FINGERPRINT]
        .firing
    )


def test_alerts_are_bounded_and_resolved_ones_make_room() -> None:
    alerts: dict[str, AlertRecord] = {
        f"{n:016x}": record("resolved" if n < 2 else "firing") for n in range(MOST_ALERTS)
    }
    full = replace(OPEN, alerts=alerts)

    change = absorb(full, [alert(fingerprint=f"f{n:015x}") for n in range(5)], sender="s", now=AT)

    assert len(change.evicted) == 2
    assert len(change.alerts) == 2
    after = {k: v for k, v in alerts.items() if k not in change.evicted} | dict(change.alerts)
    assert len(after) == MOST_ALERTS


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["firing", "resolved"]),
            st.sampled_from([FINGERPRINT, OTHER]),
            st.sampled_from([FIRST, LATER]),
            st.sampled_from(["http://a", "http://b"]),
        ),
        max_size=12,
    )
)
def test_absorbing_twice_changes_nothing_more(said: list[tuple[str, str, str, str]]) -> None:
    current = OPEN
    for status, fingerprint, starts_at, sender in said:
        given_alert = alert(
            "firing" if status == "firing" else "resolved",
            fingerprint=fingerprint,
            starts_at=starts_at,
        )
        first = absorb(current, [given_alert], sender=sender, now=AT)
        current = replace(current, alerts={**current.alerts, **first.alerts})
        again = absorb(current, [given_alert], sender=sender, now=AT)
        assert again.what is Absorbed.KNOWN
        assert all(
            isinstance(told, Statement)
            for item in current.alerts.values()
            for told in item.senders.values()
        )


def test_senders_are_bounded_and_one_that_spoke_of_an_end_goes_first() -> None:
    current = OPEN
    for number in range(100):
        change = absorb(current, [alert()], sender=f"http://{number}", now=AT)
        current = replace(current, alerts=change.alerts)
        ended = absorb(current, [alert("resolved")], sender=f"http://{number}", now=AT)
        current = replace(current, alerts=ended.alerts)
    senders = current.alerts[FINGERPRINT].senders
    assert len(senders) == MOST_SENDERS
    assert senders[SENDER].status == "firing"
