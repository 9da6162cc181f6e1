"""The figures of a report: one playbook's incidents, what they held, and what people did."""

from collections.abc import Mapping
from dataclasses import dataclass

from responder.holds.objects import JsonObject, ObjectKey
from responder.incidents.decision import Change
from responder.incidents.requests import Wish


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that people did, or another program did, while an incident was open."""

    incident: str
    time: str
    after_seconds: float
    """After its alert was received."""
    by: str
    wish: Wish | None = None
    why: str = ""
    change: Change | None = None
    """Of a field, where it is no wish."""

    @property
    def brakes(self) -> bool:
        """Tell whether it may have been a brake: a number lowered, or another text."""
        if self.change is None:
            return False
        before, after = _number(self.change.before), _number(self.change.after)
        return after < before if before is not None and after is not None else True

    def to_json(self) -> JsonObject:
        told: JsonObject = {
            "incident": self.incident,
            "time": self.time,
            "afterSeconds": self.after_seconds,
            "by": self.by,
        }
        if self.wish is not None:
            told |= {"wish": str(self.wish), "reason": self.why}
        if self.change is not None:
            told |= {"change": {**self.change.to_json(), "time": self.time, "by": self.by}}
        return told


@dataclass(frozen=True, slots=True)
class HeldTarget:
    """For how long one object was held, or would have been; overlapping incidents count once."""

    key: ObjectKey
    held_seconds: float = 0
    would_seconds: float = 0
    incidents: int = 0
    changes: tuple[str, ...] = ()
    """What would have been changed, e.g. `replicas: 8 -> 2`."""
    ongoing: bool = False

    def to_json(self) -> JsonObject:
        return {
            "kind": self.key.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "heldSeconds": self.held_seconds,
            "wouldHaveBeenHeldSeconds": self.would_seconds,
            "incidents": self.incidents,
            "changes": list(self.changes),
            "ongoing": self.ongoing,
        }


@dataclass(frozen=True, slots=True)
class Proposals:
    """What became of what was proposed."""

    approved: int = 0
    rejected: int = 0
    expired: int = 0
    """Nobody decided in time, and it was not held."""
    nobody_decided: int = 0
    """Nobody decided in time, and it was held, as was configured."""
    resolved: int = 0
    """Its alerts resolved before anybody decided."""
    waiting: int = 0

    @property
    def total(self) -> int:
        return sum(
            (
                *(self.approved, self.rejected, self.expired),
                *(self.nobody_decided, self.resolved, self.waiting),
            )
        )

    def to_json(self) -> JsonObject:
        return {
            "total": self.total,
            "approved": self.approved,
            "rejected": self.rejected,
            "expired": self.expired,
            "nobodyDecided": self.nobody_decided,
            "resolved": self.resolved,
            "waiting": self.waiting,
        }


@dataclass(frozen=True, slots=True)
class PlaybookReport:
    """One playbook's incidents."""

    playbook: str
    incidents: int
    open: int
    observed: int
    held: int
    proposals: Proposals
    false_alarms: Mapping[str, str]
    """By incident, why it looks like one."""
    brake_median_milliseconds: float | None
    brake_worst_milliseconds: int | None
    targets: tuple[HeldTarget, ...]
    refused: Mapping[str, int]
    """What would not have been held, with the number of incidents."""
    refused_incidents: int
    person_needed: Mapping[str, int]
    """Why a person would have been necessary to give back, with the number of incidents."""
    deeds: tuple[Deed, ...]
    deeds_omitted: int
    braked_by_hand: int
    """Observed incidents in which somebody changed what would have been held."""
    braked_after_seconds: float | None
    """The median of how long after the alert."""
    relapses: int
    escalations: int

    def to_json(self) -> JsonObject:
        return {
            "playbook": self.playbook,
            "incidents": self.incidents,
            "open": self.open,
            "observed": self.observed,
            "held": self.held,
            "proposed": self.proposals.to_json(),
            "falseAlarms": dict(self.false_alarms),
            "timeToBrake": {
                "medianMilliseconds": self.brake_median_milliseconds,
                "worstMilliseconds": self.brake_worst_milliseconds,
            },
            "targets": [target.to_json() for target in self.targets],
            "refused": dict(self.refused),
            "refusedIncidents": self.refused_incidents,
            "personNeeded": dict(self.person_needed),
            "people": [deed.to_json() for deed in self.deeds],
            "peopleOmitted": self.deeds_omitted,
            "brakedByHand": {
                "incidents": self.braked_by_hand,
                "medianAfterSeconds": self.braked_after_seconds,
            },
            "relapses": self.relapses,
            "escalations": self.escalations,
        }


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
