"""Real Alertmanagers, restarted, silenced, hung, fed by a real Prometheus: none is misread."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from responder.alerts.notification import Alert, read_alertmanager
from responder.alerts.timestamps import rfc3339_to_ns
from responder.evidence.alertmanager import Alertmanagers, open_alertmanagers
from responder.evidence.comparing import Comparison, KnownAlert, compare
from responder.evidence.listings import AlertState, ListedAlert, Listing, Unheard
from responder.evidence.transport import Endpoint, Limits
from responder.evidence.verdict import Unknown
from tests.controlplane.eventually import eventually
from tests.controlplane.fixtures import StartAlertmanager, StartPrometheus
from tests.controlplane.ports import free_port
from tests.controlplane.real_alertmanager import Alertmanager, webhook_configuration
from tests.controlplane.real_prometheus import scrape_configuration
from tests.evidence.exporter import exported

QUICK = Limits(total_seconds=1.0, deadline_seconds=4.0, first_pause_seconds=0.05)
BOUNCES = {"alertname": "HighBounceRate", "campaign": "spring-sale"}
COMPLAINTS = {"alertname": "HighComplaintRate", "campaign": "spring-sale"}
DEAF = webhook_configuration("http://127.0.0.1:1/nobody")


@asynccontextmanager
async def asked(*servers: Alertmanager) -> AsyncIterator[Alertmanagers]:
    endpoints = [Endpoint(server.url) for server in servers]
    async with open_alertmanagers(endpoints, limits=QUICK) as alertmanagers:
        yield alertmanagers


async def listed(alertmanagers: Alertmanagers) -> dict[str, ListedAlert]:
    """By alertname."""
    (answer,) = await alertmanagers.listings(now=datetime.now(UTC))
    assert isinstance(answer, Listing)
    return {alert.labels["alertname"]: alert for alert in answer.alerts.values()}


async def compared(
    alertmanagers: Alertmanagers, *known: ListedAlert | Alert, grace_seconds: float = 0
) -> Comparison:
    """With what we know from a while ago: that all of these fire."""
    now = datetime.now(UTC)
    heard_at = now - timedelta(minutes=1)
    ours = [KnownAlert(one.fingerprint, True, one.starts_at, heard_at) for one in known]
    answers: Sequence[Listing | Unheard] = await alertmanagers.listings(now=now)
    return compare(ours, answers, concerns=lambda _: False, grace_seconds=grace_seconds)


async def test_the_listing_and_the_notification_speak_of_the_same_alert(
    start_alertmanager: StartAlertmanager,
) -> None:
    received: list[bytes] = []

    async def receive(request: web.Request) -> web.Response:
        received.append(await request.read())
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/hook", receive)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        server = start_alertmanager(webhook_configuration(f"http://127.0.0.1:{port}/hook"))
        server.fire(BOUNCES, annotations={"summary": "bounces"})
        await eventually(lambda: received)
        (told,) = read_alertmanager(received[0]).notification.alerts
        async with asked(server) as alertmanagers:
            found = (await listed(alertmanagers))["HighBounceRate"]
    finally:
        await runner.cleanup()
    assert (found.fingerprint, found.labels) == (told.fingerprint, told.labels)
    assert found.annotations == told.annotations
    assert (found.state, found.receivers) == (AlertState.ACTIVE, ("responder",))
    # The API cuts what the notification tells to the nanosecond.
    assert rfc3339_to_ns(found.starts_at) == told.starts_at_ns // 10**6 * 10**6


async def test_a_resolve_that_nobody_told_us_is_found(
    start_alertmanager: StartAlertmanager,
) -> None:
    server = start_alertmanager(DEAF)
    server.fire(BOUNCES, COMPLAINTS)
    async with asked(server) as alertmanagers:
        before = await listed(alertmanagers)
        known = before["HighBounceRate"], before["HighComplaintRate"]
        assert await compared(alertmanagers, *known) == Comparison()
        server.resolve(BOUNCES)

        async def is_found() -> bool:
            found = await compared(alertmanagers, *known)
            return found.lost_resolves == {known[0].fingerprint}

        await eventually(is_found)
        # It has run for some seconds only: who knows what it has not been told again?
        found = await compared(alertmanagers, *known, grace_seconds=300)
        assert not found.lost_resolves
        assert set(found.unknown) == {known[0].fingerprint}


async def test_a_restart_resolves_nothing(start_alertmanager: StartAlertmanager) -> None:
    server = start_alertmanager(DEAF)
    server.fire(BOUNCES)
    async with asked(server) as alertmanagers:
        (known,) = (await listed(alertmanagers)).values()
        server.server.kill()
        found = await compared(alertmanagers, known)
        assert set(found.unknown) == {known.fingerprint}
        server.server.start_again()

        async def is_empty() -> bool:
            (answer,) = await alertmanagers.listings(now=datetime.now(UTC))
            return isinstance(answer, Listing) and not answer.alerts

        await eventually(is_empty)
        found = await compared(alertmanagers, known, grace_seconds=300)
        assert not found.lost_resolves
        assert "may not have heard of it again" in found.unknown[known.fingerprint].message


async def test_silences_and_inhibitions_are_seen_and_resolve_nothing(
    start_alertmanager: StartAlertmanager,
) -> None:
    rule = {
        "source_matchers": ['alertname="HighBounceRate"'],
        "target_matchers": ['alertname="HighComplaintRate"'],
        "equal": ["campaign"],
    }
    server = start_alertmanager(DEAF | {"inhibit_rules": [rule]})
    server.fire(BOUNCES, COMPLAINTS)
    silence = server.silence({"alertname": "HighBounceRate"})
    async with asked(server) as alertmanagers:

        async def are_seen() -> bool:
            found = await listed(alertmanagers)
            return all(alert.state is AlertState.SUPPRESSED for alert in found.values())

        await eventually(are_seen)
        alerts = await listed(alertmanagers)
        bounces, complaints = alerts["HighBounceRate"], alerts["HighComplaintRate"]
        found = await compared(alertmanagers, bounces, complaints)
    assert found == Comparison(
        silenced={bounces.fingerprint: (silence,)},
        inhibited={complaints.fingerprint: (bounces.fingerprint,)},
    )


async def test_one_of_two_that_hangs_makes_a_resolve_unknown(
    start_alertmanager: StartAlertmanager,
) -> None:
    one, other = start_alertmanager(DEAF), start_alertmanager(DEAF)
    one.fire(BOUNCES)
    async with asked(one) as alertmanagers:
        (known,) = (await listed(alertmanagers)).values()
    one.resolve(BOUNCES)
    async with asked(one, other) as alertmanagers:

        async def is_lost() -> bool:
            return bool((await compared(alertmanagers, known)).lost_resolves)

        await eventually(is_lost)
        other.server.suspend()

        async def is_unknown() -> bool:
            answers = await alertmanagers.listings(now=datetime.now(UTC))
            found = await compared(alertmanagers, known)
            return (
                isinstance(answers[1], Unheard)
                and answers[1].reason is Unknown.TIMED_OUT
                and set(found.unknown) == {known.fingerprint}
            )

        await eventually(is_unknown)
        other.server.resume()
        await eventually(is_lost)


async def test_a_prometheus_tells_a_restarted_alertmanager_again(
    start_alertmanager: StartAlertmanager, start_prometheus: StartPrometheus, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yml"
    alert = {"alert": "HighBounceRate", "expr": "mail_bounces_total > 5"}
    rules.write_text(json.dumps({"groups": [{"name": "g", "rules": [alert]}]}))
    server = start_alertmanager(DEAF)
    address = server.url.removeprefix("http://")
    async with exported() as senders, asked(server) as alertmanagers:
        senders.count("bounces", 9, campaign="spring-sale", type="hard")
        configuration = scrape_configuration(
            senders.address, rule_files=[rules], alertmanagers=[address]
        )
        # In production it repeats itself each minute.
        start_prometheus(configuration, flags=["--rules.alert.resend-delay=1s"])

        async def is_listed() -> ListedAlert | None:
            (answer,) = await alertmanagers.listings(now=datetime.now(UTC))
            alerts = answer.alerts.values() if isinstance(answer, Listing) else ()
            return next(iter(alerts), None)

        known = await eventually(is_listed)
        assert known.labels["campaign"] == "spring-sale"
        server.server.kill()
        server.server.start_again()
        again = await eventually(is_listed)
        assert (again.fingerprint, again.starts_at) == (known.fingerprint, known.starts_at)
        assert await compared(alertmanagers, known, grace_seconds=300) == Comparison()


async def test_of_two_that_work_together_both_must_be_asked(
    start_alertmanager: StartAlertmanager,
) -> None:
    def clustered(port: int, *peers: int) -> list[str]:
        joined = [f"--cluster.peer=127.0.0.1:{peer}" for peer in peers]
        settle = ["--cluster.settle-timeout=1s", "--cluster.gossip-interval=50ms"]
        return [f"--cluster.listen-address=127.0.0.1:{port}", *joined, *settle]

    first, second = free_port(), free_port()
    one = start_alertmanager(DEAF, flags=clustered(first))
    other = start_alertmanager(DEAF, flags=clustered(second, first))
    one.fire(BOUNCES)
    async with asked(one) as alone, asked(one, other) as both:
        (known,) = (await listed(alone)).values()
        one.resolve(BOUNCES)

        async def is_lost() -> bool:
            found = await compared(both, known)
            return found.lost_resolves == {known.fingerprint}

        await eventually(is_lost)
        found = await compared(alone, known)
        assert not found.lost_resolves
        assert found.unknown[known.fingerprint].reason is Unknown.NOT_ALL_ASKED
