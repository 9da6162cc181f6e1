"""Who may speak to the door."""

import os
from pathlib import Path

import pytest

from responder.errors import BadInput
from responder.settings import is_loopback
from responder.web.authentication import BearerToken
from tests.cluster.clocks import Clock
from tests.e2e.process import alert, notification
from tests.web.conftest import TOKEN, Web

HOOK = "/webhooks/alertmanager"
GUARDED = [
    ("POST", HOOK),
    ("POST", "/api/v1/playbooks/pause/trigger"),
    ("POST", "/api/v1/playbooks/pause/plan"),
    ("GET", "/api/v1/playbooks"),
    ("GET", "/api/v1/incidents"),
    ("GET", "/api/v1/incidents/mail/x"),
    ("POST", "/api/v1/incidents/mail/x/release"),
    ("GET", "/nowhere"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED, ids=lambda part: part.rpartition("/")[2])
async def test_without_the_token_nothing_is_told_or_done(site: Web, method: str, path: str) -> None:
    answer = await site.ask(method, path, headers={"Authorization": ""}, json=notification(alert()))
    assert answer.status == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert site.door.server.stored == {}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probes_need_no_token(site: Web, path: str) -> None:
    assert (await site.ask("GET", path, headers={"Authorization": ""})).status == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer  {TOKEN} ", 200),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("Bearer", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        ("Bearer t\u00f6ken-with-umlauts", 401),
    ],
)
async def test_the_header(site: Web, header: str, status: int) -> None:
    answer = await site.ask("GET", "/api/v1/playbooks", headers={"Authorization": header})
    assert answer.status == status


def test_bytes_that_are_no_utf_8_are_a_wrong_token(token_file: Path) -> None:
    """They arrive as lone surrogates, which can't be encoded strictly."""
    given = b"\xff\xfe".decode(errors="surrogateescape")
    assert not BearerToken(token_file).accepts(given)


class TestRotation:
    """The file is replaced in place, as a mounted Secret is."""

    clock: Clock
    path: Path
    token: BearerToken

    @pytest.fixture(autouse=True)
    def _token(self, token_file: Path) -> None:
        self.clock = Clock()
        self.path = token_file
        self.token = BearerToken(token_file, monotonic=self.clock)

    def test_a_new_token_counts_within_a_second_and_the_old_one_no_more(self) -> None:
        self.path.write_text("another-token-of-tests")
        self.clock.advance(1.0)
        assert self.token.accepts("another-token-of-tests")
        assert not self.token.accepts(TOKEN)

    def test_the_file_is_not_read_for_every_request(self) -> None:
        self.path.write_text("another-token-of-tests")
        self.clock.advance(0.5)
        assert self.token.accepts(TOKEN)

    @pytest.mark.parametrize("content", [None, "", "short", b"\xff" * 20])
    def test_while_the_file_is_no_token_the_old_one_stays(
        self, content: str | bytes | None
    ) -> None:
        if content is None:
            self.path.unlink()
        elif isinstance(content, bytes):
            self.path.write_bytes(content)
        else:
            self.path.write_text(content)
        self.clock.advance(2.0)
        assert self.token.accepts(TOKEN)
        assert not self.token.accepts("short")
        assert not self.token.accepts("")


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "can't be read"), ("short", "too short"), ("\n", "too short"), ("x" * 15, "16")],
)
def test_a_file_that_is_no_token_is_refused_at_the_start(
    tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput) as raised:
        BearerToken(path)
    assert words in str(raised.value)
    assert "bearer_token_file" in str(raised.value)


async def test_without_a_token_this_machine_may_do_all(loopback: Web) -> None:
    answer = await loopback.ask(
        "POST", HOOK, headers={"Authorization": ""}, json=notification(alert())
    )
    assert answer.status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="curl"),
        pytest.param({"Host": "localhost:9099"}, 200, id="by name"),
        pytest.param({"Host": "LOCALHOST"}, 200, id="by name, without a port"),
        pytest.param({"Host": "[::1]:9099"}, 200, id="IPv6"),
        pytest.param({"Host": "[::1]"}, 200, id="IPv6 without a port"),
        pytest.param({"Host": "127.0.0.2:9099"}, 200, id="another address of loopback"),
        pytest.param(
            {"Host": "localhost:9099", "Origin": "http://localhost:9099"}, 200, id="our own page"
        ),
        pytest.param({"Host": "evil.example:9099"}, 403, id="DNS rebinding"),
        pytest.param({"Host": "localhost.evil.example"}, 403, id="a name that begins like ours"),
        pytest.param({"Host": "10.0.0.1:9099"}, 403, id="another machine's address"),
        pytest.param({"Host": ""}, 403, id="no host"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="another site's page"),
        pytest.param({"Origin": "null"}, 403, id="a sandboxed page"),
        pytest.param(
            {"Host": "localhost:9099", "Origin": "http://localhost:3000"}, 403, id="another port"
        ),
    ],
)
async def test_without_a_token_no_other_sites_page_may_do_anything(
    loopback: Web, headers: dict[str, str], status: int
) -> None:
    """An operator's browser reaches loopback as well."""
    headers["Authorization"] = ""
    for method, path in (("POST", HOOK), ("GET", "/api/v1/incidents")):
        answer = await loopback.ask(method, path, headers=headers, json=notification(alert()))
        assert answer.status == status
    assert bool(loopback.door.server.stored) is (status == 200)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("example.org", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_what_is_loopback(host: str, expected: bool) -> None:  # noqa: FBT001
    assert is_loopback(host) is expected


def test_tokens_are_compared_whole(token_file: Path) -> None:
    os.truncate(token_file, 16)
    token = BearerToken(token_file)
    assert token.accepts(TOKEN[:16])
    assert not token.accepts(TOKEN)
