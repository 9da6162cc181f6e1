"""One step of sending: what replicas, rates and holds allow, counted to the message.

Deterministic by exact accumulators instead of dice: each stream of messages carries its fraction
over to the next step, so that 8 % of hard bounces are 8 in 100 and no run differs from another. A
story whose alert depended on luck would be told differently each time; and accumulators don't
depend on the length of a step.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from responder.sandbox.senders.campaigns import Campaign, Outcomes
from responder.sandbox.senders.hold_reader import held

_ROUNDING: Final = 1e-9
_UNREADABLE: Final = (ValueError, TypeError, AttributeError, OSError, RecursionError)


class Lane(NamedTuple):
    """Messages that are alike: the labels of the metric contract."""

    tenant: str
    campaign: str
    stream: str
    pool: str
    mailbox_provider: str
    segment: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What a sender knows of the holds on one lane."""

    share: float = 1.0
    limits: tuple[tuple[str, float], ...] = ()
    """Messages a minute by document: of all lanes that it concerns, together."""
    pool: str = ""
    suppressed: bool = False
    drop: bool = False
    ids: tuple[str, ...] = ()
    unreadable: str = ""
    """Why a document can't be read: bulk mail stops then."""


class Happened(NamedTuple):
    """Something to count: what, on which lane, how often."""

    what: str
    lane: Lane
    times: int


class Step(NamedTuple):
    """What one step did."""

    happened: tuple[Happened, ...]
    withheld: Mapping[str, float]
    """Messages that would have been sent without holds, by campaign."""
    observed: Mapping[str, tuple[str, ...]]
    """The ids of the hold documents that concern each campaign."""
    unreadable: Mapping[str, str]


def observe(campaign: Campaign, *, own: Path, shared: Path, lane: Lane) -> Observed:
    """Read what holds a lane, with the snippet that real senders use."""
    try:
        told: dict[str, Any] = held(
            own, shared, pool=lane.pool, segment=lane.segment, provider=lane.mailbox_provider
        )
        limits = tuple((name, max(0.0, float(limit))) for name, limit in told["limits"].items())
        return Observed(
            share=told["share"],
            limits=limits,
            pool=str(told["pool"]),
            suppressed=told["suppressed"],
            drop=told["drop"],
            ids=tuple(told["ids"]),
        )
    except _UNREADABLE as error:
        share = 1.0 if campaign.stream == "transactional" else 0.0
        return Observed(share=share, pool=lane.pool, unreadable=f"{type(error).__name__}: {error}")


class Sending:
    """The state of all lanes between steps: fractions of messages, and totals."""

    def __init__(self, campaigns: Sequence[Campaign], outcomes: Outcomes) -> None:
        self.campaigns = {campaign.name: campaign for campaign in campaigns}
        self.outcomes = outcomes
        self.withheld: dict[str, float] = dict.fromkeys(self.campaigns, 0.0)
        """Messages not sent because of holds, by campaign, since the beginning."""
        self._fractions: defaultdict[tuple[Lane, str], float] = defaultdict(float)

    def lanes(self, campaign: Campaign) -> dict[Lane, float]:
        """Give the lanes of a campaign and the share of its messages on each."""
        return {
            Lane(campaign.tenant, campaign.name, campaign.stream, campaign.pool, provider, segment):
                provider_share * segment_share
            for provider, provider_share in campaign.providers.items()
            for segment, segment_share in campaign.segments.items()
        }  # fmt: skip

    def step(
        self, *, minutes: float, replicas: Mapping[str, float], holds: Mapping[Lane, Observed]
    ) -> Step:
        """Send for so many minutes, with so many ready replicas of each workload.

        What is in flight is what a step began: a step is sent whole under the hold that was read
        before it (`finish`), and nothing is kept over to be dropped.
        """
        wanted = {
            campaign.name: campaign.per_minute * replicas.get(campaign.workload, 1) * minutes
            for campaign in self.campaigns.values()
        }
        parts = {
            lane: wanted[campaign.name] * part
            for campaign in self.campaigns.values()
            for lane, part in self.lanes(campaign).items()
        }
        seen = {lane: holds.get(lane, Observed(pool=lane.pool)) for lane in parts}
        allowed = _limited(parts, seen, minutes=minutes)
        happened: list[Happened] = []
        withheld = dict.fromkeys(self.campaigns, 0.0)
        observed: dict[str, set[str]] = {name: set() for name in self.campaigns}
        unreadable: dict[str, str] = {}
        for lane, hold in seen.items():
            withheld[lane.campaign] += parts[lane] - allowed[lane]
            observed[lane.campaign].update(hold.ids)
            if hold.unreadable:
                unreadable[lane.campaign] = hold.unreadable
            happened += self._sent(lane._replace(pool=hold.pool or lane.pool), allowed[lane])
        for name, messages in withheld.items():
            self.withheld[name] += messages
        ids = {name: tuple(sorted(found)) for name, found in observed.items()}
        return Step(tuple(happened), withheld, ids, unreadable)

    def _sent(self, lane: Lane, messages: float) -> list[Happened]:
        outcome = self.outcomes.of(
            lane.campaign, provider=lane.mailbox_provider, segment=lane.segment
        )
        attempts = self._whole(lane, "attempts", messages)
        counts = {
            "hard": self._whole(lane, "hard", attempts * outcome.hard_bounces),
            "soft": self._whole(lane, "soft", attempts * outcome.soft_bounces),
            "block": self._whole(lane, "block", attempts * outcome.blocks),
            "deferrals": self._whole(lane, "deferrals", attempts * outcome.deferrals),
        }
        # Every kind carries a fraction of its own: together they may owe a message or two.
        left = self._whole(lane, "delivered", float(attempts - sum(counts.values())))
        counts |= {
            "attempts": attempts,
            "delivered": left,
            "complaints": self._whole(lane, "complaints", left * outcome.complaints),
            "trap_hits": self._whole(lane, "trap_hits", attempts * outcome.trap_hits),
        }
        return [Happened(what, lane, count) for what, count in counts.items() if count]

    def _whole(self, lane: Lane, what: str, amount: float) -> int:
        """Give the whole messages that are due; a debt (delivered only) waits for later ones."""
        due = self._fractions[lane, what] + amount
        whole = max(0, int(due + _ROUNDING))
        self._fractions[lane, what] = due - whole
        return whole


def _limited(
    parts: Mapping[Lane, float], seen: Mapping[Lane, Observed], *, minutes: float
) -> dict[Lane, float]:
    """Cut each lane to its share, then whatever shares a document to its messages a minute.

    Cutting one never loosens another, so the order of the documents doesn't matter for promises.
    """
    allowed = {
        lane: 0.0 if seen[lane].suppressed else part * seen[lane].share
        for lane, part in parts.items()
    }
    limits = {limit for hold in seen.values() for limit in hold.limits}
    for document, per_minute in sorted(limits):
        lanes = [lane for lane in allowed if (document, per_minute) in seen[lane].limits]
        total = sum(allowed[lane] for lane in lanes)
        if total > per_minute * minutes:
            for lane in lanes:
                allowed[lane] *= per_minute * minutes / total
    return allowed
