"""The record of a brake that takes hold: since when it is applied, and when its effect was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from responder.holds.objects import JsonObject

CONFIRMED: Final = "Confirmed"
NOT_CONFIRMED: Final = "NotConfirmed"
NOTHING_KNOWN: Final = "NothingKnown"


class Effect(StrEnum):
    """What is seen of one hold. What nobody can tell is no denial."""

    SEEN = "Seen"
    DENIED = "Denied"
    """There is evidence that it has not taken hold."""
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of one hold, e.g. of `campaign/spring-sale`."""

    subject: str
    effect: Effect
    message: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One turn: from the decision to hold until its effect is seen.

    A stage that is reached and a relapse begin a new one; steps, which loosen, don't.
    """

    turn: str = ""
    """Which turn; empty while nothing is asked for."""
    begun_at: str = ""
    applied_at: str = ""
    confirmed_at: str = ""

    @property
    def milliseconds(self) -> int | None:
        """How long it took from the beginning until the effect was seen."""
        try:
            took = datetime.fromisoformat(self.confirmed_at) - datetime.fromisoformat(self.begun_at)
        except (ValueError, TypeError):
            return None
        return max(0, round(took.total_seconds() * 1000))

    def to_json(self) -> JsonObject | None:
        """Write it; what is not known is null, so that a merge patch removes it."""
        if self == Confirmation():
            return None
        return {
            "turn": self.turn or None,
            "begunAt": self.begun_at or None,
            "appliedAt": self.applied_at or None,
            "confirmedAt": self.confirmed_at or None,
            "milliseconds": self.milliseconds,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        found = {key: value for key, value in told.items() if isinstance(value, str)}
        return cls(
            turn=found.get("turn", ""),
            begun_at=found.get("begunAt", ""),
            applied_at=found.get("appliedAt", ""),
            confirmed_at=found.get("confirmedAt", ""),
        )
