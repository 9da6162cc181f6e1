"""A real Prometheus that scrapes real counters gives the verdicts that a careful person would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from responder.evidence.answers import Answer, RangeAnswer
from responder.evidence.loading import load_metrics
from responder.evidence.prometheus import Prometheus, open_prometheus
from responder.evidence.questions import Question, bind
from responder.evidence.transport import Endpoint, Limits
from responder.evidence.verdict import Unknown, Verdict
from responder.playbooks.resume import Evidence
from tests.controlplane import real_prometheus
from tests.controlplane.eventually import eventually
from tests.controlplane.fixtures import StartPrometheus
from tests.controlplane.real_prometheus import scrape_configuration
from tests.evidence.exporter import Senders, exported

METRICS = load_metrics(Path(__file__).parents[2] / "rules" / "metrics").metrics
QUICK = Limits(total_seconds=2.0, deadline_seconds=6.0, first_pause_seconds=0.05)
INTERVAL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class World:
    """Senders that count, the Prometheus that scrapes them, and our client of it."""

    senders: Senders
    server: real_prometheus.Prometheus
    prometheus: Prometheus

    async def verdict(
        self,
        labels: dict[str, str],
        *,
        since: datetime | None = None,
        **asked: Any,  # noqa: ANN401 - what a playbook writes
    ) -> Verdict:
        question = bind(Evidence.model_validate(asked), labels, metrics=METRICS)
        assert isinstance(question, Question)
        return await self.prometheus.verdict(question, now=datetime.now(UTC), since=since)

    async def seen(self, promql: str, value: float) -> None:
        """Wait until Prometheus has scraped what was counted."""

        async def is_seen() -> bool:
            found = await self.prometheus.query(promql, at=datetime.now(UTC))
            return isinstance(found, Answer) and [one.value for one in found.samples] == [value]

        await eventually(is_seen, what=f"{promql} is {value}")


@asynccontextmanager
async def world(start_prometheus: StartPrometheus) -> AsyncIterator[World]:
    async with exported() as senders:
        server = start_prometheus(scrape_configuration(senders.address))
        async with open_prometheus(
            Endpoint(server.url), limits=QUICK, scrape_interval_seconds=INTERVAL_SECONDS
        ) as prometheus:
            yield World(senders, server, prometheus)


async def begun(it: World, **labels: str) -> None:
    """All counters at zero, and scraped: what is counted from now on is an increase."""
    for name in ("attempts", "delivered", "complaints", "deferrals", "trap_hits"):
        it.senders.count(name, 0, **labels)
    for kind in ("hard", "block"):
        it.senders.count("bounces", 0, **labels, type=kind)
    await it.seen(f'count(mail_bounces_total{{type="block", campaign="{labels["campaign"]}"}})', 1)


async def test_each_metric_of_the_box_says_yes_and_no(start_prometheus: StartPrometheus) -> None:
    async with world(start_prometheus) as it:
        await begun(it, campaign="good", pool="bulk")
        await begun(it, campaign="bad", pool="bulk")
        for campaign, events in (("good", 1), ("bad", 300)):
            labels = {"campaign": campaign, "pool": "bulk"}
            it.senders.count("attempts", 2000, **labels)
            it.senders.count("delivered", 2000, **labels)
            it.senders.count("bounces", events, **labels, type="hard")
            it.senders.count("bounces", events, **labels, type="block")
            for name in ("complaints", "deferrals", "trap_hits"):
                it.senders.count(name, events, **labels)
        await it.seen('mail_trap_hits_total{campaign="bad"}', 300)
        asked: dict[str, str | float] = dict.fromkeys(
            ("bounce-rate", "bounce-rate-24h", "complaint-rate", "complaint-rate-24h"), "5%"
        )
        asked |= {"deferral-rate": "10%", "block-count": 20, "trap-hits": 20}
        assert {*asked, "attempts"} == set(METRICS)

        async def all_told() -> bool:
            for metric, most in asked.items():
                for campaign, is_good in (("good", True), ("bad", False)):
                    below = await it.verdict({"campaign": campaign}, metric=metric, max=most)
                    above = await it.verdict({"campaign": campaign}, metric=metric, min=most)
                    assert (below.is_yes, below.is_no) == (is_good, not is_good), str(below)
                    assert (above.is_no, above.is_yes) == (is_good, not is_good), str(above)
            return True

        # Nothing is a rate before its increase was seen in two scrapes of every counter.
        await eventually(all_told)
        assert (await it.verdict({"pool": "bulk"}, metric="attempts", min=3000)).is_yes


async def test_what_was_before_the_resume_does_not_count(start_prometheus: StartPrometheus) -> None:
    async with world(start_prometheus) as it:
        await begun(it, campaign="spring")
        it.senders.count("attempts", 1000, campaign="spring")
        it.senders.count("bounces", 600, campaign="spring", type="hard")

        async def trips() -> bool:
            return (await it.verdict({"campaign": "spring"}, metric="bounce-rate", max="5%")).is_no

        await eventually(trips)
        resumed = datetime.now(UTC)

        async def since() -> Verdict:
            labels = {"campaign": "spring"}
            return await it.verdict(labels, metric="bounce-rate", max="5%", since=resumed)

        early = await since()
        assert early.finding.reason is Unknown.TOO_EARLY

        async def asked_again() -> bool:
            found = await since()
            assert found.finding.events == 0
            return found.finding.reason is Unknown.TOO_FEW_SENDS

        await eventually(asked_again)
        it.senders.count("attempts", 5000, campaign="spring")

        async def passes() -> bool:
            found = await since()
            return found.is_yes and found.finding.events == 0

        await eventually(passes)
        assert await trips()  # over the whole hour it is as bad as ever
        it.senders.count("bounces", 5000, campaign="spring", type="hard")

        async def relapses() -> bool:
            return (await since()).is_no

        await eventually(relapses)


async def test_a_sender_that_restarts_loses_no_events(start_prometheus: StartPrometheus) -> None:
    async with world(start_prometheus) as it:
        await begun(it, campaign="spring")
        labels = {"campaign": "spring"}
        it.senders.count("attempts", 700, **labels)
        await it.seen("sum(mail_attempts_total)", 700)
        it.senders.forget("attempts")
        it.senders.count("attempts", 400, **labels)
        await it.seen("sum(mail_attempts_total)", 400)

        async def counted() -> bool:
            found = (await it.verdict(labels, metric="attempts", min=1)).finding.events
            assert found is not None
            return 1100 <= found < 2000  # extrapolated, never less

        await eventually(counted)


async def test_no_series_are_no_events_only_while_somebody_counts_them(
    start_prometheus: StartPrometheus,
) -> None:
    async with world(start_prometheus) as it:
        it.senders.count("attempts", 0, campaign="spring")
        await it.seen("sum(mail_attempts_total)", 0)
        it.senders.count("attempts", 1000, campaign="spring")

        async def reason() -> Unknown | None:
            labels = {"campaign": "spring"}
            found = await it.verdict(labels, metric="bounce-rate", max="5%")
            assert found.finding.reason in (None, Unknown.NO_DATA)
            return found.finding.reason

        assert await reason() is Unknown.NO_DATA
        it.senders.count("bounces", 1, campaign="another", type="soft")

        async def passes() -> bool:
            return await reason() is None

        await eventually(passes)


async def test_the_first_hit_of_a_trap_counts_although_it_is_no_increase(
    start_prometheus: StartPrometheus,
) -> None:
    async with world(start_prometheus) as it:
        it.senders.count("attempts", 1, campaign="spring")
        await it.seen("sum(mail_attempts_total)", 1)
        it.senders.count("trap_hits", 3, campaign="spring")
        await it.seen("sum(mail_trap_hits_total)", 3)
        found = await it.verdict({"campaign": "spring"}, metric="trap-hits", min=3)
        assert found.is_yes


HOSTILE = (
    'spring"} or vector(1) or x{a="',
    "back\\slash\\",
    "line\nbreak\r\t",
    "'single' `tick`",
    ".*",
    "a|b",
    "[a-z]",
    "{{ window }}",
    "ünï\ufffd\u2028💥",
    "\x7f\x01",
)


async def test_hostile_labels_select_their_own_series_and_no_other(
    start_prometheus: StartPrometheus,
) -> None:
    async with world(start_prometheus) as it:
        for number, campaign in enumerate(HOSTILE):
            it.senders.count("attempts", number, campaign=campaign)
        await it.seen("count(mail_attempts_total)", len(HOSTILE))
        for quote in "\"'":
            for operator in ("=", "=~"):
                inserted = f"{quote}{{{{ labels.campaign }}}}{quote}"
                query = f"mail_attempts_total{{campaign{operator}{inserted}}}"
                for number, campaign in enumerate(HOSTILE):
                    found = await it.verdict({"campaign": campaign}, query=query)
                    assert found.finding.value == number, (query, campaign, str(found))


OWN: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("up == bool 1", {}, "yes"),
    ("up == bool 0", {}, "no"),
    ("scalar(sum(up))", {}, "yes"),
    ("vector(0)", {}, "no"),
    ("sum(up)", {"min": 1}, "yes"),
    ("sum(up)", {"min": 2}, "no"),
    ("nothing_like_this", {}, Unknown.NO_DATA),
    ("nothing_like_this == bool 0", {}, Unknown.NO_DATA),
    ("nothing_like_this", {"max": 5}, Unknown.NO_DATA),
    ("sum(up) / 0", {}, Unknown.NOT_A_NUMBER),
    ("vector(0) / 0", {"max": 5}, Unknown.NOT_A_NUMBER),
    ("up or vector(1)", {}, Unknown.SEVERAL_SERIES),
    ("sum(up) sum(up)", {}, Unknown.BAD_QUERY),
    ("up[5m]", {}, Unknown.BAD_QUERY),
    ('"text"', {}, Unknown.BAD_QUERY),
    (
        'up * on () label_replace(up, "x", "y", "", "") * on () (up or vector(1))',
        {},
        Unknown.BAD_QUERY,
    ),
)


async def test_queries_of_ones_own(start_prometheus: StartPrometheus) -> None:
    async with world(start_prometheus) as it:
        await it.seen("sum(up)", 1)
        for query, more, told in OWN:
            found = await it.verdict({}, query=query, **more)
            assert told in (found.finding.reason, found.finding.truth.lower()), str(found)


async def test_a_prometheus_that_hangs_ends_or_is_back(start_prometheus: StartPrometheus) -> None:
    async with world(start_prometheus) as it:

        async def comes(expected: Unknown | None) -> None:
            async def has_come() -> bool:
                found = await it.verdict({}, query="vector(1)")
                return found.finding.reason is expected

            await eventually(has_come, what=str(expected))

        await comes(None)
        it.server.server.suspend()
        await comes(Unknown.TIMED_OUT)
        it.server.server.resume()
        await comes(None)
        it.server.server.kill()
        await comes(Unknown.DOWN)
        it.server.server.start_again()
        await comes(None)


async def test_a_range_has_a_point_at_each_step(start_prometheus: StartPrometheus) -> None:
    async with world(start_prometheus) as it:
        await it.seen("sum(up)", 1)
        end = datetime.now(UTC)
        found = await it.prometheus.query_range(
            "vector(7)", start=end - timedelta(seconds=60), end=end, step_seconds=15
        )
        assert isinstance(found, RangeAnswer)
        (series,) = found.series
        assert [value for _, value in series.points] == [7.0] * 5


async def test_many_questions_at_once_are_all_answered(start_prometheus: StartPrometheus) -> None:
    async with world(start_prometheus) as it:
        await it.seen("sum(up)", 1)
        asking = (it.verdict({}, query=f"vector({number})", min=0) for number in range(200))
        found = await asyncio.gather(*asking)
        assert [one.finding.value for one in found] == [float(number) for number in range(200)]
