"""Whatever happens to a watch, its cache ends up equal to the server, and tells when it may not."""

import asyncio
import json
from typing import Any

import pytest

from responder.cluster.failures import Denied, Gone, NotServed, TimedOut, Unavailable
from responder.cluster.resources import JsonObject
from responder.cluster.watch import WatchTimes
from tests.cluster.faulty_server import Exchange
from tests.cluster.watched import (
    Answer,
    bookmark,
    end,
    error,
    event,
    hang,
    listing,
    reset,
    sending,
    streaming,
    thing,
    watched,
)
from tests.controlplane.eventually import eventually

QUIET = WatchTimes(silence=0.2, list_silence=0.2)


def page(version: int, *objects: JsonObject, continued: str = "") -> Answer:
    async def answer(exchange: Exchange) -> None:
        metadata = {"resourceVersion": str(version), "continue": continued}
        await exchange.respond(
            200,
            {"kind": "XList", "apiVersion": "v1", "metadata": metadata, "items": list(objects)},
        )

    return answer


def refusing(status: int, body: JsonObject | str = "", **headers: str) -> Answer:
    async def answer(exchange: Exchange) -> None:
        kind = "application/json" if isinstance(body, dict) else "text/plain"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        await exchange.respond(status, body, content_type=kind, headers=sent)

    return answer


async def test_a_list_and_what_follows_it() -> None:
    follows = sending(
        event("ADDED", 21, name="b", content="x"),
        event("MODIFIED", 22, content="2"),
        event("DELETED", 23, name="b", content="x"),
    )
    async with watched(listing(20, thing(10, content="1"), then=follows)) as it:
        await eventually(lambda: len(it.changes) == 4)
        assert it.changes == [
            ("added", None, "1"),
            ("added", None, "x"),
            ("modified", "1", "2"),
            ("deleted", "x", None),
        ]
        assert it.cache.objects == {("ns", "a"): "2"}
        assert it.cache.get(namespace="ns", name="a") == "2"
        assert it.cache.get(namespace="ns", name="b") is None
        assert it.pauses == []


async def test_the_request_asks_for_bookmarks_an_end_and_its_selection() -> None:
    async with watched(listing(20), label_selector="a=b,c") as it:
        await it.cache.wait_synced()
        (exchange,) = it.server.exchanges
        assert exchange.path == "/api/v1/namespaces/ns/configmaps"
        assert exchange.query == {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "240",
            "labelSelector": "a=b,c",
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
        }


async def test_it_is_synced_only_when_the_first_list_is_whole() -> None:
    go_on = asyncio.Event()

    async def half(exchange: Exchange) -> None:
        await go_on.wait()
        await exchange.send(bookmark(20, ends_list=True))
        await hang(exchange)

    part = streaming(event("ADDED", 10, content="1"), bookmark(12), then=half)
    async with watched(part) as it:
        synced = asyncio.create_task(it.cache.wait_synced())
        await eventually(lambda: it.cache.age_seconds is not None)
        assert not it.cache.synced
        assert it.values == {}
        assert not synced.done()
        go_on.set()
        await synced
        assert it.values == {"a": "1"}
        assert it.cache.lists == 1


async def test_events_may_be_cut_anywhere_and_come_together() -> None:
    lines = b"".join(
        json.dumps(line).encode() + b"\n"
        for line in (
            event("ADDED", 10, content="é" * 50),
            bookmark(20, ends_list=True),
            event("MODIFIED", 21, content="x"),
            event("ADDED", 22, name="b"),
        )
    )
    pieces = [lines[start : start + 7] for start in range(0, len(lines), 7)]
    async with watched(streaming(*pieces)) as it:
        await eventually(lambda: it.values == {"a": "x", "b": ""})
    async with watched(streaming(lines)) as it:
        await eventually(lambda: it.values == {"a": "x", "b": ""})


@pytest.mark.parametrize("size", [600_000, 5_000_000])
async def test_a_line_longer_than_any_buffer_is_read(size: int) -> None:
    long = event("MODIFIED", 21, content="x" * size)
    async with watched(listing(20, then=sending(long))) as it:
        await eventually(lambda: it.values == {"a": "x" * size})
        assert it.pauses == []


async def test_a_line_without_end_is_given_up() -> None:
    async def endless(exchange: Exchange) -> None:
        while True:
            await exchange.send(b"x" * 1_000_000)

    async with watched(listing(20, then=endless), listing(30, thing(25))) as it:
        await eventually(lambda: it.values == {"a": ""})
        assert it.asked == ["list", "list"]


_HALF = b'{"type":"MODIFIED","object":{"metadata":{"name":"a","resourceVersion":"21"}'


@pytest.mark.parametrize(
    "breaks",
    [
        pytest.param(sending(_HALF, then=reset), id="reset-in-a-line"),
        pytest.param(sending(_HALF, then=end), id="ended-in-a-line"),
        pytest.param(sending(_HALF[:5], b"\n"), id="half-a-line-as-a-line"),
        pytest.param(reset, id="reset"),
        pytest.param(end, id="ended-early"),
        pytest.param(sending(error(410, message="too old resource version: 20 (25)")), id="410"),
        pytest.param(sending(error(500)), id="error"),
        pytest.param(sending({"type": "ERROR", "object": {}}), id="empty-error"),
        pytest.param(sending(b"<html>\n"), id="no-json"),
        pytest.param(sending(b"[]\n"), id="no-event"),
        pytest.param(sending(b"\n"), id="empty-line"),
        pytest.param(sending({"type": "ADDED", "object": {}}), id="no-object"),
        pytest.param(
            sending({"type": "ADDED", "object": {"metadata": {"resourceVersion": "x"}}}),
            id="no-version",
        ),
    ],
)
async def test_after_any_end_but_the_agreed_one_all_is_listed_afresh(breaks: Answer) -> None:
    first = listing(20, thing(10, content="1"), thing(11, name="b"), then=breaks)
    again = listing(30, thing(10, content="1"), thing(25, name="c"))
    async with watched(first, again) as it:
        await eventually(lambda: it.cache.lists == 2)
        assert it.values == {"a": "1", "c": ""}
        assert it.changes[2:] == [("added", None, ""), ("deleted", "", None)]
        assert it.asked == ["list", "list"]
        assert it.pauses == [0.1]
        await eventually(lambda: it.cache.last_failure is None)
        assert it.came_back == 1


async def test_after_the_agreed_time_it_goes_on_where_it_was_without_a_list() -> None:
    let_end = asyncio.Event()

    async def agreed(exchange: Exchange) -> None:
        await exchange.send(bookmark(27))
        await let_end.wait()
        await exchange.end()

    first = listing(20, thing(10), then=agreed)
    second = streaming(event("MODIFIED", 28, content="2"))
    async with watched(first, second) as it:
        await it.cache.wait_synced()
        it.clock.advance(240)
        let_end.set()
        await eventually(lambda: it.values == {"a": "2"})
        assert it.asked == ["list", "27"]
        assert it.cache.lists == 1
        assert it.pauses == []


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param([event("ADDED", 10, content="1")], id="a-list-that-is-not-whole"),
        pytest.param([bookmark(20, ends_list=True), _HALF], id="half-a-line"),
    ],
)
async def test_an_end_in_the_middle_is_no_agreed_end_whenever_it_comes(
    rest: list[JsonObject | bytes],
) -> None:
    let_end = asyncio.Event()

    async def in_the_middle(exchange: Exchange) -> None:
        await let_end.wait()
        await exchange.end()

    async with watched(streaming(*rest, then=in_the_middle), listing(30, thing(25))) as it:
        await eventually(lambda: it.cache.age_seconds is not None)
        it.clock.advance(240)
        let_end.set()
        await eventually(lambda: it.values == {"a": ""})
        assert it.asked == ["list", "list"]


async def test_after_the_list_silence_is_nothing_unusual() -> None:
    go_on = asyncio.Event()

    async def later(exchange: Exchange) -> None:
        await go_on.wait()
        await exchange.send(event("ADDED", 21))
        await hang(exchange)

    async with watched(listing(20, then=later), times=WatchTimes(list_silence=0.1)) as it:
        await it.cache.wait_synced()
        asyncio.get_running_loop().call_later(0.5, go_on.set)
        await eventually(lambda: it.values == {"a": ""})
        assert it.pauses == []


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param([reset, reset], id="reset"),  # aiohttp itself sends a GET twice
        pytest.param([refusing(503)], id="503"),
        pytest.param([refusing(410, {"kind": "Status", "reason": "Expired"})], id="410"),
        pytest.param([streaming(error(410))], id="410-in-the-stream"),
        pytest.param([streaming(then=hang)], id="silence-as-for-a-version-from-the-future"),
    ],
)
async def test_what_cannot_be_resumed_is_listed_afresh(refused: list[Answer]) -> None:
    let_end = asyncio.Event()

    async def agreed(exchange: Exchange) -> None:
        await let_end.wait()
        await exchange.end()

    answers = listing(20, thing(10), then=agreed), *refused, listing(30, thing(25, content="2"))
    async with watched(*answers, times=QUIET) as it:
        await it.cache.wait_synced()
        it.clock.advance(240)
        let_end.set()
        await eventually(lambda: it.cache.lists == 2)
        assert it.values == {"a": "2"}
        assert it.asked == ["list", *["20"] * len(refused), "list"]


async def test_silence_ends_a_watch_and_its_cache_is_not_synced_any_more() -> None:
    async with watched(listing(20, thing(10)), times=QUIET) as it:
        await it.cache.wait_synced()
        await eventually(lambda: it.cache.last_failure)
        assert isinstance(it.cache.last_failure, TimedOut)
        assert not it.cache.synced
        assert it.values == {"a": ""}


async def test_an_interrupted_cache_is_synced_for_a_while_and_then_not() -> None:
    times = WatchTimes(stale=10.0)
    async with watched(listing(20, thing(10), then=reset), times=times) as it:
        await eventually(lambda: it.cache.last_failure)
        it.clock.advance(9.9)
        await it.cache.wait_synced()
        seen = [it.cache.synced]
        it.clock.advance(0.2)
        seen.append(it.cache.synced)
        assert seen == [True, False]
        assert it.values == {"a": ""}


async def test_an_older_etcd_behind_the_same_address() -> None:
    """Its versions are lower, and the same version there may be another object."""
    first = listing(200, thing(150, content="lost"), thing(90, name="b"), then=reset)
    older = listing(100, thing(90, name="b", content="other"), thing(80, content="old"))
    async with watched(first, older, older) as it:
        await eventually(lambda: it.cache.lists == 2)
        assert it.values == {"a": "old", "b": "other"}
        assert it.asked == ["list", "list", "list"]
        assert it.changes[2:] == [("modified", "", "other"), ("modified", "lost", "old")]


@pytest.mark.parametrize(
    "status", [{"kind": "Status", "reason": "Invalid"}, {"kind": "Status", "reason": "Forbidden"}]
)
async def test_a_server_that_streams_no_lists_is_asked_page_by_page(
    status: JsonObject,
) -> None:
    async with watched(
        refusing(422, status),
        page(20, thing(10, content="1"), continued="more"),
        page(20, thing(11, name="b")),
        streaming(event("MODIFIED", 21, content="2"), then=reset),
        page(30, thing(21, content="2")),
    ) as it:
        await eventually(lambda: it.cache.lists == 2)
        assert it.values == {"a": "2"}
        assert it.asked[:5] == ["list", "page", "page", "20", "page"]
        assert it.server.exchanges[2].query == {"limit": "500", "continue": "more"}
        await eventually(lambda: it.asked[5:] == ["30"])


async def test_a_server_that_never_ends_the_streamed_list_is_asked_page_by_page() -> None:
    old = streaming(event("ADDED", 10))
    async with watched(old, page(20, thing(10)), times=WatchTimes(list_silence=0.2)) as it:
        await eventually(lambda: it.cache.lists == 1)
        assert it.asked[:2] == ["list", "page"]


async def test_a_list_that_is_slow_but_comes_is_waited_for() -> None:
    go_on = [asyncio.Event() for _ in range(3)]

    async def slow(exchange: Exchange) -> None:
        for number, event_ in enumerate(go_on):
            await event_.wait()
            await exchange.send(event("ADDED", number + 1, name=f"n{number}"))
        await exchange.send(bookmark(20, ends_list=True))
        await hang(exchange)

    times = WatchTimes(list_silence=0.5)
    async with watched(streaming(then=slow), times=times) as it:
        loop = asyncio.get_running_loop()
        for number, event_ in enumerate(go_on):
            loop.call_later(0.3 * (number + 1), event_.set)
        await it.cache.wait_synced()
        assert len(it.values) == 3
        assert it.pauses == []


async def test_a_server_that_is_not_ready_is_not_asked_in_a_hot_loop() -> None:
    async with watched(*[refusing(503)] * 8, listing(20)) as it:
        await it.cache.wait_synced()
        assert it.pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.5, 2.5, 2.5])


async def test_a_watch_that_ends_at_once_again_and_again_slows_down_too() -> None:
    async with watched(*[listing(20, then=end)] * 4, listing(20)) as it:
        await eventually(lambda: it.cache.lists == 5)
        assert it.pauses == pytest.approx([0.1, 0.2, 0.4, 0.8])


async def test_a_steady_watch_ends_the_slowing_down() -> None:
    let_break = asyncio.Event()

    async def later(exchange: Exchange) -> None:
        await let_break.wait()
        exchange.abort()

    async with watched(*[refusing(503)] * 3, listing(20, then=later), listing(20)) as it:
        await it.cache.wait_synced()
        it.clock.advance(60)
        let_break.set()
        await eventually(lambda: it.cache.lists == 2)
        assert it.pauses == pytest.approx([0.1, 0.2, 0.4, 0.1])


async def test_a_server_that_asks_for_time_gets_it() -> None:
    async with watched(refusing(429, "Too many requests", Retry_After="7"), listing(20)) as it:
        await it.cache.wait_synced()
        assert it.pauses == [7.0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(refusing(404, "404 page not found\n"), NotServed, id="kind-not-served"),
        pytest.param(refusing(403, {"kind": "Status", "message": "no"}), Denied, id="forbidden"),
        pytest.param(refusing(410, {"kind": "Status"}), Gone, id="gone"),
        pytest.param(refusing(503), Unavailable, id="503"),
    ],
)
async def test_it_says_why_it_is_not_live(answer: Answer, expected: type[Exception]) -> None:
    async with watched(answer) as it:
        await eventually(lambda: it.cache.last_failure)
        assert type(it.cache.last_failure) is expected
        assert not it.cache.synced


async def test_a_broken_watch_is_a_sign_of_an_outage() -> None:
    async with watched(listing(20, then=reset)) as it:
        await eventually(lambda: it.cache.last_failure)
        assert it.cache._api.outages.recently


async def test_own_writes_are_there_at_once_and_told_once() -> None:
    echo = asyncio.Event()

    async def later(exchange: Exchange) -> None:
        await echo.wait()
        await exchange.send(
            event("MODIFIED", 21, content="x"),
            event("MODIFIED", 22, content="y"),
            event("ADDED", 23, name="z"),
        )
        await hang(exchange)

    async with watched(listing(20, thing(10, content="1"), then=later)) as it:
        await it.cache.wait_synced()
        it.cache.observe(thing(22, content="y"))
        assert it.values == {"a": "y"}
        echo.set()
        await eventually(lambda: "z" in it.values)
        assert it.changes[1:] == [("modified", "1", "y"), ("added", None, "")]


def picky(obj: JsonObject) -> str:
    if obj["content"] == "odd":
        raise ValueError("not understood")
    return str(obj["content"])


async def test_an_object_that_is_not_understood_neither_stops_others_nor_looks_deleted() -> None:
    follows = sending(event("MODIFIED", 21, content="odd"), event("ADDED", 22, name="c"))
    odd = thing(11, name="b", content="odd")
    async with watched(
        listing(20, thing(10, content="1"), odd, then=follows), transform=picky
    ) as it:
        await eventually(lambda: "c" in it.values)
        assert it.values == {"a": "1", "c": ""}


async def test_an_object_that_is_nested_too_deep_stops_no_other() -> None:
    deep = b'{"type":"ADDED","object":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001 + b"\n"
    follows = sending(deep, event("ADDED", 22, name="c"))
    async with watched(listing(20, thing(10, content="1"), then=follows)) as it:
        await eventually(lambda: "c" in it.values)
        assert it.values == {"a": "1", "c": ""}
        assert it.cache.lists == 1


async def test_a_callback_that_fails_stops_nothing() -> None:
    told: list[Any] = []

    def fail(*change: object) -> None:
        told.append(change)
        raise ValueError("odd")

    async with watched(listing(20, thing(10), thing(11, name="b")), on_change=fail) as it:
        await it.cache.wait_synced()
        assert len(told) == 2
        assert len(it.values) == 2


async def test_a_long_list_lets_others_run_all_along() -> None:
    names = [f"n{number}" for number in range(20_000)]
    lines = b"".join(
        json.dumps({"type": "ADDED", "object": thing(1, name=name)}).encode() + b"\n"
        for name in names
    )
    last = json.dumps(bookmark(20, ends_list=True)).encode() + b"\n"
    async with watched(streaming(lines, last)) as it:
        turns = 0
        seen_during: set[int] = set()
        while not it.cache.synced:
            await asyncio.sleep(0)
            turns += 1
            seen_during.add(len(it.cache._mirror._staged) // 1000)
        assert len(it.values) == 20_000
        assert len(seen_during) > 10


@pytest.mark.parametrize("answer", [hang, listing(20), streaming(event("ADDED", 10))])
async def test_cancelling_closes_the_connection(answer: Answer) -> None:
    closed = asyncio.Event()

    async def noticing(exchange: Exchange) -> None:
        await answer(exchange)  # ends when the client is gone
        closed.set()

    async with watched(noticing) as it:
        await eventually(lambda: it.server.exchanges)
        it.stop()
        await closed.wait()
        assert it.cache.last_failure is None


def test_the_times_fit_the_servers_bookmarks_of_one_a_minute() -> None:
    times = WatchTimes()
    assert times.silence > 65
    assert times.watch > times.silence
