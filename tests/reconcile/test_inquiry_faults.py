"""Alertmanagers at their worst, over HTTP: the door answers meanwhile, and nothing is resolved."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from responder.evidence.alertmanager import open_alertmanagers
from responder.evidence.reckoning import Senders
from responder.evidence.transport import Endpoint, Limits
from responder.metrics import Metrics
from responder.reconcile.inquiry import Inquiry, Practice
from responder.reconcile.recovering import Recovery
from tests.cluster.faulty_server import Exchange, Handler, faulty_server
from tests.e2e.process import alert
from tests.evidence import faults
from tests.evidence.faults import answering
from tests.evidence.test_alertmanager import alert as listed
from tests.evidence.test_alertmanager import playing
from tests.reconcile.door import NOW, Door, only

LIMITS = Limits(
    connect_seconds=1,
    total_seconds=1,
    deadline_seconds=2,
    tries=2,
    first_pause_seconds=0.01,
    most_bytes=16 * 2**20,
)
LATER = NOW + timedelta(minutes=10)
STRANGE = {"alertname": "Strange", "filler": "x" * 900}


def large(number: int) -> list[dict[str, Any]]:
    """So many kilobytes of alerts that concern nobody here."""
    return [listed(each + 1000, labels=STRANGE) for each in range(number)]


@asynccontextmanager
async def asking(handle: Handler) -> AsyncIterator[tuple[Door, Inquiry, Metrics]]:
    door, metrics = Door(), Metrics()
    async with faulty_server(handle) as server:
        endpoint = Endpoint(server.url)
        async with open_alertmanagers([endpoint], limits=LIMITS) as alertmanagers:
            yield (
                door,
                Inquiry(
                    alertmanagers,
                    Practice(Senders.of([server.url], ["http://alertmanager.invalid"])),
                    view=door.view,
                    recovery=Recovery(door.intake, door.view, now=lambda: LATER),
                    metrics=metrics,
                    now=lambda: LATER,
                    is_ready=lambda: True,
                    leads=lambda: True,
                    on_quiet=lambda _quiet: None,
                ),
                metrics,
            )


def counted(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(f"responder_{name}", labels) or 0.0


async def dripping(exchange: Exchange) -> None:
    """A byte now and then, for ever."""
    await exchange.promise(length=10**6, sent=b"[")
    while True:
        await asyncio.sleep(0.05)
        await exchange.raw(b" ")


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        pytest.param(faults.hang, "TimedOut", id="hangs"),
        pytest.param(dripping, "TimedOut", id="drips"),
        pytest.param(faults.reset_in_the_body, "Down", id="breaks off"),
        pytest.param(answering((500, "oops")), "Down", id="fails"),
        pytest.param(playing("<html>login</html>"), "Unreadable", id="another's page"),
        pytest.param(playing('[{"fingerprint": 7}]'), "Unreadable", id="wrong"),
        pytest.param(playing(json.dumps(large(2000)) + "x"), "Unreadable", id="2 MB and junk"),
        pytest.param(playing("[" * 10**7), "Unreadable", id="10 MB of nothing"),
        pytest.param(playing(" " * (17 * 2**20)), "Unreadable", id="more than is read"),
    ],
)
async def test_nothing_is_resolved_and_the_door_answers_meanwhile(
    handle: Handler, reason: str
) -> None:
    async with asking(handle) as (door, inquiry, metrics):
        await door.notify(alert())
        slowest = 0.0
        task = asyncio.create_task(inquiry.ask())
        number = 0
        while not task.done():
            number += 1
            began = time.monotonic()
            await door.notify(alert(fingerprint=f"{number:016x}", campaign=f"c{number % 50}"))
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.01)
        await task
    assert slowest < 1.0
    assert number > 0
    assert all(
        record["status"] == "firing"
        for live in door.server.stored.values()
        for record in live["spec"]["alerts"].values()
    )
    assert counted(metrics, "alertmanager_inquiries_total", outcome="partial") == 1
    assert counted(metrics, "alerts_unknown", reason=reason) >= 1


async def test_ten_megabytes_are_read_and_the_door_answers_meanwhile() -> None:
    async with asking(playing(large(10_000))) as (door, inquiry, metrics):
        await door.notify(alert())
        task, slowest, number = asyncio.create_task(inquiry.ask()), 0.0, 0
        while not task.done():
            number += 1
            began = time.monotonic()
            await door.notify(alert())
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.001)
        await task
    assert counted(metrics, "alertmanager_inquiries_total", outcome="whole") == 1
    assert slowest < 0.5
    assert number > 20
    assert only(door.server).firing == 0
