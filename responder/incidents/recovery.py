"""What an incident takes in of a notification that was lost, and found by asking. Pure.

It is decided by the same rules as a notification that came, and again whenever the incident has
changed by the time that it is written.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from responder.alerts.notification import Alert
from responder.incidents.absorption import Absorbed, Absorption, absorb, is_older
from responder.incidents.incident import AlertRecord, Incident, Statement
from responder.incidents.status import Outcome
from responder.incidents.transitions import read_moment


def lost_firings(
    current: Incident | None,
    alerts: Iterable[Alert],
    *,
    heard_before: datetime,
    sender: str,
    now: str,
) -> Absorption:
    """Decide what firing alerts do to the newest incident of their identity.

    An alert of which anything new was said since `heard_before` is left alone. So is one that fires
    inside of it already, whoever told so: one more sender that says it fires would be one more that
    has to say that it has resolved.
    """
    missing = [
        alert
        for alert in alerts
        if current is None or not _is_told(current, alert, heard_before=heard_before)
    ]
    if not missing:
        return Absorption(Absorbed.KNOWN)
    return absorb(current, missing, sender=sender, now=now)


def _is_told(current: Incident, alert: Alert, *, heard_before: datetime) -> bool:
    known = current.alerts.get(alert.fingerprint)
    if known is None:
        return False
    if known.firing and current.status.outcome is Outcome.EXPIRED:
        # Nobody decided about this occurrence. Its sender says it again in hours, and then it is
        # proposed again; asked every minute it would be proposed, and people told, without end.
        return not is_older(known.starts_at, than=alert.starts_at)
    is_over = current.closed or bool(current.released_at)
    return (known.firing and not is_over) or not _is_before(known.heard_at, heard_before)


def lost_resolves(
    current: Incident | None,
    fingerprints: Collection[str],
    *,
    is_asked: Callable[[str], bool],
    heard_before: datetime,
    now: str,
) -> Absorption:
    """Decide what resolves do to an incident that holds the alerts.

    They count for the senders that were asked, and only if none of these has said anything new of
    the alert since `heard_before`.
    """
    if current is None:
        return Absorption(Absorbed.KNOWN)
    by_sender: dict[str, list[Alert]] = {}
    for fingerprint in fingerprints:
        known = current.alerts.get(fingerprint)
        said = {} if known is None else _asked(known, is_asked)
        if known is None or not all(_is_before(told.at, heard_before) for told in said.values()):
            continue
        for sender, told in said.items():
            if told.status == "firing":
                alert = _resolved(fingerprint, known, told, now=now)
                by_sender.setdefault(sender, []).append(alert)
    changes: dict[str, AlertRecord] = {}
    after = current
    for sender, alerts in by_sender.items():
        absorption = absorb(after, alerts, sender=sender, now=now)
        if absorption.what is Absorbed.CHANGE:
            changes |= absorption.alerts
            after = replace(after, alerts={**after.alerts, **absorption.alerts})
    if not changes:
        return Absorption(Absorbed.KNOWN)
    return Absorption(Absorbed.CHANGE, changes, omitted=current.alerts_omitted)


def _asked(known: AlertRecord, is_asked: Callable[[str], bool]) -> Mapping[str, Statement]:
    return {sender: told for sender, told in known.senders.items() if is_asked(sender)}


def _is_before(moment: str, limit: datetime) -> bool:
    read = read_moment(moment)
    return read is not None and read < limit


def _resolved(fingerprint: str, known: AlertRecord, told: Statement, *, now: str) -> Alert:
    # Not validated: what is stored may be cut or made by hand, and is only compared here.
    return Alert.model_construct(
        status="resolved",
        labels=dict(known.labels),
        annotations={},
        starts_at=told.starts_at,
        ends_at=now,
        fingerprint=fingerprint,
    )
