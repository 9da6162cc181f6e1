"""A sender that obeys the hold document of its campaign, and counts what it sends and what bounces.

It looks at the cluster as the snippet of `docs/senders.md` looks at a mounted file, and exports the
metric contract for a real Prometheus.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.e2e.cluster import Cluster
from tests.evidence.exporter import Senders, exported

_TICK_SECONDS = 0.1
_PER_SECOND = 1000
"""Messages at the normal rate, however busy this machine is."""


@dataclass(slots=True)
class ObedientSender:
    """One campaign; a test changes how much of its mail bounces."""

    cluster: Cluster
    campaign: str
    senders: Senders
    bounce_rate: float = 0.0
    obeys: bool = True
    tells: bool = False
    """Whether it says by which document it goes."""
    _sent_until: float = field(default_factory=time.monotonic)

    @property
    def labels(self) -> dict[str, str]:
        return {"campaign": self.campaign, "pool": "bulk", "stream": "bulk"}

    @property
    def address(self) -> str:
        return self.senders.address

    def begin(self) -> None:
        """Begin all series at zero, so that what is counted from now on is an increase."""
        for name in ("attempts", "delivered"):
            self.senders.count(name, 0, **self.labels)
        self.senders.count("bounces", 0, type="hard", **self.labels)

    def send(self) -> None:
        """Send what the hold lets through, for the time since the last look at it."""
        hold = self.cluster.hold(self.campaign)
        if not self.obeys:
            hold = None
        if self.tells:
            self.senders.observe(self.campaign, "" if hold is None else str(hold["id"]))
        share = 1.0 if hold is None or hold.get("share") is None else float(hold["share"])
        now = time.monotonic()
        sent = _PER_SECOND * (now - self._sent_until) * share
        self._sent_until = now
        if sent:
            bounced = sent * self.bounce_rate
            self.senders.count("attempts", sent, **self.labels)
            self.senders.count("bounces", bounced, type="hard", **self.labels)
            self.senders.count("delivered", sent - bounced, **self.labels)


@contextlib.contextmanager
def sending(cluster: Cluster, campaign: str) -> Iterator[ObedientSender]:
    """Sends in a thread of its own until the test is over."""
    loop = asyncio.new_event_loop()
    started, ended = threading.Event(), asyncio.Event()
    found: list[ObedientSender] = []

    async def run() -> None:
        async with exported() as senders:
            sender = ObedientSender(cluster, campaign, senders)
            sender.begin()
            found.append(sender)
            started.set()
            while not ended.is_set():
                await asyncio.to_thread(sender.send)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), _TICK_SECONDS)

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    started.wait()
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()
