"""Asked over HTTP, the built-in evaluator answers as a real Prometheus does."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from responder.sandbox.alerting.grouping import Routing
from responder.sandbox.alerting.notifier import Notifier, Webhook
from responder.sandbox.alerting.prometheus import BuiltIn, running
from responder.sandbox.alerting.query_api import routes
from responder.sandbox.alerting.rule_files import RuleFile
from tests.controlplane.binaries import find
from tests.controlplane.eventually import eventually
from tests.controlplane.go_build import GoMissingError
from tests.controlplane.ports import free_port
from tests.controlplane.toolsets import PROMETHEUS
from tests.sandbox.alerting.receiver import served

SPEED = 60.0
NO_RULES = RuleFile(groups=())
SAME = (
    "sum(mail_attempts_total)",
    'mail_attempts_total{campaign="sale"}',
    "count(mail_bounces_total)",
    "nothing",
    "3 * 2",
    "-1 / 0 * vector(1)",
    "vector(0) / 0",
    'label_replace(last_over_time(mail_attempts_total[10m]), "fact", "sent", "", "")',
    'count by (job) (mail_hold_observed{ campaign="sale", id="none" } == 1)',
)
WRONG = {
    "no PromQL": ("sum(", 400, "bad_data"),
    "nothing asked": ("", 400, "bad_data"),
    "many to many": ("mail_attempts_total + on () mail_attempts_total", 422, "execution"),
}


def counted() -> CollectorRegistry:
    registry = CollectorRegistry()
    attempts = Counter("mail_attempts", "Attempts.", ("campaign", "pool"), registry=registry)
    attempts.labels("sale", "bulk").inc(1200)
    attempts.labels("news", "bulk").inc(0.5)
    Counter("mail_bounces", "Bounces.", ("campaign",), registry=registry).labels("sale").inc(3)
    Gauge("mail_hold_observed", "Observed.", ("campaign", "id"), registry=registry)
    return registry


async def asked(url: str, query: str) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/api/v1/query", data={"query": query}) as answer,
    ):
        return answer.status, json.loads(await answer.text())


async def built_in(queries: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    notifier = Notifier(Webhook("http://127.0.0.1:1/hook"), routing=Routing())
    evaluator = BuiltIn(NO_RULES, registry=counted(), notifier=notifier, speed=SPEED)
    evaluator.turn()
    async with served(routes(evaluator)) as address:
        return [await asked(f"http://{address}", query) for query in queries]


def essence(status: int, body: dict[str, Any]) -> object:
    """What an answer says but for its time; of an error not the words."""
    if status != 200:
        return status, body["status"], body["errorType"]
    data = body["data"]
    if data["resultType"] == "scalar":
        return "scalar", data["result"][1]
    told = [(sorted(one["metric"].items()), one["value"][1]) for one in data["result"]]
    return data["resultType"], sorted(told)


async def test_it_answers_as_a_real_prometheus_does() -> None:
    try:
        program = find(PROMETHEUS)["prometheus"]
    except GoMissingError as error:
        pytest.skip(str(error))
    queries = [*SAME, *(query for query, _, _ in WRONG.values())]
    text = generate_latest(counted())

    async def metrics(request: web.Request) -> web.Response:
        del request
        return web.Response(body=text, content_type="text/plain")

    async with (
        served([web.get("/metrics", metrics)]) as both,
        running(
            program, NO_RULES, port=free_port(), senders=both, alertmanager=both, speed=SPEED
        ) as url,
    ):
        await eventually(partial(_is_scraped, url), within_seconds=30)
        real = [await asked(url, query) for query in queries]
    ours = await built_in(queries)
    for query, theirs, own in zip(queries, real, ours, strict=True):
        assert essence(*own) == essence(*theirs), query


async def _is_scraped(url: str) -> bool:
    return bool((await asked(url, SAME[0]))[1]["data"]["result"])


@pytest.mark.parametrize(("query", "status", "kind"), WRONG.values(), ids=WRONG.keys())
async def test_a_query_that_is_wrong_is_told_as_prometheus_does(
    query: str, status: int, kind: str
) -> None:
    ((found, body),) = await built_in([query])
    assert (found, body["status"], body["errorType"]) == (status, "error", kind)
    assert body["error"]


async def test_a_time_that_is_none_is_refused() -> None:
    notifier = Notifier(Webhook("http://127.0.0.1:1/hook"), routing=Routing())
    evaluator = BuiltIn(NO_RULES, registry=counted(), notifier=notifier)
    async with served(routes(evaluator)) as address, aiohttp.ClientSession() as session:
        for time in ("soon", "1e400", "nan"):
            url = f"http://{address}/api/v1/query?query=1&time={time}"
            async with session.get(url) as answer:
                assert answer.status == 400, time
