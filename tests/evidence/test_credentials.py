"""Tokens, passwords and certificates come from files that may be replaced while they are used."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from responder.errors import BadInput
from responder.evidence.credentials import Credentials, Tls
from responder.evidence.transport import Endpoint, NoReply, Reply, Transport, open_transport
from responder.evidence.verdict import Unknown
from tests.evidence.certificates import Certificates
from tests.evidence.faults import QUICK, answering, ask, asked, reason, vector


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
