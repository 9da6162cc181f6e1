"""Who asked for what: the trigger of an incident, and people's wishes about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from responder.holds.objects import JsonObject
from responder.incidents.identity import TriggerKind


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


class Wish(StrEnum):
    """What a person may ask of an open incident; each stands in `spec` under its own name."""

    APPROVE = "approve"
    """Hold what is proposed."""
    REJECT = "reject"
    """Never hold what is proposed."""
    ACKNOWLEDGE = "acknowledge"
    """The cause is dealt with: resuming may begin once the cool-down is over."""
    RELEASE = "release"
    """Give everything back now."""
    EXTEND = "extend"
    """Look at it again later: the review is put off."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What people have asked of an incident so far."""

    approve: Request | None = None
    reject: Request | None = None
    acknowledge: Request | None = None
    """The last one: each relapse asks for another."""
    release: Request | None = None
    extend: Request | None = None
    """The last one."""
    review_at: str = ""
    """To when it puts the review off."""

    def of(self, wish: Wish) -> Request | None:
        """Give what was asked for by that name."""
        found: Request | None = getattr(self, str(wish))
        return found

    def to_json(self) -> JsonObject:
        """Give what stands in `spec`."""
        told: JsonObject = {
            str(wish): request.to_json() for wish in Wish if (request := self.of(wish)) is not None
        }
        if self.extend is not None:
            told[str(Wish.EXTEND)]["until"] = self.review_at
        return told

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> "Wishes":
        def asked(wish: Wish) -> Mapping[str, Any]:
            found = spec.get(str(wish))
            return found if isinstance(found, Mapping) else {}

        return cls(
            approve=Request.from_json(asked(Wish.APPROVE)),
            reject=Request.from_json(asked(Wish.REJECT)),
            acknowledge=Request.from_json(asked(Wish.ACKNOWLEDGE)),
            release=Request.from_json(asked(Wish.RELEASE)),
            extend=Request.from_json(asked(Wish.EXTEND)),
            review_at=str(asked(Wish.EXTEND).get("until", "")),
        )
