"""The incident resource: the durable record of what was accepted, decided and done.

`spec` is what was asked and is written by the door, `status` is what was decided and is written by
the leader. Everything in it is bounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from responder.alerts.timestamps import rfc3339_to_ns
from responder.errors import BadInput
from responder.holds.ledger import Copy
from responder.holds.objects import PREFIX, JsonObject
from responder.incidents.identity import Identity
from responder.incidents.policy import Approval, Resume, Stage
from responder.incidents.requests import Request, Trigger, Wishes
from responder.incidents.status import Condition, Phase, Reason, Status
from responder.playbooks.asks import Ask

API_VERSION: Final = PREFIX + "v1alpha1"
KIND: Final = "Incident"
FINALIZER: Final = PREFIX + "give-back"
PLAYBOOK_LABEL: Final = PREFIX + "playbook"

AlertStatus = Literal["firing", "resolved"]
_NO_INSTANT: Final = -(2**63)


def _instant(moment: str) -> int:
    # Texts do not compare: 10:00:00Z comes after 10:00:00.5Z.
    try:
        return rfc3339_to_ns(moment)
    except BadInput:
        return _NO_INSTANT


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

    def begun_since(self, moment: str) -> bool:
        """Tell whether an occurrence began after a moment, has it resolved by now or not."""
        return any(_instant(told.starts_at) > _instant(moment) for told in self.senders.values())

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
    wishes: Wishes
    status: Status
    alerts_omitted: int = 0
    """Firing alerts that found no room in it: their end is not seen, so a person must release."""
    stages: tuple[Stage, ...] = ()
    approval: Approval | None = None
    """Why a person must approve it first; None where nobody must."""
    include_transactional: bool = False
    """The playbook forces it to hold also what carries transactional mail, if its owner agrees."""
    review_after_seconds: int = 0
    """After this time a person should look at what still stands; 0 is never."""

    @property
    def playbook(self) -> str:
        return self.identity.playbook

    @property
    def closed(self) -> bool:
        return self.status.phase is Phase.CLOSED

    @property
    def release(self) -> Request | None:
        """A person's wish to give everything back."""
        return self.wishes.release

    @property
    def rejection(self) -> Request | None:
        """A person's wish never to hold it; what is held already is given back by a release."""
        decided = self.status.letting_go
        rejected = decided is not None and decided.reason == Reason.REJECTED
        return self.wishes.reject if rejected or self.waits_for_approval else None

    @property
    def released_at(self) -> str:
        """From when on what had begun by then is settled, whether it still fires or not.

        That is when a person released or rejected it, closed by now or not; or, where all of its
        steps went well, when it resumed. Empty where neither is so.
        """
        decided = self.status.letting_go
        why = decided.reason if decided is not None and self.closed else None
        if why == Reason.RAMP_OVER:
            return self.status.ramp.resumed_at
        for request, reason in (
            (self.wishes.release, Reason.RELEASED_BY_HAND),
            (self.rejection, Reason.REJECTED),
        ):
            # Closed for another reason, a wish came too late: it had been given back by itself.
            if request is not None and why in (None, reason):
                return request.at
        return ""

    @property
    def acts(self) -> bool:
        """Tell whether the incident may ever hold anything, by its mode."""
        return self.mode in {"auto", "approve"}

    @property
    def waits_for_approval(self) -> bool:
        """Tell whether it holds nothing yet because a person must approve it first."""
        if self.status.phase is Phase.NEW:
            undecided = self.wishes.approve is None or self.wishes.reject is not None
            return self.approval is not None and undecided
        return self.status.phase is Phase.PROPOSED

    @property
    def awaited(self) -> str:
        """Tell what must happen before it holds, while it holds nothing yet."""
        if self.status.reason == Reason.DISARMED or self.wishes.approve is not None:
            return "the responder is armed again"
        return "it is approved"

    @property
    def plan_in_force(self) -> tuple[Ask, ...]:
        """Give what it asks for when it holds: the plan, and that of each stage it has reached."""
        reached = [index for index in self.status.stages if index < len(self.stages)]
        return self.plan + tuple(ask for index in reached for ask in self.stages[index].plan)

    def condition(self, kind: str) -> Condition | None:
        """Give one of its conditions, as it was last told."""
        return next((one for one in self.status.conditions if one.type == kind), None)

    @property
    def firing(self) -> int:
        """Count the alerts that fire."""
        return sum(alert.firing for alert in self.alerts.values())

    def begun_since(self, moment: str) -> int:
        """Count the alerts of which an occurrence began after a moment, resolved by now or not.

        What fired and resolved while nobody looked has fired. Where the moment can't be read, those
        count that fire.
        """
        if _instant(moment) == _NO_INSTANT:
            return self.firing
        return sum(alert.begun_since(moment) for alert in self.alerts.values())

    @property
    def heard_at(self) -> str:
        """When anything new was last said of any of its alerts."""
        return max((alert.heard_at for alert in self.alerts.values()), default="", key=_instant)

    @property
    def has_held(self) -> bool:
        """Tell whether it came as far as holding, whatever became of it since."""
        return any(entry.what == Phase.HOLDING for entry in self.status.timeline)

    @property
    def copies(self) -> tuple[Copy, ...]:
        """The second copies of the ledgers of what it holds."""
        return tuple(
            Copy(key=target.key, object_uid=target.uid, ledger=target.ledger)
            for target in self.status.targets
            if target.ledger is not None
        )
