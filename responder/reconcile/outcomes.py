"""What became of an incident's targets, kept until it stands in the incident's status."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from responder.holds.ledger import Ledger
from responder.holds.objects import ObjectKey
from responder.holds.subjects import CAMPAIGN, object_of, subject_of, told
from responder.holds.workload import AUTOSCALER, DEPLOYMENT
from responder.incidents.incident import Incident
from responder.incidents.status import Target, TargetState
from responder.reconcile.view import IncidentKey, View

MOST_TARGETS: Final = 256
"""What the resource takes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one incident stands on one target key."""

    targets: tuple[Target, ...]
    given_back: bool = False
    """The incident let go, and nothing of it is left on this target, committed."""


class Outcomes:
    """The newest outcome by incident and target."""

    def __init__(self) -> None:
        self._found: dict[IncidentKey, dict[ObjectKey, Outcome]] = defaultdict(dict)

    def put(self, incident: IncidentKey, key: ObjectKey, outcome: Outcome) -> bool:
        """Keep an outcome; tells whether it is news."""
        known = self._found[incident].get(key)
        self._found[incident][key] = outcome
        return known != outcome

    def of(self, incident: IncidentKey) -> Mapping[ObjectKey, Outcome]:
        return self._found.get(incident, {})

    def holds(self, incident: IncidentKey) -> bool:
        """Tell whether something is held for it, as far as is known here."""
        return any(
            target.ledger is not None
            for outcome in self.of(incident).values()
            for target in outcome.targets
        )

    def forget(self, incident: IncidentKey) -> None:
        self._found.pop(incident, None)

    def reopen(self, incident: IncidentKey) -> None:
        """An incident holds again, or may: what it gave back is not held, and counts no more."""
        self._found[incident] = {
            key: outcome for key, outcome in self.of(incident).items() if not outcome.given_back
        }

    def all_in(self, incident: IncidentKey, targets: list[ObjectKey]) -> bool:
        return all(key in self.of(incident) for key in targets)

    def given_back(self, incident: IncidentKey, targets: list[ObjectKey]) -> bool:
        found = self.of(incident)
        return all(key in found and found[key].given_back for key in targets)

    def targets(self, incident: Incident, view: View) -> tuple[Target, ...]:
        """Give the targets for an incident's status: what is known, renewed by what was found.

        An object stays in it as long as the incident is open, so the set only grows.
        """
        key = IncidentKey(incident.namespace, incident.name)
        merged = {(target.key, target.subject): target for target in incident.status.targets}
        for outcome in self.of(key).values():
            _drop_gone(merged, outcome)
            for target in outcome.targets:
                place = (target.key, target.subject)
                merged[place] = _renewed(merged.get(place), target, incident.uid)
        for ask in incident.plan_in_force if incident.acts else ():
            subject = subject_of(ask)
            nowhere = ObjectKey(CAMPAIGN, ask.namespace, ask.target)
            if object_of(subject) is not None:
                continue
            if view.targets_of(subject):
                merged.pop((nowhere, told(ask)), None)
            elif not any(place[1] == told(ask) for place in merged):
                message = f"no ConfigMap is marked as of the campaign {ask.target}"
                merged[nowhere, told(ask)] = Target(
                    nowhere, TargetState.NO_TARGET, subject=told(ask), message=message
                )
        found = [merged[place] for place in sorted(merged)]
        if len(found) > MOST_TARGETS:
            # What is held is told first: a status with more is refused as a whole.
            found = sorted(found, key=lambda target: target.ledger is None)[:MOST_TARGETS]
        return tuple(found)


def _drop_gone(merged: dict[tuple[ObjectKey, str], Target], outcome: Outcome) -> None:
    """Drop what was never held and of which its workload's outcome tells no more: an autoscaler
    that is gone, or a Deployment that was away and is held by its autoscaler again.
    """
    subjects = {target.subject for target in outcome.targets}
    told_of = {(target.key, target.subject) for target in outcome.targets}
    for place, known in list(merged.items()):
        never_held = known.ledger is None and known.state is not TargetState.GIVEN_BACK
        gone = place[1] in subjects and place not in told_of
        if place[0].kind in {AUTOSCALER, DEPLOYMENT} and never_held and gone:
            del merged[place]


def _renewed(known: Target | None, found: Target, incident_uid: str) -> Target:
    """Renew the second copy of a ledger only where it must be: by whom the ledger names.

    One copy of the newest is needed, not one for each of 2,000 incidents on one object.
    """
    if known is None or known.ledger is None or found.ledger is None or known.uid != found.uid:
        return found
    if known.ledger.epoch != found.ledger.epoch or _names(found.ledger, incident_uid):
        return found
    return replace(found, ledger=known.ledger)


def _names(ledger: Ledger, incident_uid: str) -> bool:
    return any(entry.uid == incident_uid for entry in ledger.fields.values())
