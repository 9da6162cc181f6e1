"""Whatever a server does, a question ends in time, tried again where that may help, and told."""

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from responder.errors import BadInput
from responder.evidence.answers import Answer, NoAnswer
from responder.evidence.credentials import Credentials, Tls
from responder.evidence.prometheus import Prometheus
from responder.evidence.transport import Endpoint, NoReply, Reply, Transport, open_transport
from responder.evidence.verdict import Unknown
from tests.cluster.faulty_server import Exchange, Handler, faulty_server
from tests.evidence import faults
from tests.evidence.certificates import Certificates
from tests.evidence.faults import QUICK, answering, asked, error, form_of, vector
from tests.evidence.moments import NOW


async def ask(prometheus: Prometheus) -> Answer | NoAnswer:
    return await prometheus.query("up", at=NOW)


async def reason(prometheus: Prometheus) -> Unknown | None:
    found = await ask(prometheus)
    return found.reason if isinstance(found, NoAnswer) else None


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
        assert [transport._pause_seconds(number) for number in (1, 2, 3)] == [
            pytest.approx(0.0075 * 2**at) for at in range(3)
        ]


async def test_a_path_before_the_api_is_kept() -> None:
    async with faulty_server(answering((200, vector("1")))) as server:
        endpoint = Endpoint(f"{server.url}/prometheus/")
        async with open_transport(endpoint, limits=QUICK) as transport:
            assert isinstance(await ask(Prometheus(transport)), Answer)
        assert server.exchanges[0].path == "/prometheus/api/v1/query"


async def test_a_token_that_is_replaced_is_used_at_once_and_stays_while_unreadable(
    tmp_path: Path,
) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    credentials = Credentials(bearer_token_file=token)
    async with asked(answering((200, vector("1"))), credentials=credentials) as (
        prometheus,
        server,
    ):
        await ask(prometheus)
        token.write_text("second")
        await ask(prometheus)
        token.unlink()
        await ask(prometheus)
        shown = [exchange.headers["authorization"] for exchange in server.exchanges]
        assert shown == ["Bearer first", "Bearer second", "Bearer second"]


async def test_a_user_has_a_password_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open sesame\n")
    credentials = Credentials(username="responder", password_file=tmp_path / "password")
    async with asked(answering((200, vector("1"))), credentials=credentials) as (
        prometheus,
        server,
    ):
        await ask(prometheus)
        shown = server.exchanges[0].headers["authorization"].removeprefix("Basic ")
        assert base64.b64decode(shown) == b"responder:open sesame"


@pytest.mark.parametrize("content", [None, "", "\n", "two\nlines", "\xff", "a\0b"])
async def test_without_a_usable_token_nothing_is_asked(tmp_path: Path, content: str | None) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content, "latin-1")
    credentials = Credentials(bearer_token_file=token)
    async with asked(answering((200, vector("1"))), credentials=credentials) as (
        prometheus,
        server,
    ):
        assert await reason(prometheus) is Unknown.REFUSED
        assert not server.exchanges


@asynccontextmanager
async def tls_server(certificates: Certificates) -> AsyncIterator[str]:
    """Answers only those who show a certificate of the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.crt("ca"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificates.crt("server"), certificates.key("server"))

    async def answer(request: web.Request) -> web.Response:
        transport = request.transport
        assert transport is not None
        subject = transport.get_extra_info("peercert")["subject"]
        return web.Response(text=vector("1", infos=[subject[0][0][1]]))

    app = web.Application()
    app.add_routes([web.post("/api/v1/query", answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def over_tls(url: str, tls: Tls) -> Reply | NoReply:
    async with open_transport(Endpoint(url, tls=tls), limits=QUICK) as transport:
        return await posted(transport)


async def posted(transport: Transport) -> Reply | NoReply:
    return await transport.ask("POST", "/api/v1/query", form={"query": "up"})


async def test_both_sides_show_certificates_of_the_authority(tmp_path: Path) -> None:
    certificates = Certificates.make(tmp_path)
    mutual = Tls(
        ca_file=certificates.crt("ca"),
        cert_file=certificates.crt("client"),
        key_file=certificates.key("client"),
    )
    async with tls_server(certificates) as url:
        found = await over_tls(url, mutual)
        assert isinstance(found, Reply)
        assert b"client" in found.body
        for tls in (Tls(), Tls(ca_file=certificates.crt("ca"))):
            refused = await over_tls(url, tls)
            assert isinstance(refused, NoReply)
            assert refused.reason is Unknown.DOWN


async def test_a_certificate_that_is_replaced_is_shown_to_new_connections(tmp_path: Path) -> None:
    certificates = Certificates.make(tmp_path)
    certificates.issue("later")
    tls = Tls(
        ca_file=certificates.crt("ca"),
        cert_file=certificates.crt("client"),
        key_file=certificates.key("client"),
    )
    async with tls_server(certificates) as url:
        before = await over_tls(url, tls)
        certificates.crt("client").write_bytes(b"half of a")
        between = await over_tls(url, tls)
        certificates.key("client").write_bytes(certificates.key("later").read_bytes())
        certificates.crt("client").write_bytes(certificates.crt("later").read_bytes())
        after = await over_tls(url, tls)
    shown = [found.body for found in (before, between, after) if isinstance(found, Reply)]
    assert [b"later" in body for body in shown] == [False, False, True]


def test_files_that_can_not_be_used_for_tls_are_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no certificate")
    for wrong in (tmp_path / "none.crt", tmp_path / "ca.crt"):
        with pytest.raises(BadInput, match="TLS"):
            Tls(ca_file=wrong)
