"""Pictures of the sandbox as it runs, made of what the senders counted and the chronicle saw."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from responder.holds.sending import SendingLimit
from responder.sandbox.chronicle import Chronicle, in_words
from responder.sandbox.scenario.schema import Campaign, Scenario
from responder.sandbox.senders.sending import Step
from responder.sandbox.speed import Speed
from responder.sandbox.telling.picture import (
    CampaignRow,
    IncidentRow,
    Line,
    Picture,
    WorkloadRow,
)

_RECENT_TOLD_SECONDS: Final = 60.0
_MINUTE: Final = 60.0
_HARD: Final = "hard"


class Pictures:
    """Counts what was sent, and takes a picture whenever it is asked to."""

    def __init__(self, scenario: Scenario, speed: Speed) -> None:
        self._scenario = scenario
        self._speed = speed
        self._counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._recent: deque[tuple[float, Mapping[str, int]]] = deque()
        self._unreadable: Mapping[str, str] = {}

    def count(self, steps: Iterable[Step]) -> None:
        """Take in what the senders did."""
        for step in steps:
            for what, lane, times in step.happened:
                self._counts[lane.campaign][what] += times
            self._unreadable = step.unreadable

    def take(
        self,
        told_seconds: float,
        chronicle: Chronicle,
        firing: Sequence[str],
        lines: Sequence[Line],
        withheld: Mapping[str, float],
    ) -> Picture:
        """Give the picture of this moment."""
        sent = {name: counts["attempts"] for name, counts in self._counts.items()}
        self._recent.append((told_seconds, sent))
        while len(self._recent) > 1 and self._recent[1][0] < told_seconds - _RECENT_TOLD_SECONDS:
            self._recent.popleft()
        held, bounds = chronicle.held(), chronicle.bounds()
        return Picture(
            scenario=self._scenario.name,
            about=self._scenario.spec.about,
            speed=self._speed.factor,
            told_seconds=told_seconds,
            campaigns=[
                self._campaign(each, told_seconds, held, withheld.get(each.name, 0.0))
                for each in self._scenario.spec.campaigns
            ],
            workloads=[
                WorkloadRow(name, replicas, bounds.get(name))
                for name, replicas in chronicle.replicas().items()
            ],
            incidents=[
                IncidentRow(
                    name,
                    str((body.get("status") or {}).get("phase") or "New"),
                    int((body.get("status") or {}).get("firing") or 0),
                    str((body.get("status") or {}).get("message") or ""),
                )
                for name, body in chronicle.incidents.items()
            ],
            firing=firing,
            lines=lines,
        )

    def _campaign(
        self,
        campaign: Campaign,
        told_seconds: float,
        held: Mapping[str, SendingLimit],
        withheld: float,
    ) -> CampaignRow:
        counts = self._counts[campaign.name]
        since, before = self._recent[0]
        minutes = (told_seconds - since) / _MINUTE
        fresh = counts["attempts"] - before.get(campaign.name, 0)
        attempts, delivered = counts["attempts"], counts["delivered"]
        return CampaignRow(
            name=campaign.name,
            stream=campaign.stream,
            wanted_per_minute=campaign.per_minute,
            sent_per_minute=fresh / minutes if minutes > 0 else 0.0,
            sent=attempts,
            bounce_share=counts[_HARD] / attempts if attempts else 0.0,
            complaint_share=counts["complaints"] / delivered if delivered else 0.0,
            not_sent=round(withheld),
            held=self._held(campaign, held),
        )

    def _held(self, campaign: Campaign, held: Mapping[str, SendingLimit]) -> str:
        if campaign.name in self._unreadable:
            return f"stopped: {self._unreadable[campaign.name]}"
        told = []
        own = held.get(f"campaign/{campaign.name}")
        if own is not None:
            told.append(in_words(own))
        about = [("pool", campaign.pool)]
        about += [("provider", name) for name in campaign.providers]
        about += [("segment", name) for name in campaign.segments]
        for kind, name in about:
            limit = held.get(f"{kind}/{name}")
            if limit is not None:
                told.append(f"{kind} {name}: {in_words(limit)}")
        return "; ".join(told)
