"""Couriers take a message to real servers: by HTTP and by SMTP, to one that hangs and to none."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from responder.notices.couriers import Answer, Couriers, Outcome
from responder.notices.destinations import Address
from responder.notices.rendering import shipped
from responder.notices.samples import sample_notice
from tests.cluster.faulty_server import Exchange, FaultyServer, faulty_server
from tests.controlplane.eventually import eventually
from tests.controlplane.ports import free_port

FULL = sample_notice()[0]
TEMPLATES = {
    "text": [shipped("notice", markdown=False)],
    "markdown": [shipped("notice", markdown=True)],
}
SECRET = "s3cr3t-T0KEN"


async def take(exchange: Exchange) -> None:
    await exchange.respond(200, b"")


async def hang(exchange: Exchange) -> None:
    await exchange.disconnected()


async def drip(exchange: Exchange) -> None:
    """Defeats a time-out between two pieces: there is always one more."""
    await exchange.promise(length=10**9)
    while True:
        await exchange.raw(b".")
        await asyncio.sleep(0.2)


@asynccontextmanager
async def hook(handle: Any) -> AsyncIterator[tuple[FaultyServer, Address]]:  # noqa: ANN401
    async with faulty_server(handle) as server:
        yield server, Address(f"json://{server.url.removeprefix('http://')}/{SECRET}")


async def send(address: Address, *, couriers: Couriers | None = None, **order: Any) -> Answer:  # noqa: ANN401
    chosen: dict[str, Any] = {"templates": TEMPLATES, "facts": FULL, **order}
    return await (couriers or Couriers()).send(address, **chosen)


def children() -> list[str]:
    """What runs below this process by now."""
    found = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        # Threads and processes end while they are looked at.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [
                child
                for child in (task / "children").read_text().split()
                if b"courier" in Path(f"/proc/{child}/cmdline").read_bytes()
            ]
    return found


def told_of(child: str, name: str) -> bytes:
    return Path(f"/proc/{child}/{name}").read_bytes()


async def test_a_message_arrives_by_http_with_all_that_it_says() -> None:
    async with hook(take) as (server, address):
        assert await send(address) == Answer(Outcome.SENT)
    (exchange,) = server.exchanges
    told = json.loads(exchange.body)
    assert told["title"] == "only partly held: campaign=a test (high-bounce-rate)"
    assert "NOT held:\n  Deployment/a-test: this is a test, nothing is held\n" in told["message"]
    assert f"\n  {FULL['command']}\n" in told["message"]
    assert exchange.path == f"/{SECRET}"


class Mailbox:
    """A handler of aiosmtpd's that keeps what it is sent."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 taken"


@contextmanager
def smtp(mailbox: object) -> Iterator[Address]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        port = controller.port
        yield Address(f"mailto://127.0.0.1:{port}?from=brake@mail.example&to=ada@mail.example")
    finally:
        controller.stop()


async def test_a_message_arrives_by_mail_and_hostile_labels_write_no_header() -> None:
    mailbox = Mailbox()
    hostile = "x\r\nBcc: all@mail.example\r\n\r\n<b>RESOLVED</b>"
    facts = FULL | {
        "labels": [{"label": "campaign", "value": hostile}],
        "why": [{"what": hostile, "why": hostile}],
    }
    with smtp(mailbox) as address:
        assert await send(address, facts=facts) == Answer(Outcome.SENT)
    (letter,) = mailbox.letters
    assert letter["To"] == "ada@mail.example"
    assert letter["Bcc"] is None
    subject = "only partly held: campaign=x Bcc: all\uff20mail.example \u2039b\u203aRESOLVED"
    assert str(letter["Subject"]).startswith(subject)
    body = letter.get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\r\n", "\n")
    assert "NOT held:\n  Deployment/a-test: this is a test, nothing is held" in text
    assert "<b>" not in letter.as_string()


class Full(Mailbox):
    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 -- as above
        return f"552 {SECRET} is full"


async def test_a_mail_server_that_refuses_is_told_as_that() -> None:
    with smtp(Full()) as address:
        answer = await send(address)
    assert answer.outcome is Outcome.REFUSED
    assert answer.why


async def test_a_status_that_is_an_error_is_told_without_the_address() -> None:
    async def forbid(exchange: Exchange) -> None:
        await exchange.respond(403, SECRET.encode())

    async with hook(forbid) as (_server, address):
        answer = await send(address)
    assert answer.outcome is Outcome.REFUSED
    assert "error=403" in answer.why
    assert SECRET not in answer.why


async def test_nobody_who_listens_is_told_as_that() -> None:
    answer = await send(Address(f"json://127.0.0.1:{free_port()}/{SECRET}"))
    assert answer.outcome is Outcome.REFUSED
    # The host is a token in the addresses of some services.
    assert answer.why == "A Connection error occurred sending JSON notification to ***."


@pytest.mark.parametrize("handle", [hang, drip], ids=["silent", "dripping"])
async def test_one_that_hangs_is_left_in_time_and_no_process_stays(handle: Any) -> None:  # noqa: ANN401
    async with hook(handle) as (server, address):
        answer = await send(address, couriers=Couriers(seconds=3.5))
        assert len(server.exchanges) == 1
    assert answer == Answer(Outcome.TIMED_OUT, why="no answer within 3.5 s")
    assert children() == []


async def test_one_who_stops_waiting_leaves_no_process() -> None:
    async with hook(hang) as (server, address):
        sending = asyncio.create_task(send(address))
        await eventually(lambda: server.exchanges)
        assert children()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert children() == []


async def test_no_more_at_once_than_there_are_places() -> None:
    couriers, let_go = Couriers(at_once=1, seconds=60), asyncio.Event()

    async def hold(exchange: Exchange) -> None:
        await let_go.wait()
        await take(exchange)

    async with hook(hold) as (slow, waiting), hook(take) as (server, good):
        first = asyncio.create_task(send(waiting, couriers=couriers))
        await eventually(lambda: slow.exchanges)
        second = asyncio.create_task(send(good, couriers=couriers))
        await eventually(lambda: len(children()) == 1)
        assert not server.exchanges
        let_go.set()
        assert (await first).outcome is Outcome.SENT
        assert (await second).outcome is Outcome.SENT
        assert len(server.exchanges) == 1


async def test_a_template_that_fails_is_sent_by_ours_and_told() -> None:
    own = {form: ["{{ headline }}{{ nosuch }}", *ours] for form, ours in TEMPLATES.items()}
    async with hook(take) as (server, address):
        answer = await send(address, templates=own)
    assert answer == Answer(Outcome.SENT, template_fault="'nosuch' is undefined")
    assert json.loads(server.exchanges[0].body)["title"].startswith("only partly held")


async def test_a_template_without_an_end_costs_its_courier_alone() -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}x"
    own = {form: [loop] for form in TEMPLATES}
    async with hook(take) as (server, address):
        answer = await send(address, templates=own, couriers=Couriers(seconds=1.5))
    assert answer.outcome is Outcome.TIMED_OUT
    assert not server.exchanges


async def test_markdown_goes_where_it_is_read_and_what_is_too_long_keeps_its_beginning() -> None:
    """By a plugin that is asked for it: `format=markdown`."""
    facts = FULL | {"why": [{"what": "y" * 300, "why": "z" * 300}] * 400}
    async with hook(take) as (server, address):
        answer = await send(Address(f"{address.text}?format=markdown"), facts=facts)
    assert answer.outcome is Outcome.SENT
    told = json.loads(server.exchanges[0].body)["message"]
    assert told.startswith("**Held**\n- pause `campaign/a test`")
    assert f"`{FULL['command']}`" in told
    assert told.endswith("\u2026")
    assert len(told) < 4_000


@pytest.mark.parametrize(
    ("url", "first"),
    [
        ("json://h/x", "Held:"),
        ("json://h/x?format=markdown", "**Held**"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "**Held**"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ?format=text", "Held:"),
        ("discord://123456789012/abcdefghijklmnop", "**Held**"),
        ("mailto://ada:secret@gmail.com", "Held:"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "Held:"),
        ("ntfy://h/topic", "Held:"),
    ],
)
def test_each_kind_of_place_gets_its_own_form_cut_to_what_it_takes(url: str, first: str) -> None:
    """In a process of its own, as everything that imports Apprise."""
    script = (
        "import json, sys; from responder.notices import courier, samples;"
        "plugin = courier._known(sys.argv[1]); plugin.body_maxlen = 160;"
        "order = {'facts': samples.sample_notice()[0], 'templates': json.load(sys.stdin)};"
        "form, _ = courier._rendered(order, markdown=courier._takes_markdown(plugin));"
        "print(courier._fitted(form, plugin).body)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, url],
        input=json.dumps(TEMPLATES),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(first + "\n")
    assert len(done.stdout) <= 161
    assert done.stdout.endswith("\u2026\n")


async def test_an_address_that_nobody_knows_is_told_beforehand_and_when_it_is_used() -> None:
    known = await Couriers().known([Address("json://h/x"), Address("nosuch://h/x")])
    assert known == (True, False)
    answer = await send(Address(f"nosuch://h/{SECRET}"))
    assert answer == Answer(Outcome.REFUSED, why="Apprise doesn't know such an address")


async def test_a_courier_that_dies_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    answer = await send(Address("json://h/x"))
    assert answer == Answer(Outcome.BROKE, why="the courier broke (exit code 1)")
    assert await Couriers().known([Address("json://h/x")]) is None
    monkeypatch.setattr("sys.executable", "/nonexistent")
    assert (await send(Address("json://h/x"))).outcome is Outcome.BROKE


async def test_the_address_is_in_no_argument_and_our_settings_are_in_no_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESPONDER_TOKEN", SECRET)
    async with hook(hang) as (server, address):
        sending = asyncio.create_task(send(address))
        await eventually(lambda: server.exchanges)
        (child,) = children()
        assert SECRET.encode() not in told_of(child, "cmdline") + told_of(child, "environ")
        assert told_of(child, "oom_score_adj").strip() == b"1000"
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
