"""What incidents came to over a time: what was held, or would have been, and what people did. Pure.

From the stored incidents alone, so that it can be told with the responder down.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from statistics import median
from typing import Final

from responder.holds.objects import ObjectKey
from responder.incidents.figures import Deed, HeldTarget, PlaybookReport, Proposals
from responder.incidents.incident import Incident
from responder.incidents.requests import Wish
from responder.incidents.status import Entry, Phase, Reason, TargetState
from responder.incidents.transitions import read_moment

HELD_PHASES: Final = frozenset({Phase.HOLDING, Phase.COOLING, Phase.RAMPING})


def report(
    incidents: Iterable[Incident], *, since: datetime, now: datetime, quick: timedelta
) -> tuple[PlaybookReport, ...]:
    """Tell of each playbook whose incidents began since then, by its name.

    What is over within `quick` may have been a false alarm.
    """
    found: dict[str, list[Incident]] = defaultdict(list)
    for incident in incidents:
        begun = _begun(incident)
        if begun is not None and begun >= since:
            found[incident.playbook].append(incident)
    return tuple(_of(found[name], now=now, quick=quick) for name in sorted(found))


def _of(found: Sequence[Incident], *, now: datetime, quick: timedelta) -> PlaybookReport:
    found = sorted(found, key=lambda one: (one.received_at, one.name))
    watched = [one for one in found if not one.acts]
    brakes = [one.status.brake_milliseconds for one in found]
    measured = [each for each in brakes if each is not None]
    deeds = _deeds(found)
    by_hand = [
        first
        for one in watched
        if (
            first := min(
                (deed.after_seconds for deed in deeds if deed.incident == one.name and deed.brakes),
                default=None,
            )
        )
        is not None
    ]
    decisions = [one.status.decision for one in watched if one.status.decision is not None]
    return PlaybookReport(
        playbook=found[0].playbook,
        incidents=len(found),
        open=sum(not one.closed for one in found),
        observed=len(watched),
        held=sum(map(was_held, found)),
        proposals=_proposals(found),
        false_alarms={
            one.name: why for one in found if (why := looks_false(one, deeds, quick=quick))
        },
        brake_median_milliseconds=median(measured) if measured else None,
        brake_worst_milliseconds=max(measured, default=None),
        targets=_targets(found, now=now),
        refused=_counted(chain.from_iterable(set(each.refused) for each in decisions)),
        refused_incidents=sum(bool(each.refused) for each in decisions),
        person_needed=_counted(chain.from_iterable(set(each.person) for each in decisions)),
        deeds=deeds,
        deeds_omitted=sum(one.status.witnessed.omitted for one in found),
        braked_by_hand=len(by_hand),
        braked_after_seconds=median(by_hand) if by_hand else None,
        relapses=sum(one.status.ramp.relapses for one in found),
        escalations=sum(len(one.status.stages) for one in found),
    )


def _begun(incident: Incident) -> datetime | None:
    return read_moment(incident.received_at) or read_moment(incident.created_at)


def _counted(texts: Iterable[str]) -> dict[str, int]:
    """Count, the most frequent first; the order of what is equally so is fixed."""
    return dict(sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0])))


# -- one incident


def _entry(incident: Incident, reason: Reason) -> Entry | None:
    """Give the first step of an incident that was taken for this reason."""
    return next(
        (each for each in incident.status.timeline if each.why.startswith(f"{reason}:")), None
    )


def was_held(incident: Incident) -> bool:
    """Tell whether an incident ever held, by what it came through."""
    if not incident.acts:
        return False
    if incident.status.phase is Phase.NEW:
        return not incident.waits_for_approval
    steps = {entry.what for entry in incident.status.timeline}
    return incident.status.phase in HELD_PHASES or not steps.isdisjoint(map(str, HELD_PHASES))


def _proposals(found: Sequence[Incident]) -> Proposals:
    counts: Counter[str] = Counter()
    for one in found:
        waits = one.status.phase is Phase.PROPOSED and not was_held(one)
        if one.acts and (one.approval is not None or waits):
            counts[_decision(one)] += 1
    return Proposals(**counts)


def _decision(one: Incident) -> str:
    let_go = one.status.letting_go
    if _entry(one, Reason.NOBODY_DECIDED) is not None:
        return "nobody_decided"
    if was_held(one):
        return "approved"
    if let_go is None:
        return "waiting"
    if let_go.reason == Reason.ALERTS_RESOLVED:
        return "resolved"
    return "expired" if let_go.reason == Reason.EXPIRED else "rejected"


def looks_false(one: Incident, deeds: Sequence[Deed], *, quick: timedelta) -> str:
    """Tell why an incident looks like a false alarm; empty where it does not, or nobody can tell.

    An alert that resolves by itself tells nothing of one that held: the hold took the traffic away.
    """
    begun = _begun(one)
    rejected, released = one.wishes.reject, one.wishes.release
    if rejected is not None and not was_held(one):
        return "rejected"
    if begun is None:
        return ""
    if released is not None:
        at = read_moment(released.at)
        return "released by hand" if at is not None and at - begun <= quick else ""
    over = _entry(one, Reason.ALERTS_RESOLVED)
    at = None if over is None else read_moment(over.time)
    if was_held(one) or one.firing or at is None or at - begun > quick:
        return ""
    touched = any(deed.incident == one.name and deed.change is not None for deed in deeds)
    return "" if touched else "resolved by itself, and nobody had changed anything"


# -- targets

_Span = tuple[datetime, datetime]


def _targets(found: Sequence[Incident], *, now: datetime) -> tuple[HeldTarget, ...]:
    held: dict[ObjectKey, list[_Span]] = defaultdict(list)
    would: dict[ObjectKey, list[_Span]] = defaultdict(list)
    changes: dict[ObjectKey, dict[str, None]] = defaultdict(dict)
    names: dict[ObjectKey, set[str]] = defaultdict(set)
    ongoing: set[ObjectKey] = set()
    for one in found:
        decision, spans = one.status.decision, held if one.acts else would
        if one.acts:
            keys = {
                target.key
                for target in one.status.targets
                if was_held(one)
                and (target.ledger is not None or target.state is TargetState.GIVEN_BACK)
            }
        else:
            keys = set() if decision is None else {each.place.key for each in decision.changes}
            for each in () if decision is None else decision.changes:
                told = f"{each.place.field}: {each.before} -> {each.after}"
                changes[each.place.key][told] = None
        lasted = _spans(one, now=now)
        for key in keys if lasted else ():
            names[key].add(one.name)
            spans[key] += lasted
            if not one.closed and one.status.phase is not Phase.PROPOSED:
                ongoing.add(key)
    return tuple(
        HeldTarget(
            key,
            held_seconds=_seconds(held.get(key, [])),
            would_seconds=_seconds(would.get(key, [])),
            incidents=len(names[key]),
            changes=tuple(changes.get(key, ())),
            ongoing=key in ongoing,
        )
        for key in sorted(names)
    )


def _spans(one: Incident, *, now: datetime) -> list[_Span]:
    """Give from when to when an incident held, or would have: not while it waited for approval."""
    begun, status = _begun(one), one.status
    decision = status.decision
    known = status.closed_at if one.acts or decision is None else decision.ends
    end = read_moment(known) or now
    if not one.acts or all(each.what != Phase.PROPOSED for each in status.timeline):
        return [] if begun is None else [(begun, max(begun, end))]
    spans: list[_Span] = []
    since = begun if status.timeline[0].what in HELD_PHASES else None
    for each in status.timeline:
        at = read_moment(each.time)
        if each.what in HELD_PHASES:
            since = since or at
        elif each.what == Phase.PROPOSED and since is not None and at is not None:
            spans.append((since, max(since, at)))
            since = None
    return spans if since is None else [*spans, (since, max(since, end))]


def _seconds(spans: Sequence[_Span]) -> float:
    """Give how long at least one of them lasted."""
    total, until = 0.0, None
    for begin, end in sorted(spans):
        start = begin if until is None or begin > until else until
        if end > start:
            total += (end - start).total_seconds()
            until = end
    return round(total, 3)


# -- people


def _deeds(found: Sequence[Incident]) -> tuple[Deed, ...]:
    """Give what people did, oldest first; what several incidents witnessed is told once."""
    deeds: dict[object, Deed] = {}
    for one in found:
        begun = _begun(one)
        for change in one.status.witnessed.changes:
            deed = Deed(one.name, change.time, _after(begun, change.time), change.by, change=change)
            deeds.setdefault((change.place, change.before, change.after, change.time), deed)
        for wish in Wish:
            request = one.wishes.of(wish)
            if request is not None:
                after = _after(begun, request.at)
                deeds[one.name, wish] = Deed(
                    one.name, request.at, after, request.by, wish=wish, why=request.reason
                )
    return tuple(sorted(deeds.values(), key=lambda deed: (deed.time, deed.incident, deed.by)))


def _after(begun: datetime | None, time: str) -> float:
    at = read_moment(time)
    if begun is None or at is None:
        return 0.0
    return max(0.0, round((at - begun).total_seconds(), 3))
