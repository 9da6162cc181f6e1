"""Our incidents' alerts beside what the Alertmanagers list: which notifications were lost.

An alert fires as long as one Alertmanager lists it, and has resolved only if every one of them, and
each that works together with them, was heard, has run for long enough to have been told again, and
lists it no more.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from responder.alerts.timestamps import rfc3339_to_ns
from responder.evidence.listings import AlertState, ListedAlert, Listing, Unheard
from responder.evidence.verdict import Unknown

GRACE_SECONDS: Final = 300.0
"""Prometheus repeats a firing alert each minute, after an evaluation; a restarted Alertmanager has
heard of all of them by then. Also the time that Alertmanager may take to notify (group_wait and
group_interval), before an alert that nobody told us of is a lost one."""
SKEW: Final = timedelta(seconds=10)
"""What was heard so little before they were asked counts more than what they list."""
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An alert of an open incident, of which one of these Alertmanagers has told us.

    `heard_at` is when it last said something new, by the same clock as `Listing.asked_at`.
    """

    fingerprint: str
    firing: bool
    starts_at: str
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why nothing can be said of an alert."""

    reason: Unknown
    message: str


_JUST_HEARD: Final = Doubt(Unknown.JUST_HEARD, "it was heard of while they were asked")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was lost on the way, by fingerprint; what is in none of these is as we know it."""

    lost_resolves: frozenset[str] = frozenset()
    """We hold them to be firing, and they have resolved."""
    lost_firings: Mapping[str, ListedAlert] = field(default_factory=dict)
    """They fire, and some incident that should hold them to be firing does not."""
    silenced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of silences; for people: a silence neither releases nor disarms."""
    inhibited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fingerprints of the alerts that inhibit them; for people, too."""
    muted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the time intervals that mute them; as silences."""
    unknown: Mapping[str, Doubt] = field(default_factory=dict)
    """Known alerts of which nothing can be said now, and why."""


def compare(
    known: Iterable[KnownAlert],
    answers: Sequence[Listing | Unheard],
    *,
    concerns: Callable[[ListedAlert], bool],
    grace_seconds: float = GRACE_SECONDS,
    cut_short: Collection[str] = (),
) -> Comparison:
    """Compare the alerts of all open incidents with one answer of each configured Alertmanager.

    `concerns` says of an alert whether some incident should hold it to be firing and does not: it
    matches a playbook, goes to our receiver, and a person did not close the incident while it
    fires. `cut_short` are receivers whose notifications left alerts out just now: for theirs there
    is nothing to wait for.
    """
    ours = {alert.fingerprint: alert for alert in known}
    listed = _merged(answers)
    silent = _why_silence_proves_nothing(answers, grace_seconds=grace_seconds)
    asked_at = min((one.asked_at for one in answers if isinstance(one, Listing)), default=None)
    lost_resolves: set[str] = set()
    lost_firings: dict[str, ListedAlert] = {}
    unknown: dict[str, Doubt] = {}
    for fingerprint, alert in ours.items():
        found = listed.get(fingerprint)
        is_fresh = asked_at is None or alert.heard_at >= asked_at - SKEW
        if alert.firing and found is None:
            if silent or is_fresh:
                unknown[fingerprint] = silent or _JUST_HEARD
            else:
                lost_resolves.add(fingerprint)
        elif not alert.firing and found is not None and found.state is AlertState.ACTIVE:
            if is_fresh:
                unknown[fingerprint] = _JUST_HEARD
            else:
                lost_firings[fingerprint] = _at_least_as_new(found, alert)
    lost_firings |= {
        fingerprint: found
        for fingerprint, found in listed.items()
        if (fingerprint not in ours or ours[fingerprint].firing)
        and found.state is AlertState.ACTIVE
        and _is_due(found, answers, grace_seconds=grace_seconds, cut_short=cut_short)
        and concerns(found)
    }
    return Comparison(
        lost_resolves=frozenset(lost_resolves),
        lost_firings=lost_firings,
        silenced={one: listed[one].silenced_by for one in _in(ours, listed, "silenced_by")},
        inhibited={one: listed[one].inhibited_by for one in _in(ours, listed, "inhibited_by")},
        muted={one: listed[one].muted_by for one in _in(ours, listed, "muted_by")},
        unknown=unknown,
    )


def _merged(answers: Iterable[Listing | Unheard]) -> dict[str, ListedAlert]:
    """Active in one is active; silences and inhibitions of all of them are told."""
    merged: dict[str, ListedAlert] = {}
    for answer in answers:
        for fingerprint, alert in answer.alerts.items() if isinstance(answer, Listing) else ():
            other = merged.get(fingerprint)
            if other is None:
                merged[fingerprint] = alert
                continue
            first, second = (alert, other) if alert.state is AlertState.ACTIVE else (other, alert)
            merged[fingerprint] = replace(
                first,
                silenced_by=tuple(dict.fromkeys(first.silenced_by + second.silenced_by)),
                inhibited_by=tuple(dict.fromkeys(first.inhibited_by + second.inhibited_by)),
                muted_by=tuple(dict.fromkeys(first.muted_by + second.muted_by)),
                receivers=tuple(dict.fromkeys(first.receivers + second.receivers)),
            )
    return merged


def _why_silence_proves_nothing(
    answers: Sequence[Listing | Unheard], *, grace_seconds: float
) -> Doubt | None:
    """Say why an alert that nobody lists need not have resolved; None where it has."""
    if not answers:
        return Doubt(Unknown.NOT_ALL_ASKED, "there is no Alertmanager to ask")
    asked = {answer.peer for answer in answers if isinstance(answer, Listing)}
    for answer in answers:
        if isinstance(answer, Unheard):
            return Doubt(answer.reason, f"{answer.source}: {answer.message}")
        if answer.uptime_seconds < grace_seconds:
            return Doubt(
                Unknown.YOUNG,
                f"{answer.source} started {answer.uptime_seconds:.0f} s ago, "
                "and may not have heard of it again",
            )
        if not answer.peers <= asked:
            return Doubt(
                Unknown.NOT_ALL_ASKED,
                f"{answer.source} works together with {len(answer.peers - asked)} that are not "
                "asked; name each Alertmanager by itself",
            )
    return None


def _at_least_as_new(found: ListedAlert, alert: KnownAlert) -> ListedAlert:
    """Give the start that we know where the listed one is that one without its nanoseconds.

    A start that looks older than what we know would be taken for an older occurrence.
    """
    is_newer = _milliseconds(found.starts_at) > _milliseconds(alert.starts_at)
    return found if is_newer else replace(found, starts_at=alert.starts_at)


def _is_due(
    found: ListedAlert,
    answers: Iterable[Listing | Unheard],
    *,
    grace_seconds: float,
    cut_short: Collection[str],
) -> bool:
    """Whether one that lists it as active has had the time to tell us."""
    if any(receiver in cut_short for receiver in found.receivers):
        return True
    for answer in answers:
        if isinstance(answer, Listing) and found.fingerprint in answer.alerts:
            asked_ms = answer.asked_at.timestamp() * 1000
            if asked_ms - _milliseconds(found.starts_at) >= grace_seconds * 1000:
                return True
    return False


def _milliseconds(moment: str) -> int:
    return rfc3339_to_ns(moment) // _NS_PER_MS


def _in(ours: Mapping[str, KnownAlert], listed: Mapping[str, ListedAlert], what: str) -> list[str]:
    return [one for one in ours if one in listed and getattr(listed[one], what)]
