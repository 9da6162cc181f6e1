"""What is sent, and what becomes of it: the simulated world, without any clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of the messages, as shares of attempts; complaints of those delivered."""

    hard_bounces: float = 0.0
    soft_bounces: float = 0.0
    blocks: float = 0.0
    deferrals: float = 0.0
    complaints: float = 0.0
    trap_hits: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what can't be; raises ValueError."""
        shares = (self.hard_bounces, self.soft_bounces, self.blocks, self.deferrals)
        if min(*shares, self.complaints, self.trap_hits) < 0 or sum(shares) > 1 + 1e-9:
            raise ValueError(f"{self} fails more than every message, or less than none")


@dataclass(frozen=True, slots=True)
class Campaign:
    """A mailing: who sends it, how fast, to whom."""

    name: str
    per_minute: float
    """Messages a minute of each replica."""
    pool: str = "bulk"
    tenant: str = ""
    stream: Literal["bulk", "transactional"] = "bulk"
    workload: str = ""
    in_flight_minutes: float = 0.0
    """How long a message is under way between being picked up and being handed over."""
    providers: Mapping[str, float] = field(default_factory=lambda: {"gmail": 1.0})
    """The share of each mailbox provider; they add up to 1."""
    segments: Mapping[str, float] = field(default_factory=lambda: {"all": 1.0})
    """The share of each segment; they add up to 1."""


class Outcomes:
    """Which outcome which messages have now; a scenario changes it while it runs.

    What was said last of a message counts, whether it was said of it alone or of all mail.
    """

    def __init__(self) -> None:
        self._set: dict[tuple[str | None, str | None, str | None], Outcome] = {}

    def change(
        self,
        outcome: Outcome,
        *,
        campaign: str | None = None,
        provider: str | None = None,
        segment: str | None = None,
    ) -> None:
        """Set what becomes of the messages that are named; None means whichever."""
        key = (campaign, provider, segment)
        self._set.pop(key, None)
        self._set[key] = outcome

    def of(self, campaign: str, *, provider: str, segment: str) -> Outcome:
        asked = (campaign, provider, segment)
        for key, outcome in reversed(self._set.items()):
            if all(part in {None, wanted} for part, wanted in zip(key, asked, strict=True)):
                return outcome
        return Outcome()
