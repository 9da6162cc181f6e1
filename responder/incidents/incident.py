"""The incident resource: the durable record of what was accepted, decided and done.

`spec` is what was asked and is written by the door, `status` is what was decided and is written by
the leader. Everything in it is bounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

from responder.alerts.timestamps import rfc3339_to_ns
from responder.errors import BadInput
from responder.holds.ledger import Copy, Ledger
from responder.holds.objects import PREFIX, JsonObject, ObjectKey
from responder.incidents.identity import Identity, TriggerKind
from responder.playbooks.asks import Ask

API_VERSION: Final = PREFIX + "v1alpha1"
KIND: Final = "Incident"
FINALIZER: Final = PREFIX + "give-back"
PLAYBOOK_LABEL: Final = PREFIX + "playbook"

MOST_TIMELINE: Final = 64
FIRST_TIMELINE: Final = 16
"""Of a bounded timeline the beginning and the end are kept."""

AlertStatus = Literal["firing", "resolved"]


def _instant(moment: str) -> int:
    # Texts do not compare: 10:00:00Z comes after 10:00:00.5Z.
    try:
        return rfc3339_to_ns(moment)
    except BadInput:
        return -(2**63)


class Phase(StrEnum):
    """Where in its life an incident is."""

    NEW = ""
    """Stored, and not yet looked at: what it asks for holds already."""
    HOLDING = "Holding"
    COOLING = "Cooling"
    CLOSED = "Closed"


class Outcome(StrEnum):
    """How a closed incident ended."""

    RELEASED = "released"
    OBSERVED = "observed"


class Reason(StrEnum):
    """Why an incident is in its phase."""

    ALERT_FIRING = "AlertFiring"
    TRIGGERED = "Triggered"
    OBSERVING = "Observing"
    ALERTS_RESOLVED = "AlertsResolved"
    WAITS_FOR_PERSON = "WaitsForPerson"
    FIRING_AGAIN = "FiringAgain"
    COOL_DOWN_OVER = "CoolDownOver"
    RELEASED_BY_HAND = "ReleasedByHand"
    DELETED = "Deleted"
    GIVEN_BACK = "GivenBack"


@dataclass(frozen=True, slots=True)
class Statement:
    """What one sender last said of an alert."""

    status: AlertStatus
    starts_at: str
    at: str

    def to_json(self) -> JsonObject:
        return {"status": self.status, "startsAt": self.starts_at, "at": self.at}


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert inside an incident; it fires as long as one sender says so."""

    senders: Mapping[str, Statement]
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    ends_at: str = ""

    @property
    def firing(self) -> bool:
        return any(told.status == "firing" for told in self.senders.values())

    @property
    def starts_at(self) -> str:
        """The start of the newest occurrence that a sender speaks of, as sent."""
        return max((told.starts_at for told in self.senders.values()), default="", key=_instant)

    @property
    def heard_at(self) -> str:
        """When a sender last said something new of it."""
        return max((told.at for told in self.senders.values()), default="")

    def to_json(self) -> JsonObject:
        return {
            "status": "firing" if self.firing else "resolved",
            "startsAt": self.starts_at,
            "endsAt": self.ends_at,
            "senders": {name: told.to_json() for name, told in self.senders.items()},
            "labels": dict(self.labels),
            "summary": self.summary,
        }


@dataclass(frozen=True, slots=True)
class Resume:
    """When what is held may be given back."""

    manual: bool = False
    after_seconds: int = 0
    needs_person: tuple[str, ...] = ()
    """Why a person must release, beyond `manual`."""

    def to_json(self) -> JsonObject:
        return {
            "manual": self.manual,
            "afterSeconds": self.after_seconds,
            "needsPerson": list(self.needs_person),
        }


@dataclass(frozen=True, slots=True)
class Trigger:
    """Who or what opened the incident."""

    kind: TriggerKind
    by: str = ""
    reason: str = ""
    receiver: str = ""

    def to_json(self) -> JsonObject:
        told = {
            "kind": self.kind,
            "by": self.by,
            "reason": self.reason,
            "receiver": self.receiver,
        }
        return {key: value for key, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Request:
    """Something that a person asked for, or that was decided: by whom, when, why."""

    at: str
    by: str
    reason: str = ""

    def to_json(self) -> JsonObject:
        return {"at": self.at, "by": self.by, "reason": self.reason}

    @classmethod
    def from_json(cls, told: Mapping[str, Any] | None) -> "Request | None":
        if not told:
            return None
        return cls(
            at=str(told.get("at", "")),
            by=str(told.get("by", "")),
            reason=str(told.get("reason", "")),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    time: str
    what: str
    why: str = ""
    by: str = ""

    def to_json(self) -> JsonObject:
        return {"time": self.time, "what": self.what, "why": self.why, "by": self.by}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, as everywhere in Kubernetes."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""
    last_transition_time: str = ""

    def to_json(self) -> JsonObject:
        return {
            "type": self.type,
            "status": self.status,
            "reason": self.reason,
            **({"message": self.message} if self.message else {}),
            "lastTransitionTime": self.last_transition_time,
        }


class TargetState(StrEnum):
    """How one target of an incident stands."""

    APPLIED = "Applied"
    PENDING = "Pending"
    NO_TARGET = "NoTarget"
    NOT_ALLOWED = "NotAllowed"
    TRANSACTIONAL = "Transactional"
    IMMUTABLE = "Immutable"
    DENIED = "Denied"
    FORBIDDEN = "Forbidden"
    INVALID = "Invalid"
    ALTERED = "Altered"
    NO_ROOM = "NoRoom"
    BASELINE_UNKNOWN = "BaselineUnknown"
    GIVEN_BACK = "GivenBack"


@dataclass(frozen=True, slots=True)
class Target:
    """One object that the incident holds or wanted to hold, with the second copy of its ledger."""

    key: ObjectKey
    state: TargetState
    subject: str = ""
    """What of the plan it stands for, e.g. `campaign/spring-sale`."""
    message: str = ""
    uid: str = ""
    ledger: Ledger | None = None

    def to_json(self) -> JsonObject:
        return {
            "kind": self.key.kind,
            "namespace": self.key.namespace,
            "name": self.key.name,
            "uid": self.uid,
            "subject": self.subject,
            "state": str(self.state),
            **({"message": self.message} if self.message else {}),
            **({} if self.ledger is None else {"ledger": self.ledger.to_json()}),
        }


@dataclass(frozen=True, slots=True)
class Status:
    """What was decided and done."""

    phase: Phase = Phase.NEW
    outcome: Outcome | None = None
    reason: str = ""
    message: str = ""
    since: str = ""
    cooling_until: str = ""
    closed_at: str = ""
    letting_go: Request | None = None
    firing: int = 0
    conditions: tuple[Condition, ...] = ()
    targets: tuple[Target, ...] = ()
    timeline: tuple[Entry, ...] = ()
    brake_milliseconds: int | None = None

    def to_json(self) -> JsonObject:
        """Write the whole status; what is not set is null, so that a merge patch removes it."""
        return {
            "phase": str(self.phase),
            "outcome": None if self.outcome is None else str(self.outcome),
            "reason": self.reason,
            "message": self.message,
            "since": self.since or None,
            "coolingUntil": self.cooling_until or None,
            "closedAt": self.closed_at or None,
            "lettingGo": None if self.letting_go is None else self.letting_go.to_json(),
            "firing": self.firing,
            "conditions": [condition.to_json() for condition in self.conditions],
            "targets": [target.to_json() for target in self.targets],
            "timeline": [entry.to_json() for entry in self.timeline],
            "brakeMilliseconds": self.brake_milliseconds,
        }


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident as stored."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    created_at: str
    deleting: bool
    finalized: bool
    """Our finalizer is on it."""
    identity: Identity
    mode: str
    trigger: Trigger
    alerts: Mapping[str, AlertRecord]
    plan: tuple[Ask, ...]
    refusals: tuple[Mapping[str, str], ...]
    resume: Resume
    received_at: str
    token: str
    release: Request | None
    status: Status
    alerts_omitted: int = 0
    """Firing alerts that found no room in it: their end is not seen, so a person must release."""

    @property
    def playbook(self) -> str:
        return self.identity.playbook

    @property
    def closed(self) -> bool:
        return self.status.phase is Phase.CLOSED

    @property
    def released_at(self) -> str:
        """When a person released it, closed by now or not; empty where nobody did."""
        decided = self.status.letting_go
        if self.release is None:
            return ""
        if self.closed and decided is not None and decided.reason != Reason.RELEASED_BY_HAND:
            return ""  # too late: it had been given back by itself
        return self.release.at

    @property
    def acts(self) -> bool:
        """Tell whether the incident may hold anything at all, by its mode."""
        return self.mode == "auto"

    @property
    def firing(self) -> int:
        """Count the alerts that fire."""
        return sum(alert.firing for alert in self.alerts.values())

    @property
    def copies(self) -> tuple[Copy, ...]:
        """The second copies of the ledgers of what it holds."""
        return tuple(
            Copy(key=target.key, object_uid=target.uid, ledger=target.ledger)
            for target in self.status.targets
            if target.ledger is not None
        )
