"""What an incoming alert does to the incident of its identity. Pure.

Alertmanager delivers at least once, repeats, and reports firing, resolved, firing with one and the
same startsAt; several of them may speak about one alert. An alert fires as long as one says so.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from responder.alerts.notification import Alert
from responder.alerts.timestamps import rfc3339_to_ns
from responder.errors import BadInput
from responder.incidents.bounds import (
    MOST_ALERTS,
    MOST_SENDERS,
    kept_labels,
    kept_summary,
    kept_time,
    sender_name,
)
from responder.incidents.incident import AlertRecord, Incident, Statement

_MILLISECONDS: Final = re.compile(r"\.[0-9]{3}(?![0-9])")


class Absorbed(StrEnum):
    """What is to be stored for the alerts of one identity."""

    OPEN = "Open"
    """A new incident, after the newest one."""
    CHANGE = "Change"
    """The incident's alerts change."""
    KNOWN = "Known"
    """Nothing: it is stored already, or there is nothing that it could end."""
    STAYS_CLOSED = "StaysClosed"
    """Nothing: a person released it while these very alerts were firing."""
    TERMINATING = "Terminating"
    """Not now: the incident is being deleted, and a new one can't take its place yet."""


@dataclass(frozen=True, slots=True)
class Absorption:
    """The decision, and the alerts to write with it."""

    what: Absorbed
    alerts: Mapping[str, AlertRecord] = field(default_factory=dict)
    evicted: tuple[str, ...] = ()
    """Fingerprints of resolved alerts that make room."""
    omitted: int = 0
    """How many firing alerts found no room, as far as is known."""


def absorb(
    current: Incident | None, alerts: Iterable[Alert], *, sender: str, now: str
) -> Absorption:
    """Decide what the alerts of one identity do to its newest incident, if it has one."""
    alerts, sender = list(alerts), sender_name(sender)
    if current is None:
        return _opened(_changes({}, alerts, sender=sender, now=now))
    if current.closed or (current.released_at and not current.deleting):
        return _after_release(current, alerts, sender=sender, now=now)
    changes = _changes(current.alerts, alerts, sender=sender, now=now)
    if current.deleting:
        # Resolves need no answer from one that is given back anyway; a firing alert does.
        firing = any(alert.firing for alert in changes.values())
        return Absorption(Absorbed.TERMINATING if firing else Absorbed.KNOWN)
    return _bounded(current, changes)


def record(known: AlertRecord | None, alert: Alert, *, sender: str, now: str) -> AlertRecord | None:
    """Take one alert into what is known of it; None where that changes nothing.

    A statement about an older occurrence than the sender's last one is ignored.
    """
    starts_at = kept_time(alert.starts_at)
    said = known.senders.get(sender) if known is not None else None
    if said is not None:
        if is_older(starts_at, than=said.starts_at):
            return None
        newer = is_older(said.starts_at, than=starts_at)
        if said.status == alert.status and not newer:
            return None
    statement = Statement(status=alert.status, starts_at=starts_at, at=now)
    senders = _with(known.senders if known is not None else {}, sender, statement)
    if senders is None:
        return None
    resolved = alert.status == "resolved"
    return AlertRecord(
        senders=senders,
        labels=known.labels if known is not None else kept_labels(alert.labels),
        summary=kept_summary(alert.annotations.get("summary", ""))
        or (known.summary if known is not None else ""),
        ends_at=kept_time(alert.ends_at) if resolved else "",
    )


def _with(
    senders: Mapping[str, Statement], sender: str, statement: Statement
) -> dict[str, Statement] | None:
    """Add a sender's statement; None where too many others are firing to keep its resolve.

    Of too many senders the ones that say resolved go first, the longest silent first.
    """
    after = {**senders, sender: statement}
    if len(after) > MOST_SENDERS:
        if statement.status == "resolved":
            return None
        others = (name for name in after if name != sender)
        silent = min(others, key=lambda name: (after[name].status == "firing", after[name].at))
        del after[silent]
    return after


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


def _bounded(current: Incident, changes: dict[str, AlertRecord]) -> Absorption:
    """Keep an incident's alerts bounded: those that are resolved make room for those that fire.

    Where all of them fire, what finds no room is counted: the end of it will not be seen.
    """
    known = current.alerts
    fresh = [key for key in changes if key not in known]
    lacking = max(0, len(known) + len(fresh) - MOST_ALERTS)
    evicted: list[str] = []
    if lacking:
        after = {**known, **changes}
        resolved = sorted(
            (key for key in after if not after[key].firing), key=lambda key: after[key].heard_at
        )[:lacking]
        evicted = [key for key in resolved if key in known]
        lacking -= len(resolved)
        omitted = [key for key in fresh if key not in resolved][-lacking:] if lacking else []
        for key in (*resolved, *omitted):
            changes.pop(key, None)
    omitted_before = current.alerts_omitted
    if not changes and not evicted and lacking <= omitted_before:
        return Absorption(Absorbed.KNOWN)
    return Absorption(Absorbed.CHANGE, changes, tuple(evicted), max(lacking, omitted_before))


def _opened(changes: dict[str, AlertRecord]) -> Absorption:
    firing = {key: alert for key, alert in changes.items() if alert.firing}
    if not firing:
        return Absorption(Absorbed.KNOWN)
    kept = dict(list(firing.items())[:MOST_ALERTS])
    return Absorption(Absorbed.OPEN, kept, omitted=len(firing) - len(kept))


def _after_release(last: Incident, alerts: list[Alert], *, sender: str, now: str) -> Absorption:
    """Decide for an incident that is closed, or on its way there because a person released it.

    What was firing when a person released it stays released until its resolve has been seen, so
    resolves are still recorded. Anything else that fires is news and opens the next incident,
    which takes in all that fires, as every open incident does.
    """
    fires: list[Alert] = []
    resolving: list[Alert] = []
    news = False
    for alert in alerts:
        known = last.alerts.get(alert.fingerprint)
        if alert.status == "resolved":
            if known is not None and known.firing:
                resolving.append(alert)
        elif known is not None and _is_outdated(known, alert, sender=sender):
            continue
        else:
            fires.append(alert)
            news = news or not _is_released(last, known, alert)
    if news:
        return _opened(_changes({}, fires, sender=sender, now=now))
    if resolving:
        return _bounded(last, _changes(last.alerts, resolving, sender=sender, now=now))
    return Absorption(Absorbed.STAYS_CLOSED if fires else Absorbed.KNOWN)


def is_known_resolved(alert: Alert, inside: Iterable[Incident], *, sender: str) -> bool:
    """Tell whether a resolve is recorded wherever the alert is, as said by this very sender."""
    said = [incident.alerts[alert.fingerprint].senders.get(sender) for incident in inside]
    told = [each for each in said if each is not None]
    return (
        bool(told)
        and all(each.status == "resolved" for each in told)
        and any(not is_older(each.starts_at, than=alert.starts_at) for each in told)
    )


def _is_released(last: Incident, known: AlertRecord | None, alert: Alert) -> bool:
    """Tell whether a person's release was about this very occurrence."""
    if not last.released_at:
        return False
    if known is not None:
        return known.firing and not is_older(known.starts_at, than=alert.starts_at)
    # Not seen by then. It began with those that were; where none fired, it is another matter.
    fired = last.status.firing if last.closed else last.firing
    return bool(fired) and not is_older(last.released_at, than=alert.starts_at)


def _is_outdated(known: AlertRecord, alert: Alert, *, sender: str) -> bool:
    said = known.senders.get(sender)
    return said is not None and is_older(alert.starts_at, than=said.starts_at)


def is_older(moment: str, *, than: str) -> bool:
    """Compare two starts, as exactly as both are told; what can't be read is not older."""
    # Alertmanager's API cuts to milliseconds what its notifications tell to the nanosecond.
    unit_ns = 10**6 if _is_cut(moment) or _is_cut(than) else 1
    try:
        return rfc3339_to_ns(moment) // unit_ns < rfc3339_to_ns(than) // unit_ns
    except BadInput:
        return False


def _is_cut(moment: str) -> bool:
    return _MILLISECONDS.search(moment) is not None
