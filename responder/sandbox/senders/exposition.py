"""The senders' metrics: the contract that real senders are asked for, in a registry of its own."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from responder.sandbox.senders.lanes import Lane
from responder.sandbox.senders.sending import Step

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BOUNCES: Final = ("hard", "soft", "block")
_COUNTED: Final = ("attempts", "delivered", "complaints", "deferrals", "trap_hits")


class Exposition:
    """Counts what happened; every series is there from the beginning, at zero.

    A counter's first appearance is no increase: a lane that first appears with its first bounce
    would lose that bounce to every alert rule.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        lane = Lane._fields
        self._counters = {
            name: Counter(f"mail_{name}", f"Messages: {name}.", lane, registry=self.registry)
            for name in _COUNTED
        }
        self._bounces = Counter(
            "mail_bounces", "Messages that bounced.", (*lane, "type"), registry=self.registry
        )
        self._article = Counter(
            "email_bounces", "Bounces, by the name articles use.", lane, registry=self.registry
        )
        self._observed = Gauge(
            "mail_hold_observed",
            "1 while the sender keeps to the hold document with this id.",
            ("campaign", "id"),
            registry=self.registry,
        )
        self._withheld = Counter(
            "mail_withheld", "Messages not sent because of a hold.", ("campaign",),
            registry=self.registry,
        )  # fmt: skip
        self._unreadable = Gauge(
            "mail_hold_unreadable", "1 while a hold document can't be read.", ("campaign",),
            registry=self.registry,
        )  # fmt: skip
        self._seen: dict[str, set[str]] = {}

    def announce(self, lane: Lane) -> None:
        """Let the series of a lane begin at zero."""
        for counter in (*self._counters.values(), self._article):
            counter.labels(*lane)
        for kind in _BOUNCES:
            self._bounces.labels(*lane, kind)

    def count(self, step: Step) -> None:
        """Add what a step did."""
        for what, lane, count in step.happened:
            self.announce(lane)
            if what in _BOUNCES:
                self._bounces.labels(*lane, what).inc(count)
                self._article.labels(*lane).inc(count)
            else:
                self._counters[what].labels(*lane).inc(count)
        for campaign, withheld in step.withheld.items():
            self._withheld.labels(campaign).inc(withheld)
            self._unreadable.labels(campaign).set(campaign in step.unreadable)
        self._observe(step.observed)

    def _observe(self, observed: Mapping[str, tuple[str, ...]]) -> None:
        for campaign, ids in observed.items():
            for gone in self._seen.get(campaign, set()) - set(ids):
                self._observed.remove(campaign, gone)
            for identity in ids:
                self._observed.labels(campaign, identity).set(1)
            self._seen[campaign] = set(ids)

    def text(self) -> bytes:
        """Write everything as Prometheus reads it."""
        return generate_latest(self.registry)
