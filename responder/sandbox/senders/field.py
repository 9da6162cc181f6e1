"""All senders of the sandbox: they look at their mounts, send, and count, again and again."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from aiohttp import web

from responder.sandbox.senders.campaigns import Campaign, Outcomes
from responder.sandbox.senders.exposition import CONTENT_TYPE, Exposition
from responder.sandbox.senders.lanes import observe
from responder.sandbox.senders.mounts import ConfigMaps, Mounts
from responder.sandbox.senders.sending import Sending, Step

SHARED: Final = "sending-holds"


class Cluster(ConfigMaps, Protocol):
    """What senders are told by Kubernetes."""

    async def ready_replicas(self, workload: str) -> int:
        """Give how many pods of the Deployment are ready; 0 if there is no such Deployment."""
        ...


class Field:
    """The senders, with their mounts in a folder and their metrics in a registry."""

    def __init__(
        self,
        campaigns: Sequence[Campaign],
        *,
        outcomes: Outcomes,
        folder: Path,
        speed: float = 1.0,
        config_maps: dict[str, str] | None = None,
    ) -> None:
        """Name the ConfigMaps of campaigns where they differ from the campaign's own name."""
        names = {campaign.name: campaign.name for campaign in campaigns} | (config_maps or {})
        self.sending = Sending(campaigns, outcomes)
        self.exposition = Exposition()
        self._mounts = Mounts(folder, names, shared=SHARED)
        self._speed = speed
        for campaign in campaigns:
            for lane in self.sending.lanes(campaign):
                self.exposition.announce(lane)

    async def sync(self, cluster: Cluster) -> dict[str, int]:
        """Bring the mounts up to date and give the ready replicas of every workload."""
        await self._mounts.sync(cluster)
        names = {campaign.workload for campaign in self.sending.campaigns.values()} - {""}
        return {name: await cluster.ready_replicas(name) for name in sorted(names)}

    def step(self, *, seconds: float, replicas: dict[str, int]) -> Step:
        """Send for so many real seconds, which are more of the story at a higher speed."""
        holds = {
            lane: observe(
                campaign,
                own=self._mounts.of(campaign.name),
                shared=self._mounts.shared,
                lane=lane,
            )
            for campaign in self.sending.campaigns.values()
            for lane in self.sending.lanes(campaign)
        }
        minutes = seconds * self._speed / 60
        step = self.sending.step(minutes=minutes, replicas=replicas, holds=holds)
        self.exposition.count(step)
        return step

    async def run(
        self,
        cluster: Cluster,
        *,
        every_seconds: float = 0.25,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send until cancelled; what the cluster raises ends it, so it may raise nothing."""
        before = now()
        while True:
            replicas = await self.sync(cluster)
            at = now()
            self.step(seconds=at - before, replicas=replicas)
            before = at
            await asyncio.sleep(every_seconds)

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer `GET /metrics`."""
        del request
        return web.Response(body=self.exposition.text(), headers={"Content-Type": CONTENT_TYPE})
