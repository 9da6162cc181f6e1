"""One step of sending: what replicas, rates and holds allow, counted to the message.

Deterministic by exact accumulators instead of dice: each stream of messages carries its fraction
over to the next step, so that 8 % of hard bounces are 8 in 100 and no run differs from another. A
story whose alert depended on luck would be told differently each time; and accumulators don't
depend on the length of a step.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from responder.sandbox.senders.campaigns import Campaign, Outcomes
from responder.sandbox.senders.flight import Begun, Flight
from responder.sandbox.senders.lanes import Lane, Observed

_ROUNDING: Final = 1e-9


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


class Sending:
    """The state of all lanes between steps: fractions of messages, and totals."""

    def __init__(self, campaigns: Sequence[Campaign], outcomes: Outcomes) -> None:
        self.campaigns = {campaign.name: campaign for campaign in campaigns}
        self.outcomes = outcomes
        self.withheld: dict[str, float] = dict.fromkeys(self.campaigns, 0.0)
        """Messages not sent because of holds, by campaign, since the beginning."""
        self.dropped: dict[str, float] = dict.fromkeys(self.campaigns, 0.0)
        """Of these, the ones that had been picked up already when a hold asked to drop them."""
        self._fractions: defaultdict[tuple[Lane, str], float] = defaultdict(float)
        self._flights = {
            lane: Flight(campaign.in_flight_minutes)
            for campaign in campaigns
            for lane in self.lanes(campaign)
        }
        self._minutes = 0.0

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

        A message is under way for a time between being picked up and being handed over. It then
        finishes, whatever is held meanwhile, unless a hold asks to drop it, or no pod is left.
        """
        pods = {
            campaign.name: replicas.get(campaign.workload, 1)
            for campaign in self.campaigns.values()
        }
        parts = {
            lane: campaign.per_minute * pods[campaign.name] * minutes * part
            for campaign in self.campaigns.values()
            for lane, part in self.lanes(campaign).items()
        }
        seen = {lane: holds.get(lane, Observed(pool=lane.pool)) for lane in parts}
        allowed = _limited(parts, seen, minutes=minutes)
        happened: list[Happened] = []
        withheld = dict.fromkeys(self.campaigns, 0.0)
        observed: dict[str, set[str]] = {name: set() for name in self.campaigns}
        unreadable: dict[str, str] = {}
        began, self._minutes = self._minutes, self._minutes + minutes
        for lane, hold in seen.items():
            flight = self._flights[lane]
            let = allowed[lane] / parts[lane] if parts[lane] else 1.0
            if not pods[lane.campaign]:
                flight.lose()
            dropped = flight.drop(hold, let=let)
            self.dropped[lane.campaign] += dropped
            withheld[lane.campaign] += parts[lane] - allowed[lane] + dropped
            observed[lane.campaign].update(hold.ids)
            if hold.unreadable:
                unreadable[lane.campaign] = hold.unreadable
            flight.begin(Begun(began, self._minutes, allowed[lane], hold=hold, let=let))
            for pool, messages in flight.due(self._minutes):
                happened += self._sent(lane._replace(pool=pool or lane.pool), messages)
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
