"""What an incoming alert does to the incident of its identity. Pure.

Alertmanager delivers at least once, repeats, and reports firing, resolved, firing with one and the
same startsAt; several of them may speak about one alert. An alert fires as long as one says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from responder.alerts.notification import Alert
from responder.alerts.timestamps import rfc3339_to_ns
from responder.errors import BadInput
from responder.incidents.incident import (
    MOST_ALERTS,
    MOST_LABEL_CHARACTERS,
    MOST_LABELS,
    MOST_SENDERS,
    MOST_TEXT_CHARACTERS,
    AlertRecord,
    Incident,
    Outcome,
    Statement,
)


class Absorbed(StrEnum):
    """What is to be stored for the alerts of one identity."""

    OPEN = "Open"
    """A new incident, with the ordinal given."""
    CHANGE = "Change"
    """The incident's alerts change."""
    KNOWN = "Known"
    """Nothing: it is stored already."""
    STAYS_CLOSED = "StaysClosed"
    """Nothing: a person closed it while these very alerts were firing."""
    TERMINATING = "Terminating"
    """Not now: the incident is being deleted, and a new one can't take its place yet."""


@dataclass(frozen=True, slots=True)
class Absorption:
    """The decision, and the alerts to write with it."""

    what: Absorbed
    alerts: Mapping[str, AlertRecord] = field(default_factory=dict)
    evicted: tuple[str, ...] = ()
    """Fingerprints of resolved alerts that make room."""


def _clipped(labels: Mapping[str, str]) -> dict[str, str]:
    kept = sorted(labels.items())[:MOST_LABELS]
    return {key[:MOST_LABEL_CHARACTERS]: value[:MOST_LABEL_CHARACTERS] for key, value in kept}


def _is_older(starts_at: str, than: str) -> bool:
    try:
        return rfc3339_to_ns(starts_at) < rfc3339_to_ns(than)
    except BadInput:
        return False


def _is_zero(moment: str) -> bool:
    return moment.startswith("0001-01-01")


def record(known: AlertRecord | None, alert: Alert, *, sender: str, now: str) -> AlertRecord | None:
    """Take one alert into what is known of it; None where that changes nothing.

    A statement about an older occurrence than the sender's last firing is ignored.
    """
    said = known.senders.get(sender) if known is not None else None
    if said is not None:
        if _is_older(alert.starts_at, said.starts_at):
            return None
        if said.status == alert.status and (
            said.starts_at == alert.starts_at or alert.status == "resolved"
        ):
            return None
    statement = Statement(status=alert.status, starts_at=alert.starts_at, at=now)
    others = {} if known is None else known.senders
    senders = others if said is not None else _with_room(others)
    return AlertRecord(
        senders={**senders, sender: statement},
        labels=known.labels if known is not None else _clipped(alert.labels),
        summary=(alert.annotations.get("summary") or (known.summary if known else ""))[
            :MOST_TEXT_CHARACTERS
        ],
        ends_at="" if _is_zero(alert.ends_at) else alert.ends_at,
    )


def _with_room(senders: Mapping[str, Statement]) -> dict[str, Statement]:
    """Make room for one more sender: whoever has spoken of an end, else longest ago, goes first."""
    kept = sorted(senders.items(), key=lambda item: (item[1].status == "firing", item[1].at))
    return dict(kept[max(0, len(kept) + 1 - MOST_SENDERS) :])


def _changes(
    known: Mapping[str, AlertRecord], alerts: Iterable[Alert], *, sender: str, now: str
) -> dict[str, AlertRecord]:
    changes: dict[str, AlertRecord] = {}
    for alert in alerts:
        before = changes.get(alert.fingerprint) or known.get(alert.fingerprint)
        if before is None and alert.status == "resolved":
            continue
        after = record(before, alert, sender=sender, now=now)
        if after is not None:
            changes[alert.fingerprint] = after
    return changes


def _bounded(known: Mapping[str, AlertRecord], changes: dict[str, AlertRecord]) -> Absorption:
    """Keep an incident's alerts bounded: resolved ones make room, the rest is told by its next
    notification, which Alertmanager repeats as long as it fires.
    """
    fresh = [key for key in changes if key not in known]
    room = MOST_ALERTS - len(known)
    resolved = [key for key, alert in known.items() if not alert.firing and key not in changes]
    evicted = tuple(resolved[: max(0, len(fresh) - room)])
    for key in fresh[room + len(evicted) :]:
        del changes[key]
    if not changes:
        return Absorption(Absorbed.KNOWN)
    return Absorption(Absorbed.CHANGE, changes, evicted)


def absorb(
    current: Incident | None, alerts: Iterable[Alert], *, sender: str, now: str
) -> Absorption:
    """Decide what the alerts of one identity do to its newest incident, if it has one."""
    alerts = list(alerts)
    if current is None:
        opening = _changes({}, alerts, sender=sender, now=now)
        return _opened(opening)
    if current.closed:
        return _after_close(current, alerts, sender=sender, now=now)
    changes = _changes(current.alerts, alerts, sender=sender, now=now)
    if current.deleting:
        # Resolves need no answer from one that is given back anyway; a firing alert does.
        firing = any(alert.firing for alert in changes.values())
        return Absorption(Absorbed.TERMINATING if firing else Absorbed.KNOWN)
    return _bounded(current.alerts, changes)


def _opened(changes: dict[str, AlertRecord]) -> Absorption:
    firing = {key: alert for key, alert in changes.items() if alert.firing}
    if not firing:
        return Absorption(Absorbed.KNOWN)
    kept = dict(list(firing.items())[:MOST_ALERTS])
    return Absorption(Absorbed.OPEN, kept)


def _after_close(closed: Incident, alerts: list[Alert], *, sender: str, now: str) -> Absorption:
    """Closed by hand while still firing, it stays closed until a resolve has been seen.

    So resolves are recorded on the closed incident too. A newer occurrence, or an alert that began
    after the close, opens the next one.
    """
    by_hand = closed.firing > 0 and closed.status.outcome is Outcome.RELEASED
    reopening: list[Alert] = []
    resolving: list[Alert] = []
    stays = False
    for alert in alerts:
        known = closed.alerts.get(alert.fingerprint)
        if alert.status == "resolved":
            if known is not None and known.firing:
                resolving.append(alert)
        elif not by_hand:
            reopening.append(alert)
        elif (
            known is not None and known.firing and not _is_older(known.starts_at, alert.starts_at)
        ) or (known is None and not _is_older(closed.status.closed_at, alert.starts_at)):
            stays = True
        else:
            reopening.append(alert)
    if reopening:
        return _opened(_changes({}, reopening, sender=sender, now=now))
    if resolving:
        return _bounded(closed.alerts, _changes(closed.alerts, resolving, sender=sender, now=now))
    return Absorption(Absorbed.STAYS_CLOSED if stays else Absorbed.KNOWN)
