"""From the senders' counters to the webhook: by the built-in evaluator and by a real Prometheus."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, generate_latest

from responder.sandbox.alerting.grouping import Routing
from responder.sandbox.alerting.notifier import Notifier, Webhook
from responder.sandbox.alerting.prometheus import BuiltIn, PrometheusError, running
from responder.sandbox.alerting.rule_files import load_rules
from tests.controlplane.binaries import find
from tests.controlplane.eventually import eventually
from tests.controlplane.go_build import GoMissingError
from tests.controlplane.ports import free_port
from tests.controlplane.toolsets import PROMETHEUS
from tests.sandbox.alerting.receiver import Receiver, served

SPEED = 60.0
RULES = load_rules(Path(__file__).parents[3] / "rules" / "alerts")
ROUTING = Routing(group_wait_seconds=6, group_interval_seconds=60).scaled(speed=SPEED)


class Bouncing:
    """A campaign whose every message bounces, as its metrics tell."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._bounces = Counter(
            "email_bounces", "Bounces.", ("campaign",), registry=self.registry
        ).labels("sale")

    async def run(self) -> None:
        while True:
            self._bounces.inc(20)
            await asyncio.sleep(0.1)

    async def metrics(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=generate_latest(self.registry), content_type="text/plain")


@contextlib.asynccontextmanager
async def tasks(*coroutines):  # type: ignore[no-untyped-def] # noqa: ANN002, ANN201
    started = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in started:
            task.cancel()
        await asyncio.gather(*started, return_exceptions=True)


def _labels(receiver: Receiver) -> dict[str, str]:
    told = [one["labels"] for body in receiver.bodies for one in body["alerts"]]
    return next((one for one in told if one["alertname"] == "HighBounceRate"), {})


EXPECTED = {"alertname": "HighBounceRate", "campaign": "sale", "severity": "critical"}


async def test_the_built_in_evaluator_tells_of_the_bounces() -> None:
    receiver, bouncing = Receiver(), Bouncing()
    async with served(receiver.routes()) as address:
        notifier = Notifier(Webhook(f"http://{address}/hook"), routing=ROUTING)
        built_in = BuiltIn(RULES, registry=bouncing.registry, notifier=notifier, speed=SPEED)
        async with tasks(bouncing.run(), notifier.run(), built_in.run()):
            found = await eventually(lambda: _labels(receiver), within_seconds=20)
    assert found == EXPECTED


async def test_a_real_prometheus_tells_the_same() -> None:
    try:
        program = find(PROMETHEUS)["prometheus"]
    except GoMissingError as error:
        pytest.skip(str(error))
    receiver, bouncing = Receiver(), Bouncing()
    async with served(receiver.routes()) as address:
        notifier = Notifier(Webhook(f"http://{address}/hook"), routing=ROUTING)
        async with (
            served([web.get("/metrics", bouncing.metrics), *notifier.routes()]) as both,
            running(
                program, RULES, port=free_port(), senders=both, alertmanager=both, speed=SPEED
            ) as url,
            tasks(bouncing.run(), notifier.run()),
        ):
            found = await eventually(lambda: _labels(receiver), within_seconds=40)
            async with aiohttp.ClientSession() as session, session.get(f"{url}/-/ready") as answer:
                assert answer.status == 200
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(url)
    assert found == EXPECTED


async def test_a_prometheus_that_ends_is_told(tmp_path: Path) -> None:
    program = tmp_path / "prometheus"
    program.write_text("#!/bin/sh\necho no such flag\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(PrometheusError, match="no such flag"):
        async with running(program, RULES, port=1, senders="a:1", alertmanager="a:1"):
            pass
