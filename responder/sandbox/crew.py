"""Those around the responder: the senders, who evaluates the rules, and who tells of alerts."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from responder.evidence.metric import Metric
from responder.playbooks.schema import Playbook
from responder.sandbox.alerting import prometheus, query_api
from responder.sandbox.alerting.grouping import Routing
from responder.sandbox.alerting.notifier import Notifier, Webhook
from responder.sandbox.alerting.prometheus import BuiltIn
from responder.sandbox.alerting.rule_files import RuleFile
from responder.sandbox.scenario.schema import Delivery, Scenario
from responder.sandbox.senders.campaigns import Campaign, Outcome, Outcomes
from responder.sandbox.senders.field import Field
from responder.sandbox.senders.sending import Step
from responder.sandbox.speed import Speed
from responder.sandbox.stage import Stage

_TICK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be rehearsed, and how."""

    scenario: Scenario
    playbooks: Sequence[Playbook]
    metrics: Mapping[str, Metric]
    rules: RuleFile
    speed: Speed
    api_port: int = 0
    listen_port: int = 0
    prometheus: Path | None = None
    """The program; without one the rules are evaluated here."""
    kubeconfig: Path | None = None
    """Where to write a kubeconfig for kubectl."""


class Crew:
    """The senders, and who watches them."""

    def __init__(self, wishes: Wishes, stage: Stage, outcomes: Outcomes, folder: Path) -> None:
        self._wishes = wishes
        self._stage = stage
        spec = wishes.scenario.spec
        replicas = {workload.name: workload.replicas for workload in spec.workloads}
        campaigns = []
        for each in spec.campaigns:
            workload = stage.workload_of(each)
            campaigns.append(
                Campaign(
                    name=each.name,
                    per_minute=each.per_minute / max(1, replicas[workload]),
                    pool=each.pool,
                    tenant=each.tenant,
                    stream=each.stream,
                    workload=workload,
                    in_flight_minutes=each.in_flight.seconds / 60,
                    providers={name: share.ratio for name, share in each.providers.items()},
                    segments={name: share.ratio for name, share in each.segments.items()},
                )
            )
            outcomes.change(outcome_of(each.delivery), campaign=each.name)
        self.field = Field(
            campaigns,
            outcomes=outcomes,
            folder=folder / "mounts",
            speed=wishes.speed.factor,
            config_maps=dict(stage.config_maps),
        )
        self._port = prometheus.free_port()
        self.notifier: Notifier
        self._steps: list[Step] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def withheld(self) -> Mapping[str, float]:
        return self.field.sending.withheld

    @property
    def dropped(self) -> Mapping[str, float]:
        return self.field.sending.dropped

    @property
    def prometheus_url(self) -> str:
        """Where who evaluates the rules answers questions, too, once they are at work."""
        return f"http://127.0.0.1:{self._port}"

    def taken_steps(self) -> list[Step]:
        """Give the steps that were taken since the last call."""
        steps, self._steps = self._steps, []
        return steps

    def check(self) -> None:
        """Raise what ended somebody's work."""
        for task in self._tasks:
            if task.done():
                task.result()

    @asynccontextmanager
    async def at_work(self, hook: Webhook) -> AsyncIterator[None]:
        """Send and watch while inside."""
        wishes, speed = self._wishes, self._wishes.speed.factor
        self.notifier = Notifier(hook, routing=Routing().scaled(speed=speed))
        async with contextlib.AsyncExitStack() as ends:
            self._tasks = [
                asyncio.create_task(self._send()),
                asyncio.create_task(self.notifier.run()),
            ]
            if wishes.prometheus is None:
                built_in = BuiltIn(
                    wishes.rules,
                    registry=self.field.exposition.registry,
                    notifier=self.notifier,
                    speed=speed,
                )
                self._tasks.append(asyncio.create_task(built_in.run()))
                await ends.enter_async_context(_served(query_api.routes(built_in), self._port))
            else:
                await ends.enter_async_context(self._prometheus(wishes.prometheus))
            try:
                yield
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self) -> None:
        before = time.monotonic()
        while True:
            replicas = await self.field.sync(self._stage)
            now = time.monotonic()
            self._steps.append(self.field.step(seconds=now - before, replicas=replicas))
            before = now
            await asyncio.sleep(_TICK_SECONDS)

    @asynccontextmanager
    async def _prometheus(self, program: Path) -> AsyncIterator[None]:
        routes = [*self.notifier.routes(), web.get("/metrics", self.field.metrics)]
        async with (
            _served(routes) as port,
            prometheus.running(
                program,
                self._wishes.rules,
                port=self._port,
                senders=f"127.0.0.1:{port}",
                alertmanager=f"127.0.0.1:{port}",
                speed=self._wishes.speed.factor,
            ),
        ):
            yield


@asynccontextmanager
async def _served(routes: Iterable[web.AbstractRouteDef], port: int = 0) -> AsyncIterator[int]:
    """Serve on the loopback interface while inside; gives the port."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def outcome_of(delivery: Delivery) -> Outcome:
    """Give what becomes of messages in the words of senders."""
    return Outcome(
        hard_bounces=delivery.hard_bounces.ratio,
        soft_bounces=delivery.soft_bounces.ratio,
        blocks=delivery.blocks.ratio,
        deferrals=delivery.deferrals.ratio,
        complaints=delivery.complaints.ratio,
        trap_hits=delivery.trap_hits.ratio,
    )
