"""Whatever a server does, a question ends in time, tried again where that may help, and told."""

import asyncio
import time
from pathlib import Path

import pytest

from responder.evidence.answers import Answer, NoAnswer
from responder.evidence.credentials import Credentials
from responder.evidence.prometheus import Prometheus
from responder.evidence.transport import Endpoint, open_transport
from responder.evidence.verdict import Unknown
from tests.cluster.faulty_server import Exchange, Handler, faulty_server
from tests.evidence import faults
from tests.evidence.faults import QUICK, answering, ask, asked, error, form_of, reason, vector
from tests.evidence.moments import NOW


@pytest.mark.parametrize("handle", [faults.hang, faults.hang_in_the_body])
async def test_a_server_that_hangs_is_given_up_and_asked_again(handle: Handler) -> None:
    async with asked(handle) as (prometheus, server):
        assert await reason(prometheus) is Unknown.TIMED_OUT
        assert len(server.exchanges) == QUICK.tries


async def test_all_tries_together_end_at_the_deadline() -> None:
    async with asked(faults.hang, tries=1000, deadline_seconds=0.7) as (prometheus, _):
        started = time.monotonic()
        assert await reason(prometheus) is Unknown.TIMED_OUT
        assert 0.6 < time.monotonic() - started < 2


@pytest.mark.parametrize("handle", [faults.reset, faults.reset_in_the_body])
async def test_a_connection_that_breaks_is_tried_again(handle: Handler) -> None:
    async with asked(handle) as (prometheus, server):
        assert await reason(prometheus) is Unknown.DOWN
        assert len(server.exchanges) == QUICK.tries
        server.handle = answering((200, vector("1")))
        assert isinstance(await ask(prometheus), Answer)


async def test_nobody_at_the_address_is_down() -> None:
    async with asked(faults.hang) as (prometheus, server):
        await server.stop()
        assert await reason(prometheus) is Unknown.DOWN


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_server_that_can_not_now_is_asked_again(status: int) -> None:
    async with asked(answering((status, "later"), (200, vector("1")))) as (prometheus, server):
        assert isinstance(await ask(prometheus), Answer)
        assert len(server.exchanges) == 2
        server.handle = answering((status, "later"))
        found = await ask(prometheus)
        assert isinstance(found, NoAnswer)
        assert found.reason is Unknown.DOWN
        assert f"{status} 'later'" in found.message


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, error("bad_data"), Unknown.BAD_QUERY),
        (422, error("execution"), Unknown.BAD_QUERY),
        (503, error("timeout"), Unknown.TIMED_OUT),
        (401, "who are you", Unknown.REFUSED),
        (403, "not you", Unknown.REFUSED),
        (404, "404 page not found", Unknown.UNREADABLE),
        (200, "<html>Welcome to nginx!", Unknown.UNREADABLE),
        (204, "", Unknown.UNREADABLE),
        (302, "", Unknown.UNREADABLE),
    ],
)
async def test_what_would_be_the_same_again_is_asked_once(
    status: int, body: str, expected: Unknown
) -> None:
    async with asked(answering((status, body))) as (prometheus, server):
        assert await reason(prometheus) is expected
        assert len(server.exchanges) == 1


async def test_a_redirect_takes_no_credentials_anywhere(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")
    async with faulty_server(answering((200, vector("1")))) as elsewhere:
        handle = answering((307, ""), Location=f"{elsewhere.url}/api/v1/query")
        credentials = Credentials(bearer_token_file=token)
        async with asked(handle, credentials=credentials) as (prometheus, server):
            found = await ask(prometheus)
            assert isinstance(found, NoAnswer)
            assert "give that address" in found.message
            assert server.exchanges[0].headers["authorization"] == "Bearer secret"
            assert not elsewhere.exchanges


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_answer_beyond_all_bounds_is_not_read_to_its_end(*, chunked: bool) -> None:
    async def endless(exchange: Exchange) -> None:
        if chunked:
            exchange.stream()
        else:
            await exchange.promise(length=2**40)
        while True:
            if chunked:
                await exchange.send(b"x" * 2**16)
            else:
                await exchange.raw(b"x" * 2**16)

    async with asked(endless, most_bytes=2**20, total_seconds=20.0) as (prometheus, server):
        found = await ask(prometheus)
        assert isinstance(found, NoAnswer)
        assert found.reason is Unknown.UNREADABLE
        assert "more than 1048576 bytes" in found.message
        assert len(server.exchanges) == 1


async def test_what_is_compressed_unasked_is_not_unpacked() -> None:
    handle = answering((200, b"\x1f\x8b bomb"), Content_Encoding="gzip")
    async with asked(handle) as (prometheus, server):
        assert await reason(prometheus) is Unknown.UNREADABLE
        assert server.exchanges[0].headers["accept-encoding"] == "identity"


async def test_the_form_says_what_is_asked_when_and_for_how_long() -> None:
    async with asked(answering((200, vector("1")))) as (prometheus, server):
        await prometheus.query('up{a="ü"}', at=NOW, most_series=2)
        (exchange,) = server.exchanges
        assert (exchange.method, exchange.path) == ("POST", "/api/v1/query")
        assert form_of(exchange) == {
            "query": 'up{a="ü"}',
            "time": f"{NOW.timestamp():.3f}",
            "timeout": "0.4",
            "limit": "2",
        }


async def test_not_more_than_so_many_are_under_way_at_once() -> None:
    under_way: list[int] = []
    released = asyncio.Event()

    async def handle(exchange: Exchange) -> None:
        under_way.append(1)
        await released.wait()
        under_way.pop()
        await exchange.respond(200, vector("1"))

    async with asked(handle, in_flight=2, total_seconds=5.0) as (prometheus, server):
        asking = [asyncio.create_task(ask(prometheus)) for _ in range(6)]
        while len(server.exchanges) < 2:  # noqa: ASYNC110 -- the server has no event for it
            await asyncio.sleep(0)
        assert len(under_way) == 2
        released.set()
        assert all(isinstance(found, Answer) for found in await asyncio.gather(*asking))


async def test_whoever_waits_too_long_for_a_turn_is_told() -> None:
    async with asked(faults.hang, in_flight=1, deadline_seconds=0.3, total_seconds=5.0) as (
        prometheus,
        server,
    ):
        first, second = await asyncio.gather(reason(prometheus), reason(prometheus))
        assert (first, second) == (Unknown.TIMED_OUT, Unknown.TIMED_OUT)
        assert len(server.exchanges) == 1


async def test_pauses_grow_and_never_exceed_their_longest() -> None:
    async with open_transport(Endpoint("http://x"), limits=QUICK, chance=lambda: 0.5) as transport:
        pauses = transport._pauses()
        assert [pauses.next_seconds() for _ in range(3)] == [
            pytest.approx(0.0075 * 2**at) for at in range(3)
        ]


async def test_a_path_before_the_api_is_kept() -> None:
    async with faulty_server(answering((200, vector("1")))) as server:
        endpoint = Endpoint(f"{server.url}/prometheus/")
        async with open_transport(endpoint, limits=QUICK) as transport:
            assert isinstance(await ask(Prometheus(transport)), Answer)
        assert server.exchanges[0].path == "/prometheus/api/v1/query"
