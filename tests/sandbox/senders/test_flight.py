"""What is in flight when a hold comes finishes, unless the hold asks to drop it."""

from collections import Counter
from pathlib import Path

import pytest

from responder.sandbox.senders.campaigns import Campaign, Outcomes
from responder.sandbox.senders.field import Field
from tests.sandbox.senders.test_sending import Cluster

MAIL = Campaign("mail", per_minute=600, workload="sender", in_flight_minutes=0.1)
"""Sixty messages are in flight."""


class Sender:
    """One campaign, step by step."""

    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster()
        self.field = Field([MAIL], outcomes=Outcomes(), folder=folder)

    async def send(self, seconds: float) -> dict[str, int]:
        """Attempts by pool."""
        sent: Counter[str] = Counter()
        replicas = await self.field.sync(self.cluster)
        for what, lane, times in self.field.step(seconds=seconds, replicas=replicas).happened:
            sent[lane.pool] += times if what == "attempts" else 0
        return dict(sent)

    @property
    def counted(self) -> tuple[float, float]:
        sending = self.field.sending
        return sending.withheld["mail"], sending.dropped["mail"]


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(tmp_path)


async def test_a_message_is_handed_over_once_its_time_is_over(sender: Sender) -> None:
    assert await sender.send(5) == {}
    assert await sender.send(5) == {"bulk": 40}
    assert await sender.send(60) == {"bulk": 600}


async def test_what_is_in_flight_finishes(sender: Sender) -> None:
    await sender.send(60)
    sender.cluster.hold("mail", "hold.json", share=0, id="a")
    assert await sender.send(60) == {"bulk": 60}
    assert sender.counted == pytest.approx((600, 0))


async def test_what_is_in_flight_is_dropped_where_a_hold_asks_for_it(sender: Sender) -> None:
    await sender.send(60)
    sender.cluster.hold("mail", "hold.json", share=0, inFlight="drop", id="a")
    assert await sender.send(60) == {}
    assert sender.counted == pytest.approx((660, 60))


async def test_one_of_several_documents_is_enough_to_drop(sender: Sender) -> None:
    await sender.send(60)
    sender.cluster.hold("mail", "hold.json", share=0, id="a")
    sender.cluster.hold("sending-holds", "pool.bulk.json", inFlight="drop", id="b")
    assert await sender.send(60) == {}


async def test_what_begins_under_a_throttle_that_drops_is_sent(sender: Sender) -> None:
    await sender.send(60)
    sender.cluster.hold("mail", "hold.json", share=0.5, inFlight="drop", id="a")
    assert await sender.send(60) == {"bulk": 270}
    assert await sender.send(60) == {"bulk": 300}
    assert sender.counted == pytest.approx((660, 60))


async def test_what_is_in_flight_is_dropped_again_where_it_gets_stricter(sender: Sender) -> None:
    sender.cluster.hold("mail", "hold.json", share=0.5, inFlight="drop", id="a")
    await sender.send(60)
    sender.cluster.hold("mail", "hold.json", share=0, inFlight="drop", id="b")
    assert await sender.send(60) == {}
    assert sender.counted[1] == pytest.approx(30)


async def test_a_step_towards_the_whole_drops_nothing(sender: Sender) -> None:
    sender.cluster.hold("mail", "hold.json", share=0.1, inFlight="drop", id="a")
    await sender.send(60)
    sender.cluster.hold("mail", "hold.json", share=0.5, inFlight="drop", id="b")
    assert await sender.send(6) == {"bulk": 6}
    assert sender.counted[1] == 0


async def test_what_is_in_flight_keeps_its_pool(sender: Sender) -> None:
    await sender.send(60)
    sender.cluster.hold("mail", "hold.json", pool="quarantine", id="a")
    assert await sender.send(12) == {"bulk": 60, "quarantine": 60}


async def test_the_last_pod_takes_along_what_is_in_flight(sender: Sender) -> None:
    await sender.send(60)
    sender.cluster.pods = 0
    assert await sender.send(60) == {}
    assert sender.counted == (0, 0)
