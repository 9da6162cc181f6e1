"""What a playbook's words come down to for one incident: rendered once, and never changed.

A question is kept in the words of the ears, which alone read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from responder.errors import BadInput
from responder.holds.objects import JsonObject
from responder.playbooks.asks import Ask

RELAPSES_UNTIL_PERSON: Final = 2
"""After so many a person must acknowledge the cause, whatever the playbook says."""
LEAST_COOL_DOWN_SECONDS: Final = 1
"""What is doubled after a relapse where a playbook has no cool-down at all."""
_MOST_DOUBLINGS: Final = 10
_LONGEST_SECONDS: Final = 315_360_000
"""Ten years, as the resource has it: what is longer ends after the last year that can be told."""

Question = Mapping[str, Any]
UNCONFIRMED: Final[Question] = {"confirmed": False}
"""In the place of a question: the brake is seen not to take hold."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of giving back; it ends once its time is over *and* its volume was sent."""

    share: float
    """0..1 of what it would be without us."""
    for_seconds: int
    sends: int

    def to_json(self) -> JsonObject:
        return {"share": self.share, "forSeconds": self.for_seconds, "sends": self.sends}


@dataclass(frozen=True, slots=True)
class Resume:
    """When and how what is held may be given back."""

    manual: bool = False
    after_seconds: int = 0
    """The cool-down, counted from the moment when no alert fires any more."""
    needs_person: tuple[str, ...] = ()
    """Why a person must release, beyond `manual`."""
    acknowledged: bool = False
    """A person must have acknowledged the cause before anything is given back."""
    steps: tuple[Step, ...] = ()
    check: Question | None = None
    """What must be so before each step but the first, and before the end."""
    volume: Question | None = None
    """How much was sent; its threshold is the step's own."""

    def cool_down_seconds(self, relapses: int) -> int:
        """Give the cool-down after so many relapses: each doubles it."""
        if relapses == 0:
            return self.after_seconds
        doublings = min(relapses, _MOST_DOUBLINGS)
        doubled = max(self.after_seconds, LEAST_COOL_DOWN_SECONDS) * (1 << doublings)
        return min(doubled, _LONGEST_SECONDS)

    def to_json(self) -> JsonObject:
        return {
            "manual": self.manual,
            "afterSeconds": self.after_seconds,
            "needsPerson": list(self.needs_person),
            **({"acknowledged": True} if self.acknowledged else {}),
            **({"steps": [step.to_json() for step in self.steps]} if self.steps else {}),
            **({} if self.check is None else {"check": dict(self.check)}),
            **({} if self.volume is None else {"volume": dict(self.volume)}),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Resume":
        """Read it; steps that are none leave it to a person, for more was asked than a time."""
        needs_person = told.get("needsPerson")
        listed = needs_person if isinstance(needs_person, list) else []
        reasons = [item for item in listed if isinstance(item, str)]
        try:
            read = tuple(map(_step, _listed(told.get("steps"))))
        except (KeyError, TypeError, ValueError):
            read = ()
            reasons.append("its steps can't be read")
        return cls(
            manual=bool(told.get("manual")),
            after_seconds=_whole(told.get("afterSeconds")),
            needs_person=tuple(reasons),
            acknowledged=bool(told.get("acknowledged")),
            steps=read,
            check=_question(told.get("check")),
            volume=_question(told.get("volume")),
        )


def _step(told: Mapping[str, Any]) -> Step:
    return Step(
        share=min(1.0, max(0.0, float(told["share"]))),
        for_seconds=_whole(told["forSeconds"]),
        sends=_whole(told["sends"]),
    )


def _whole(told: Any) -> int:  # noqa: ANN401 -- JSON
    return told if isinstance(told, int) and not isinstance(told, bool) and told > 0 else 0


def _listed(told: Any) -> list[Any]:  # noqa: ANN401 -- JSON
    if told is not None and not isinstance(told, list):
        raise TypeError(told)
    return told or []


def _question(told: Any) -> Question | None:  # noqa: ANN401 -- JSON
    """Read a question; one that is none was asked all the same, and has no answer."""
    if told is None:
        return None
    return told if isinstance(told, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Stage:
    """Further holds, once their evidence has been true for so long."""

    when: Question
    for_seconds: int
    plan: tuple[Ask, ...]

    @property
    def is_unconfirmed(self) -> bool:
        """Whether it is for a brake that has not taken hold, and no question to Prometheus."""
        return self.when.get("confirmed") is False

    def to_json(self) -> JsonObject:
        return {
            "when": dict(self.when),
            "forSeconds": self.for_seconds,
            "plan": [ask.to_json() for ask in self.plan],
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Stage":
        """Read it; an ask that is none is left out, and the others stand."""
        plan: list[Ask] = []
        asks = told.get("plan")
        for found in asks if isinstance(asks, list) else ():
            try:
                plan.append(Ask.from_json(found))
            except BadInput:
                continue
        return cls(_question(told.get("when")) or {}, _whole(told.get("forSeconds")), tuple(plan))


@dataclass(frozen=True, slots=True)
class Approval:
    """Why a person must approve before anything is held, and what happens if nobody decides."""

    why: str
    within_seconds: int = 0
    """0 waits for ever."""
    otherwise: Literal["act", "expire"] = "expire"

    def to_json(self) -> JsonObject:
        return {
            "why": self.why,
            "withinSeconds": self.within_seconds,
            "otherwise": self.otherwise,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Approval":
        return cls(
            why=str(told.get("why", "")),
            within_seconds=_whole(told.get("withinSeconds")),
            otherwise="act" if told.get("otherwise") == "act" else "expire",
        )
