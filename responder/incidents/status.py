"""What was decided and done about an incident, as its status keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, Self

from responder.holds.ledger import Ledger
from responder.holds.objects import JsonObject, ObjectKey
from responder.incidents.confirmation import Confirmation
from responder.incidents.decision import Decision, Witnessed
from responder.incidents.requests import Request

MOST_TIMELINE: Final = 64
FIRST_TIMELINE: Final = 16
"""Of a bounded timeline the beginning and the end are kept."""


class Phase(StrEnum):
    """Where in its life an incident is."""

    NEW = ""
    """Stored, and not yet looked at: what it asks for holds already."""
    PROPOSED = "Proposed"
    """It holds nothing until a person approves it."""
    HOLDING = "Holding"
    COOLING = "Cooling"
    RAMPING = "Ramping"
    """It gives back in steps."""
    CLOSED = "Closed"


class Outcome(StrEnum):
    """How a closed incident ended."""

    RELEASED = "released"
    REJECTED = "rejected"
    EXPIRED = "expired"
    OBSERVED = "observed"


class Reason(StrEnum):
    """Why an incident is in its phase."""

    ALERT_FIRING = "AlertFiring"
    TRIGGERED = "Triggered"
    OBSERVING = "Observing"
    WAITS_FOR_APPROVAL = "WaitsForApproval"
    DISARMED = "Disarmed"
    ARMED_AGAIN = "ArmedAgain"
    APPROVED = "Approved"
    NOBODY_DECIDED = "NobodyDecided"
    REJECTED = "Rejected"
    EXPIRED = "Expired"
    ESCALATED = "Escalated"
    ALERTS_RESOLVED = "AlertsResolved"
    ACKNOWLEDGED = "Acknowledged"
    WAITS_FOR_PERSON = "WaitsForPerson"
    WAITS_FOR_ACKNOWLEDGEMENT = "WaitsForAcknowledgement"
    WAITS_FOR_EVIDENCE = "WaitsForEvidence"
    FIRING_AGAIN = "FiringAgain"
    STEP_OPENED = "StepOpened"
    RELAPSED = "Relapsed"
    COOL_DOWN_OVER = "CoolDownOver"
    RAMP_OVER = "RampOver"
    RELEASED_BY_HAND = "ReleasedByHand"
    DELETED = "Deleted"
    GIVEN_BACK = "GivenBack"


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
    CONTESTED = "Contested"
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


class Truth(StrEnum):
    """What evidence comes to. Nothing is loosened or tightened by what is unknown."""

    YES = "Yes"
    NO = "No"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """The last answer to one question about the incident."""

    question: str
    truth: Truth
    at: str
    """When it was asked."""
    since: str = ""
    """Nothing from before this moment was counted; empty where nothing bounds it."""
    reason: str = ""
    """Why it is unknown."""
    message: str = ""
    true_seconds: float = 0
    """How long it has been yes. What is unknown counts as nothing; a no begins anew. Stored as
    whole seconds, and counted in parts of them: answers may come more often."""

    def to_json(self) -> JsonObject:
        told: JsonObject = {
            "question": self.question,
            "truth": str(self.truth),
            "at": self.at,
            "since": self.since,
            "reason": self.reason,
            "message": self.message,
            "trueSeconds": int(self.true_seconds),
        }
        return {key: value for key, value in told.items() if value}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        truth, seconds = str(told.get("truth", "")), told.get("trueSeconds")
        return cls(
            question=str(told.get("question", "")),
            truth=Truth(truth) if truth in set(Truth) else Truth.UNKNOWN,
            at=str(told.get("at", "")),
            since=str(told.get("since", "")),
            reason=str(told.get("reason", "")),
            message=str(told.get("message", "")),
            true_seconds=seconds if isinstance(seconds, int) and seconds > 0 else 0,
        )


@dataclass(frozen=True, slots=True)
class Ramp:
    """How far giving back in steps has come, and how often it went wrong."""

    step: int = 0
    """The step that is open, counted from 1; 0 where none is."""
    step_since: str = ""
    resumed_at: str = ""
    """When the first step was last opened: no evidence from before it counts."""
    relapses: int = 0
    relapsed_at: str = ""

    def to_json(self) -> JsonObject | None:
        if self == Ramp():
            return None
        return {
            "step": self.step,
            "stepSince": self.step_since or None,
            "resumedAt": self.resumed_at or None,
            "relapses": self.relapses,
            "relapsedAt": self.relapsed_at or None,
        }


@dataclass(frozen=True, slots=True)
class Status:
    """What was decided and done."""

    phase: Phase = Phase.NEW
    outcome: Outcome | None = None
    reason: str = ""
    message: str = ""
    since: str = ""
    approve_by: str = ""
    """Until when a proposed one waits; empty where it waits for ever."""
    cooling_until: str = ""
    closed_at: str = ""
    letting_go: Request | None = None
    firing: int = 0
    stages: tuple[int, ...] = ()
    """Which stages of the escalation have been reached, by their place in it."""
    ramp: Ramp = Ramp()
    answers: tuple[Answer, ...] = ()
    conditions: tuple[Condition, ...] = ()
    targets: tuple[Target, ...] = ()
    timeline: tuple[Entry, ...] = ()
    brake_milliseconds: int | None = None
    confirmation: Confirmation = field(default_factory=Confirmation)
    decision: Decision | None = None
    """What it would have done; only of one that only observes."""
    witnessed: Witnessed = field(default_factory=Witnessed)

    def to_json(self) -> JsonObject:
        """Write the whole status; what is not set is null, so that a merge patch removes it."""
        return {
            "phase": str(self.phase),
            "outcome": None if self.outcome is None else str(self.outcome),
            "reason": self.reason,
            "message": self.message,
            "since": self.since or None,
            "approveBy": self.approve_by or None,
            "coolingUntil": self.cooling_until or None,
            "closedAt": self.closed_at or None,
            "lettingGo": None if self.letting_go is None else self.letting_go.to_json(),
            "firing": self.firing,
            "stages": list(self.stages) or None,
            "ramp": self.ramp.to_json(),
            "evidence": [answer.to_json() for answer in self.answers] or None,
            "conditions": [condition.to_json() for condition in self.conditions],
            "targets": [target.to_json() for target in self.targets],
            "timeline": [entry.to_json() for entry in self.timeline],
            "brakeMilliseconds": self.brake_milliseconds,
            "confirmation": self.confirmation.to_json(),
            "decision": None if self.decision is None else self.decision.to_json(),
            "witnessed": self.witnessed.to_json(),
        }
