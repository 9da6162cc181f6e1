"""What one that only observes would have held, and what others do to those fields meanwhile.

Level-triggered like all else: the fields as they would be without us are compared with what is
stored of them, so that a restart misses no change, and a thousand changes within a second are one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from responder.holds.ledger import Entry, Ledger
from responder.holds.objects import (
    HOLD_KEY,
    KEYS_ANNOTATION,
    LEDGER_ANNOTATION,
    SENDING_HOLDS,
    JsonObject,
    ObjectKey,
    annotation,
    name,
    value_at,
)
from responder.holds.ownership import is_autoscaled, written_by_others
from responder.holds.planning import Finding
from responder.holds.replicas import REPLICAS
from responder.holds.subjects import CAMPAIGN, CONFIG_MAP, key_for, subject_of
from responder.holds.workload import AUTOSCALER
from responder.incidents.decision import (
    MOST_CHANGES,
    Change,
    Decision,
    Place,
    decided,
    kept_value,
)
from responder.incidents.incident import Incident
from responder.incidents.observing import (
    changed_under_a_hold,
    ended,
    needed_persons,
    with_changes,
)
from responder.incidents.status import Status
from responder.incidents.transitions import moment, read_moment
from responder.reconcile.announcing import shown
from responder.reconcile.preview import preview
from responder.reconcile.slimming import DROPPED
from responder.reconcile.view import View

_MOST_HEARD: Final = 1024


class Witness:
    """Tells an incident's status what it would do, and what others did."""

    def __init__(self, view: View, *, pools: tuple[str, ...]) -> None:
        self._view = view
        self._pools = pools
        self._heard: dict[Place, str] = {}
        """By whom a held field was last edited: once it is held again, managedFields name us."""

    def hear(self, finding: Finding) -> None:
        """Take note of an edit that was found on what is held."""
        place = Place(finding.key, finding.field)
        self._heard.pop(place, None)
        self._heard[place] = finding.by
        if len(self._heard) > _MOST_HEARD:
            del self._heard[next(iter(self._heard))]

    def look(self, incident: Incident, status: Status, *, now: datetime) -> Status:
        """Take into a status what is to be told by now."""
        if incident.acts:
            return with_changes(status, self._held(incident, status, now=now), {})
        decision = status.decision
        if decision is None:
            decision = self._decide(incident, now=now)
        decision = ended(incident, decision, status)
        if status.decision != decision:
            status = replace(status, decision=decision)
        return self._compared(incident, status, now=now)

    def _held(self, incident: Incident, status: Status, *, now: datetime) -> list[Change]:
        return [
            Change(
                place,
                kept_value(shown(before)),
                kept_value(shown(after)),
                time=moment(now),
                by=self._heard.get(place, ""),
            )
            for place, before, after in changed_under_a_hold(
                incident.status.targets, status.targets
            )
        ]

    def _decide(self, incident: Incident, *, now: datetime) -> Decision:
        found = preview(self._view, incident, pools=self._pools)
        changes = [
            Change(Place(each.key, each.field), shown(each.before), shown(each.after))
            for each in found.differences
        ]
        return decided(changes, found.problems, person=needed_persons(incident), at=moment(now))

    def _compared(self, incident: Incident, status: Status, *, now: datetime) -> Status:
        """Note every watched field that is not as it was when it was last looked at."""
        known, seen = status.witnessed.seen, dict(status.witnessed.seen or {})
        changes: list[Change] = []
        for place, live in self._watched(incident):
            value = _without_us(live, place)
            if value is None or (place not in seen and len(seen) >= MOST_CHANGES):
                continue
            before, seen[place] = seen.get(place), value
            if known is None or before is None or before == value:
                continue
            who = self._who(live, place, value)
            if who is not None:
                by, at = who
                time = moment(read_moment(at) or now)
                changes.append(Change(place, before, value, time=time, by=by))
        if seen == known:
            return status
        return with_changes(status, changes, seen)

    def _who(self, live: JsonObject, place: Place, value: str) -> tuple[str, str] | None:
        """Tell who made a field what it is, and when; None where it was an autoscaler, or we.

        What we give back to replicas that an autoscaler had moved is no wish of anybody's, and
        once it is tidied nobody's name is on it.
        """
        path = _path(place)
        if path == REPLICAS.path and is_autoscaled(live, path):
            return None
        if _ledger(live).get(place.field) is not None:
            return self._heard.get(place, ""), ""
        others = written_by_others(live, path)
        if others is None and value == shown(None):
            return "", ""  # a key that is gone has no owner any more
        return others

    def _watched(self, incident: Incident) -> Iterator[tuple[Place, JsonObject]]:
        """Give each field that the incident is about, with its object as it is now."""
        for key in self._view.concerned(incident):
            live = self._view.objects.get(key)
            if live is None:
                continue
            if key.kind == CONFIG_MAP:
                for field in self._keys(incident, key, live):
                    yield Place(key, field), live
                continue
            yield Place(key, "replicas"), live
            for scaler in self._view.autoscalers_of(key):
                other = ObjectKey(AUTOSCALER, key.namespace, name(scaler))
                yield Place(other, "minReplicas"), scaler
                yield Place(other, "maxReplicas"), scaler

    def _keys(self, incident: Incident, key: ObjectKey, live: JsonObject) -> list[str]:
        """Give the keys of a ConfigMap: what would be held, and what a campaign's owner offers.

        By a key that is offered people pause a campaign whose hold document is ours alone.
        """
        asks = [
            ask
            for ask in incident.plan
            if subject_of(ask).kind in (CAMPAIGN, CONFIG_MAP)
            and key in self._view.targets_of(subject_of(ask))
        ]
        keys = {key_for(ask) for ask in asks}
        if key.name != SENDING_HOLDS:
            offered = (annotation(live, KEYS_ANNOTATION) or "").split(",")
            keys |= {HOLD_KEY, *(part.strip() for part in offered)} - {""}
        return sorted(keys - live.get(DROPPED, frozenset()))


def _path(place: Place) -> tuple[str, ...]:
    return ("data" if place.key.kind == CONFIG_MAP else "spec", place.field)


def _ledger(live: JsonObject) -> Mapping[str, Entry]:
    ledger = Ledger.from_text(annotation(live, LEDGER_ANNOTATION))
    return {} if ledger is None else ledger.fields


def _without_us(live: JsonObject, place: Place) -> str | None:
    """Give a field's value as it would be without us; None where nobody knows."""
    entry = _ledger(live).get(place.field)
    if entry is not None and entry.unknown:
        return None
    value = value_at(live, _path(place)) if entry is None else entry.baseline
    return kept_value(shown(value))
