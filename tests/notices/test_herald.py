"""The herald: each moment is told once to those who want it, and never at the brake's expense."""

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from responder.incidents.incident import Incident
from responder.incidents.status import Outcome as Ending
from responder.incidents.status import Phase, TargetState
from responder.metrics import Metrics
from responder.notices import herald as heralds
from responder.notices.couriers import Answer, Couriers, Outcome
from responder.notices.destinations import Address
from responder.notices.herald import Herald
from responder.notices.outbox import Pace
from responder.reconcile.view import View
from tests.controlplane.eventually import eventually
from tests.incidents.given import NOW
from tests.notices.lives import (
    decided,
    ended,
    fresh,
    holding,
    letting_go,
    standing,
    targets,
    with_condition,
)

FILE = """\
destinations:
  - name: on-call
    url: json://127.0.0.1/0n-c4ll
  - name: mail
    url: json://127.0.0.1/m41l
    moments: [closed, past-review]
    playbooks: [high-*]
"""
QUICK = Pace(gather_seconds=0.0, every_seconds=0.0, first_retry_seconds=0.01)
APPLIED, ALTERED = TargetState.APPLIED, TargetState.ALTERED


def write(file: Path, text: str) -> None:
    file.write_text(text)


class Messengers(Couriers):
    """Couriers that need no process: what they took, where, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[str, Mapping[str, Any]]] = []
        self.unknown: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()

    async def send(
        self, address: Address, *, templates: Mapping[str, Sequence[str]], facts: Mapping[str, Any]
    ) -> Answer:
        del templates
        await self.open.wait()
        self.taken.append((address.text.rpartition("/")[2], facts))
        return Answer(Outcome.SENT)

    async def known(self, addresses: Sequence[Address]) -> tuple[bool, ...]:
        return tuple(each.text not in self.unknown for each in addresses)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(where, facts.get("moment", "digest")) for where, facts in self.taken]


@dataclasses.dataclass
class Square:
    """A herald that may be heard, and its time."""

    herald: Herald
    couriers: Messengers
    metrics: Metrics
    now: datetime = NOW

    async def settled(self) -> None:
        await eventually(lambda: not sum(box.waiting for box in self.herald._outboxes.values()))


@asynccontextmanager
async def square(file: Path, *, text: str = FILE, pace: Pace = QUICK) -> AsyncIterator[Square]:
    if text:
        write(file, text)
    couriers, metrics = Messengers(), Metrics()
    found: list[Square] = []
    herald = Herald(
        file,
        templates=None,
        link="",
        namespace="mail",
        metrics=metrics,
        now=lambda: found[0].now,
        pace=pace,
        couriers=couriers,
    )
    found.append(Square(herald, couriers, metrics))
    await herald.look()
    try:
        yield found[0]
    finally:
        await herald.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notify.yaml"


LIFE = [
    fresh(),
    decided(fresh(), Phase.HOLDING, "AlertFiring"),
    holding(),
    letting_go(holding()),
    ended(letting_go(holding()), Ending.RELEASED),
]


def numbered(life: list[Incident]) -> list[Incident]:
    """As they are stored, with growing versions."""
    return [
        dataclasses.replace(version, resource_version=str(number))
        for number, version in enumerate(life, start=1)
    ]


async def test_a_life_is_told_to_those_who_want_it_each_moment_once(file: Path) -> None:
    async with square(file) as here:
        view = View()
        view.on_change = here.herald.hear
        for version in numbered(LIFE):
            view.put_incident(version)
            view.put_incident(version)  # the watch's echo of our own write
        await here.settled()
        assert sorted(here.couriers.told) == [
            ("0n-c4ll", "closed"),
            ("0n-c4ll", "held"),
            ("m41l", "closed"),
        ]


async def test_after_a_restart_nothing_is_told_again_and_what_follows_is(file: Path) -> None:
    versions = numbered(LIFE)
    for known in range(1, len(versions)):
        async with square(file) as here:
            view = View()
            view.on_change = here.herald.hear
            for version in versions[known - 1 :]:
                view.put_incident(version)
            await here.settled()
            told = [moment for where, moment in here.couriers.told if where == "0n-c4ll"]
        assert told == (["held", "closed"] if known <= 2 else ["closed"])


async def test_versions_that_go_back_and_another_incident_of_the_name_tell_nothing(
    file: Path,
) -> None:
    async with square(file) as here:
        view = View()
        view.on_change = here.herald.hear
        (_, before, held, *_) = numbered(LIFE)
        view.put_incident(before)
        view.distrust_incidents()  # a restore of etcd
        view.put_incident(held)
        again = dataclasses.replace(LIFE[-1], uid="uid-2", resource_version="99")
        view.put_incident(again)
        await here.settled()
        assert here.couriers.told == []


async def test_one_who_wants_the_lesser_of_two_moments_is_told_of_that_one(file: Path) -> None:
    async with square(file) as here:
        after = with_condition(
            standing(holding(), *targets(APPLIED, ALTERED)), "PastReview", "True"
        )
        here.herald.hear(holding(), after)
        await here.settled()
        assert sorted(here.couriers.told) == [("0n-c4ll", "altered"), ("m41l", "past-review")]


async def test_another_playbooks_incidents_are_not_told_where_they_are_not_wanted(
    file: Path,
) -> None:
    async with square(file) as here:
        identity = dataclasses.replace(LIFE[0].identity, playbook="provider-deferrals")
        before, after = (dataclasses.replace(each, identity=identity) for each in LIFE[-2:])
        here.herald.hear(before, after)
        await here.settled()
        assert here.couriers.told == [("0n-c4ll", "closed")]


async def test_what_flickers_is_told_once_in_a_while(file: Path) -> None:
    async with square(file) as here:
        calm, odd = holding(), standing(holding(), *targets(APPLIED, ALTERED))
        for _ in range(20):
            here.herald.hear(calm, odd)
            here.herald.hear(odd, standing(odd, *targets(APPLIED, APPLIED)))
        await here.settled()
        assert [moment for _, moment in here.couriers.told] == ["altered", "held"]
        here.now += timedelta(minutes=11)
        here.herald.hear(calm, odd)
        await here.settled()
        assert [moment for _, moment in here.couriers.told] == ["altered", "held", "altered"]


async def test_a_storm_of_500_is_a_handful_of_messages(file: Path) -> None:
    async with square(file, pace=dataclasses.replace(QUICK, gather_seconds=0.05)) as here:
        for number in range(500):
            before, after = (
                dataclasses.replace(each, uid=f"uid-{number}", name=f"storm-{number}")
                for each in (LIFE[1], LIFE[2])
            )
            here.herald.hear(before, after)
        await here.settled()
        assert [facts["count"] for _, facts in here.couriers.taken] == [500]


async def test_a_hanging_destination_holds_up_neither_the_others_nor_who_tells(
    file: Path,
) -> None:
    async with square(file) as here:
        here.couriers.open.clear()
        for version, following in itertools.pairwise(LIFE):
            here.herald.hear(version, following)  # returns: it is no coroutine
        assert here.couriers.told == []
        here.couriers.open.set()
        await here.settled()
        assert len(here.couriers.told) == 3


async def test_nothing_that_goes_wrong_in_here_reaches_the_brake(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with square(file) as here:

        def breaks(*_given: object, **_named: object) -> None:
            raise RuntimeError("a mistake of ours")

        monkeypatch.setattr(heralds, "facts_of", breaks)
        with capture_logs() as logs:
            here.herald.hear(LIFE[1], LIFE[2])
        assert [entry["event"] for entry in logs] == ["notice_not_made"]


async def test_a_file_that_changes_counts_at_once_and_what_waits_goes_by_its_new_words(
    file: Path,
) -> None:
    async with square(file) as here:
        here.couriers.open.clear()
        here.herald.hear(LIFE[1], LIFE[2])
        write(file, "destinations: [{name: on-call, url: 'json://127.0.0.1/n3w'}]\n")
        await here.herald.look()
        here.couriers.open.set()
        here.herald.hear(LIFE[3], LIFE[4])
        await here.settled()
        assert {where for where, _ in here.couriers.told[1:]} == {"n3w"}
        assert sorted(moment for _, moment in here.couriers.told) == ["closed", "held"]


async def test_what_waits_for_a_destination_that_is_gone_is_dropped_and_counted(
    file: Path,
) -> None:
    async with square(file) as here:
        here.couriers.open.clear()
        here.herald.hear(LIFE[3], LIFE[4])
        write(file, "destinations: [{name: mail, url: 'json://127.0.0.1/m41l'}]\n")
        await here.herald.look()
        here.couriers.open.set()
        await here.settled()
        assert here.couriers.told == [("m41l", "closed")]
        name = "responder_notices_dropped_total"
        assert here.metrics.registry.get_sample_value(name, {"destination": "on-call"}) == 1


async def test_a_file_with_a_mistake_replaces_nothing_and_says_so_without_a_secret(
    file: Path,
) -> None:
    async with square(file) as here:
        with capture_logs() as logs:
            write(file, FILE.replace("name: mail", "nom: s3cr3t"))
            await here.herald.look()
            await here.herald.look()
        assert [entry["event"] for entry in logs][-1] == "notify_file_not_loaded"
        assert len(logs) == 3  # once, however often it is looked at
        assert "s3cr3t" not in str(logs)
        valid = "responder_notify_file_last_load_valid"
        assert here.metrics.registry.get_sample_value(valid) == 0
        here.herald.hear(LIFE[3], LIFE[4])
        await here.settled()
        assert len(here.couriers.told) == 2
        write(file, FILE)
        await here.herald.look()
        assert here.metrics.registry.get_sample_value(valid) == 1


async def test_without_a_good_file_from_the_start_it_is_said_and_nothing_is_told(
    file: Path,
) -> None:
    async with square(file, text="") as here:
        here.herald.hear(LIFE[1], LIFE[2])
        assert not here.herald._outboxes
        write(file, FILE)
        await here.herald.look()
        here.herald.hear(LIFE[3], LIFE[4])
        await here.settled()
        assert len(here.couriers.told) == 2


async def test_an_address_that_apprise_does_not_know_is_told_by_name_and_line(
    file: Path,
) -> None:
    async with square(file, text="") as here:
        here.couriers.unknown = {"json://127.0.0.1/m41l"}
        write(file, FILE)
        with capture_logs() as logs:
            await here.herald.look()
        (entry,) = [entry for entry in logs if entry["event"] == "notify_address_unknown"]
        assert (entry["destination"], entry["line"]) == ("mail", 5)
        assert "m41l" not in str(logs)


async def test_an_end_that_is_meant_delivers_what_waits(file: Path) -> None:
    async with square(file, pace=dataclasses.replace(QUICK, gather_seconds=3_600)) as here:
        here.herald.hear(LIFE[3], LIFE[4])
        assert here.couriers.told == []
        await here.herald.close()
        assert sorted(here.couriers.told) == [("0n-c4ll", "closed"), ("m41l", "closed")]


async def test_an_end_waits_for_a_hanging_destination_only_a_moment(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heralds, "_LAST_WORDS_SECONDS", 0.05)
    async with square(file) as here:
        here.couriers.open.clear()
        here.herald.hear(LIFE[3], LIFE[4])
        async with asyncio.timeout(5):
            await here.herald.close()
        name = "responder_notices_dropped_total"
        assert here.metrics.registry.get_sample_value(name, {"destination": "mail"}) == 1


async def test_a_file_that_cannot_even_be_looked_at_does_not_end_the_responder(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with square(file) as here:

        def breaks(*_given: object) -> None:
            raise RuntimeError("a mistake of ours")

        monkeypatch.setattr(heralds, "load", breaks)
        with capture_logs() as logs:
            following = asyncio.create_task(here.herald.follow())
            await here.herald.ready(within_seconds=5)
            assert not following.done()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        assert [entry["event"] for entry in logs] == ["notify_file_not_read"]


async def test_without_a_file_there_is_nothing_to_wait_for() -> None:
    metrics = Metrics()
    herald = Herald(None, templates=None, link="", namespace="mail", metrics=metrics)
    await herald.follow()
    await herald.ready(within_seconds=0)
    herald.hear(LIFE[1], LIFE[2])
    await herald.close()
    assert metrics.registry.get_sample_value("responder_notify_file_last_load_valid") == 1
