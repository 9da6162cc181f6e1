"""What Prometheus knows of senders: who keeps to a document, who does not say, who is silent."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from responder.evidence.answers import NoAnswer
from responder.evidence.prometheus import Prometheus, open_prometheus
from responder.evidence.senders import Senders, senders_of
from responder.evidence.transport import Endpoint, Limits
from responder.evidence.verdict import Unknown
from tests.controlplane.eventually import eventually
from tests.controlplane.fixtures import StartPrometheus
from tests.controlplane.ports import free_port
from tests.controlplane.real_prometheus import scrape_configuration
from tests.evidence import exporter
from tests.evidence.exporter import exported

QUICK = Limits(total_seconds=2.0, deadline_seconds=6.0, first_pause_seconds=0.05)
SALE = {"campaign": "spring-sale"}
ID = "5f1c9a"


@dataclass(frozen=True, slots=True)
class World:
    one: exporter.Senders
    other: exporter.Senders
    prometheus: Prometheus

    async def senders(self, labels: dict[str, str], document: str = ID) -> Senders | NoAnswer:
        return await senders_of(self.prometheus, labels, document=document, now=datetime.now(UTC))

    async def become(self, expected: Senders, labels: dict[str, str] | None = None) -> None:
        async def is_so() -> bool:
            return await self.senders(labels or SALE) == expected

        await eventually(is_so, what=f"Prometheus knows {expected}")


@asynccontextmanager
async def world(start_prometheus: StartPrometheus) -> AsyncIterator[World]:
    """Two exporters, each of one sender of the campaign, and of another campaign's."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(exported())
        other = await stack.enter_async_context(exported())
        for senders in (one, other):
            senders.count("attempts", 0, campaign="spring-sale", pool="bulk")
        server = start_prometheus(scrape_configuration(one.address, other.address))
        prometheus = await stack.enter_async_context(
            open_prometheus(Endpoint(url=server.url), limits=QUICK, scrape_interval_seconds=0.2)
        )
        yield World(one, other, prometheus)


async def test_only_all_exporters_together_confirm(start_prometheus: StartPrometheus) -> None:
    async with world(start_prometheus) as there:
        await there.become(Senders(blind=2))
        there.one.observe("spring-sale", ID)
        await there.become(Senders(observed=1, blind=1))
        assert not Senders(observed=1, blind=1).all_observe
        there.other.observe("spring-sale", "000000")
        await there.become(Senders(observed=1, blind=1))
        there.other.observe("spring-sale", ID)
        await there.become(Senders(observed=2))
        assert Senders(observed=2).all_observe
        # Of another document and another campaign they say nothing.
        assert await there.senders(SALE, "000000") == Senders(blind=2)
        assert await there.senders({"campaign": "newsletter"}) == Senders()
        # What concerns a pool is told by its senders, whatever their campaigns are.
        assert await there.senders({"pool": "bulk"}) == Senders(observed=2)


async def test_one_that_can_not_be_scraped_is_silent_and_not_one_that_has_stopped(
    start_prometheus: StartPrometheus,
) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(exported())
        one.count("attempts", 0, campaign="spring-sale")
        gone = AsyncExitStack()
        other = await gone.enter_async_context(exported())
        other.count("attempts", 0, campaign="spring-sale")
        server = start_prometheus(scrape_configuration(one.address, other.address))
        prometheus = await stack.enter_async_context(
            open_prometheus(Endpoint(url=server.url), limits=QUICK, scrape_interval_seconds=0.2)
        )
        there = World(one, other, prometheus)
        await there.become(Senders(blind=2))
        await gone.aclose()
        await there.become(Senders(blind=1, silent=1))
        one.observe("spring-sale", ID)
        await there.become(Senders(observed=1, silent=1))
        assert not Senders(observed=1, silent=1).all_observe


@pytest.mark.parametrize("campaign", ['spring"sale', "spring\\sale", "{{x}}", "spring\nsale"])
async def test_names_that_look_like_a_query_stay_names(
    start_prometheus: StartPrometheus, campaign: str
) -> None:
    async with exported() as one:
        one.count("attempts", 0, campaign=campaign)
        one.observe(campaign, ID)
        server = start_prometheus(scrape_configuration(one.address))
        async with open_prometheus(
            Endpoint(url=server.url), limits=QUICK, scrape_interval_seconds=0.2
        ) as prometheus:
            there = World(one, one, prometheus)
            await there.become(Senders(observed=1), {"campaign": campaign})


async def test_nothing_is_known_where_nobody_answers() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    limits = Limits(total_seconds=0.5, deadline_seconds=1.0, first_pause_seconds=0.05)
    async with open_prometheus(Endpoint(url=url), limits=limits) as prometheus:
        found = await senders_of(prometheus, SALE, document=ID, now=datetime.now(UTC))
    assert isinstance(found, NoAnswer)
    assert found.reason is Unknown.DOWN
