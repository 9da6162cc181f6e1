"""Senders' counters, exported from the test's own process for a real Prometheus to scrape."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

LABELS = ("tenant", "campaign", "stream", "pool", "mailbox_provider", "segment")


@dataclass(slots=True)
class Senders:
    """Counters as senders keep them; `address` is where they are scraped."""

    address: str = ""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _counters: dict[str, Counter] = field(default_factory=dict)
    _observed: Gauge | None = None

    def count(self, name: str, amount: float, **labels: str) -> None:
        """Count events, like `bounces` with `type="hard"`; 0 begins the series."""
        extra = tuple(key for key in labels if key not in LABELS)
        if name not in self._counters:
            self._counters[name] = Counter(
                f"mail_{name}", name, (*LABELS, *extra), registry=self.registry
            )
        told = dict.fromkeys(LABELS, "") | labels
        self._counters[name].labels(**told).inc(amount)

    def observe(self, campaign: str, document: str) -> None:
        """Say that the sender keeps to the document of that id alone; to none, if it is empty."""
        if self._observed is None:
            self._observed = Gauge(
                "mail_hold_observed",
                "1 while it is kept to.",
                ("campaign", "id"),
                registry=self.registry,
            )
        self._observed.clear()
        if document:
            self._observed.labels(campaign=campaign, id=document).set(1)

    def forget(self, name: str) -> None:
        """As a restart does: the counters of this name begin anew."""
        self._counters[name].clear()

    async def _metrics(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=generate_latest(self.registry), content_type="text/plain")


@asynccontextmanager
async def exported() -> AsyncIterator[Senders]:
    """Served at /metrics of a port of its own."""
    senders = Senders()
    app = web.Application()
    app.add_routes([web.get("/metrics", senders._metrics)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    senders.address = f"{host}:{port}"
    try:
        yield senders
    finally:
        await runner.cleanup()
