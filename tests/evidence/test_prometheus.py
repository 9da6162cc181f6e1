"""A question becomes queries for one time and one window, and always a verdict."""

from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from responder.evidence.answers import NoAnswer, RangeAnswer
from responder.evidence.loading import load_metrics
from responder.evidence.questions import Question, bind
from responder.evidence.verdict import Unknown
from responder.playbooks.resume import Evidence
from tests.cluster.faulty_server import Exchange, Handler
from tests.evidence import faults
from tests.evidence.faults import answering, asked, error, form_of, vector
from tests.evidence.moments import NOW

METRICS = load_metrics(Path(__file__).parents[2] / "rules" / "metrics").metrics


def question(**evidence: str | float) -> Question:
    bound = bind(Evidence.model_validate(evidence), {"campaign": "x"}, metrics=METRICS)
    assert isinstance(bound, Question)
    return bound


BELOW = question(metric="bounce-rate", max="5%")


def measuring(**values: str) -> Handler:
    """Answer by the metric in a query; what is not given has no series."""

    async def handle(exchange: Exchange) -> None:
        query = form_of(exchange)["query"]
        told = next((value for word, value in values.items() if word in query), None)
        await exchange.respond(200, vector() if told is None else vector(told))

    return handle


async def test_all_queries_are_for_one_time_and_one_window() -> None:
    handle = measuring(bounces_total="3", attempts="1000")
    async with asked(handle) as (prometheus, server):
        verdict = await prometheus.verdict(BELOW, now=NOW, since=NOW - timedelta(seconds=600.7))
    assert verdict.is_yes
    assert (verdict.window_seconds, verdict.at) == (600, NOW)
    assert str(verdict) == "bounce-rate: yes: 3 of 1000, 0.3 %, at least 0.12 %; max 5 %"
    forms = [form_of(exchange) for exchange in server.exchanges]
    assert {form["time"] for form in forms} == {f"{NOW.timestamp():.3f}"}
    assert sorted(form["query"] for form in forms) == [
        "count(mail_bounces_total)",
        'sum(increase(mail_attempts_total{ campaign="x" }[600s]))',
        'sum(increase(mail_bounces_total{type="hard", campaign="x"}[600s]))',
    ]


async def test_too_early_nothing_is_asked() -> None:
    async with asked(measuring()) as (prometheus, server):
        verdict = await prometheus.verdict(BELOW, now=NOW, since=NOW - timedelta(seconds=1.9))
    assert verdict.finding.reason is Unknown.TOO_EARLY
    assert not server.exchanges


async def test_a_raw_query_without_a_range_has_no_window() -> None:
    async with asked(measuring(up="1")) as (prometheus, _):
        verdict = await prometheus.verdict(question(query="up"), now=NOW)
    assert verdict.is_yes
    assert verdict.window_seconds is None


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        (faults.hang, Unknown.TIMED_OUT),
        (faults.reset, Unknown.DOWN),
        (answering((503, "starting")), Unknown.DOWN),
        (answering((401, "")), Unknown.REFUSED),
        (answering((400, error("bad_data", "parse error"))), Unknown.BAD_QUERY),
        (answering((200, "<html>")), Unknown.UNREADABLE),
        (answering((200, vector())), Unknown.NO_DATA),
        (answering((200, vector("NaN"))), Unknown.NOT_A_NUMBER),
        (answering((200, vector("1", "2"))), Unknown.SEVERAL_SERIES),
        (answering((200, vector("1", warnings=["store x is gone"]))), Unknown.INCOMPLETE),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
async def test_whatever_happens_there_is_a_verdict(handle: Handler, reason: Unknown) -> None:
    async with asked(handle, deadline_seconds=1.0) as (prometheus, _):
        verdict = await prometheus.verdict(BELOW, now=NOW)
    assert verdict.is_unknown
    assert verdict.finding.reason is reason
    assert verdict.finding.message
    assert verdict.warnings == (("store x is gone",) if reason is Unknown.INCOMPLETE else ())


async def test_a_range_is_asked_for_with_its_ends() -> None:
    body = '{"status": "success", "data": {"resultType": "matrix", "result": []}}'
    async with asked(answering((200, body), (503, error("timeout")))) as (prometheus, server):
        start = NOW - timedelta(minutes=5)
        found = await prometheus.query_range("up", start=start, end=NOW, step_seconds=15)
        failed = await prometheus.query_range("up", start=start, end=NOW, step_seconds=0.5)
    assert found == RangeAnswer(())
    assert isinstance(failed, NoAnswer)
    assert failed.reason is Unknown.TIMED_OUT
    first, second = map(form_of, server.exchanges)
    assert (first["start"], first["end"]) == (f"{start.timestamp():.3f}", f"{NOW.timestamp():.3f}")
    assert (first["step"], second["step"]) == ("15", "0.5")


@pytest.mark.parametrize(
    ("seconds", "reason"), [(-8, Unknown.SKEWED), (-3, None), (4, None), (9, Unknown.SKEWED)]
)
async def test_an_answer_by_another_clock_is_no_evidence(
    seconds: float, reason: Unknown | None
) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    handle = answering((200, vector("0")), Date=date)
    async with asked(handle) as (prometheus, _):
        verdict = await prometheus.verdict(question(query="up"), now=NOW)
    assert verdict.finding.reason is reason
