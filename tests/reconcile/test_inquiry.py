"""Alertmanagers that say what fires: what was lost is stored, whatever else they do."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import pytest
import structlog.testing

from responder.cluster.failures import Unavailable
from responder.evidence.listings import AlertState, ListedAlert, Listing, Unheard
from responder.evidence.reckoning import Senders
from responder.evidence.verdict import Unknown
from responder.incidents.incident import Incident
from responder.incidents.quiet import Quiet
from responder.incidents.stored import read_incident
from responder.metrics import Metrics
from responder.playbooks.loading import read_playbooks
from responder.reconcile.inquiry import Inquiry, Practice
from responder.reconcile.recovering import Recovery
from tests.controlplane.eventually import eventually
from tests.e2e.process import alert
from tests.reconcile.door import NOW, PLAYBOOKS, Door, only, pod, read

ONE, TWO = "http://am-0:9093", "http://am-1:9093"
LATER = NOW + timedelta(minutes=10)
"""When they are asked: what the door stored is known since NOW."""
FIRST, SECOND = f"{0xAA:016x}", f"{0xBB:016x}"
STARTED = "2026-11-24T10:00:00.123Z"


def fires(
    fingerprint: str = FIRST,
    *,
    state: AlertState = AlertState.ACTIVE,
    starts_at: str = STARTED,
    receivers: tuple[str, ...] = ("responder",),
    silenced_by: tuple[str, ...] = (),
    **labels: str,
) -> ListedAlert:
    sent = alert(**labels)
    return ListedAlert(
        fingerprint=fingerprint,
        state=state,
        labels=sent["labels"],
        annotations=sent["annotations"],
        starts_at=starts_at,
        ends_at=starts_at,
        updated_at=starts_at,
        receivers=receivers,
        silenced_by=silenced_by,
    )


def listing(*alerts: ListedAlert, source: str = ONE, uptime: float = 3600) -> Listing:
    return Listing(source, {each.fingerprint: each for each in alerts}, LATER, uptime)


def down(source: str = TWO) -> Unheard:
    return Unheard(source, Unknown.DOWN, "connection refused")


class Scripted:
    """Alertmanagers that answer as told, for as long as told."""

    def __init__(self) -> None:
        self.answers: tuple[Listing | Unheard, ...] = (listing(),)
        self.asked = 0
        self.first: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)

    async def listings(self, *, now: datetime) -> tuple[Listing | Unheard, ...]:
        del now
        self.asked += 1
        await self.first()
        return self.answers


class Scene:
    """One replica's door, and Alertmanagers to be asked."""

    def __init__(
        self, *, urls: tuple[str, ...] = (ONE,), external: tuple[str, ...] = (), receiver: str = ""
    ) -> None:
        self.door = Door()
        self.metrics = Metrics()
        self.asked = Scripted()
        self.quiet: Mapping[str, Quiet] | None = None
        self.now = LATER
        self.ready = self.leads = True
        self.inquiry = Inquiry(
            self.asked,
            Practice(Senders.of(urls, external), interval_seconds=3600, receiver=receiver),
            view=self.door.view,
            recovery=Recovery(self.door.intake, self.door.view, now=lambda: self.now),
            metrics=self.metrics,
            now=lambda: self.now,
            is_ready=lambda: self.ready,
            leads=lambda: self.leads,
            on_quiet=self._on_quiet,
            longest_seconds=5,
            least_pause_seconds=0,
        )

    def _on_quiet(self, quiet: Mapping[str, Quiet]) -> None:
        self.quiet = quiet

    async def ask(self, *answers: Listing | Unheard) -> None:
        """A minute after the last time."""
        self.now += timedelta(minutes=1)
        self.asked.answers = tuple(
            dataclasses.replace(each, asked_at=self.now) if isinstance(each, Listing) else each
            for each in answers
        )
        await self.inquiry.ask()

    def incidents(self) -> list[Incident]:
        return [read_incident(live) for live in self.door.server.stored.values()]

    def firing(self) -> set[str]:
        return {
            key for each in self.incidents() for key, record in each.alerts.items() if record.firing
        }

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"responder_{name}", labels) or 0.0

    def ended(self, outcome: str) -> float:
        return self.counted("alertmanager_inquiries_total", outcome=outcome)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.inquiry.run())
        try:
            yield
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def notify(scene: Scene, *alerts: dict[str, object], sender: str = ONE) -> list[str]:
    return await scene.door.notify(*alerts, externalURL=sender)


# -- lost resolves


async def test_a_resolve_that_never_came_is_stored(scene: Scene) -> None:
    await notify(scene, alert())
    await scene.ask(listing(fires()))
    assert scene.firing() == {FIRST}
    await scene.ask(listing())
    assert scene.firing() == set()
    record = only(scene.door.server).alerts[FIRST]
    assert record.senders[ONE].status == "resolved"
    assert record.ends_at == "2026-11-24T18:12:00.000000Z"
    assert scene.counted("lost_notifications_total", status="resolved") == 1
    await scene.ask(listing())
    assert len(scene.door.server.writes) == 2
    assert scene.ended("whole") == 3


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((listing(), down()), Unknown.DOWN),
        ((down(ONE), down()), Unknown.DOWN),
        ((listing(), Unheard(TWO, Unknown.UNREADABLE, "<html>")), Unknown.UNREADABLE),
        ((listing(), listing(source=TWO, uptime=299)), Unknown.YOUNG),
        (
            (
                dataclasses.replace(listing(), peer="a", peers=frozenset("ab")),
                listing(source=TWO),
            ),
            Unknown.NOT_ALL_ASKED,
        ),
    ],
)
async def test_without_a_word_of_each_nothing_is_resolved(
    answers: tuple[Listing | Unheard, ...], reason: Unknown
) -> None:
    scene = Scene(urls=(ONE, TWO))
    await notify(scene, alert())
    await scene.ask(*answers)
    assert scene.firing() == {FIRST}
    assert scene.counted("alerts_unknown", reason=str(reason)) == 1
    await scene.ask(listing(), listing(source=TWO))
    assert scene.firing() == set()
    assert scene.counted("alerts_unknown", reason=str(reason)) == 0


async def test_a_sender_that_is_not_asked_is_unknown_until_its_name_is_set() -> None:
    public = "https://alerts.example/am"
    for external, firing, unknown in ((), {FIRST}, 1), ((public,), set(), 0):
        scene = Scene(urls=(ONE, TWO), external=external)
        await notify(scene, alert(), sender=public)
        await scene.ask(listing(), listing(source=TWO))
        assert scene.firing() == firing
        assert scene.counted("alerts_unknown", reason="UnknownSender") == unknown


async def test_every_incident_that_holds_it_learns_of_its_end(scene: Scene) -> None:
    text = PLAYBOOKS.replace("name: quarantine", "name: too").replace('"Trap"', '"HighBounceRate"')
    scene.door.playbooks = read_playbooks(text, file="x.yaml").playbooks
    await notify(scene, alert(segment="s"))
    assert [each.firing for each in scene.incidents()] == [1, 1]
    await scene.ask(listing())
    assert [each.firing for each in scene.incidents()] == [0, 0]


async def test_what_is_heard_while_it_is_decided_counts_more(scene: Scene) -> None:
    """The list is older than the notification that comes in between."""
    await notify(scene, alert())
    again = alert(starts_at="2026-11-24T18:10:59Z")

    def meanwhile() -> None:
        scene.door.server.before_write = lambda: None
        live = scene.door.server.stored[only(scene.door.server).name]
        live["spec"]["alerts"][FIRST]["senders"][ONE] = {
            "status": "firing",
            "startsAt": again["startsAt"],
            "at": "2026-11-24T18:10:59.000000Z",
        }
        scene.door.server.put(live)

    scene.door.server.before_write = meanwhile
    await scene.ask(listing())
    assert scene.firing() == {FIRST}
    assert only(scene.door.server).alerts[FIRST].starts_at == again["startsAt"]


# -- lost firings


async def test_a_firing_that_never_came_is_held_as_if_it_had(scene: Scene) -> None:
    await scene.ask(listing(fires(), fires(SECOND, campaign="autumn-sale")))
    first, second = scene.incidents()
    assert [first.trigger.by, first.trigger.receiver] == [ONE, "responder"]
    assert [ask.target for ask in (*first.plan, *second.plan)] == ["spring-sale", "autumn-sale"]
    assert first.alerts[FIRST].summary == "bounces are too high"
    assert scene.counted("lost_notifications_total", status="firing") == 2
    # Its own notification, late, is no news then; its end is.
    assert await notify(scene, alert()) == ["Known"]
    assert await notify(scene, alert(status="resolved")) == ["Change"]


async def test_alerts_of_one_incident_are_one_write(scene: Scene) -> None:
    await scene.ask(listing(*(fires(f"{n:016x}", pod=f"p{n}") for n in range(30))))
    assert len(scene.door.server.writes) == 1
    assert only(scene.door.server).firing == 30
    await scene.ask(listing(*(fires(f"{n:016x}", pod=f"p{n}") for n in range(30))))
    assert len(scene.door.server.writes) == 1


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(fires(alertname="Strange"), id="matches no playbook"),
        pytest.param(fires(receivers=("people",)), id="goes to another receiver"),
        pytest.param(fires(state=AlertState.SUPPRESSED), id="is suppressed"),
        pytest.param(fires(state=AlertState.UNPROCESSED), id="was not looked at yet"),
        pytest.param(fires(starts_at="2026-11-24T18:07:00Z"), id="may still be told"),
        pytest.param(dataclasses.replace(fires(), labels={}), id="has no labels"),
    ],
)
async def test_what_would_not_have_been_told_is_not_taken(listed: ListedAlert) -> None:
    scene = Scene(receiver="responder")
    await scene.ask(listing(listed))
    assert (scene.incidents(), scene.ended("whole")) == ([], 1)


async def test_what_is_held_already_is_lacking_nowhere(scene: Scene) -> None:
    """Else each alert that fires would be looked up for a write, each minute."""
    await notify(scene, alert())
    recovery = scene.inquiry._recovery
    told = read(alert(), alert(alertname="Strange"), pod(7)).alerts
    assert [recovery.lacks(each, heard_before=LATER) for each in told] == [False, False, True]


async def test_a_playbook_that_came_later_gets_what_fires(scene: Scene) -> None:
    await notify(scene, alert(segment="s"))
    text = PLAYBOOKS.replace("name: quarantine", "name: too").replace('"Trap"', '"HighBounceRate"')
    scene.door.playbooks = read_playbooks(text, file="x.yaml").playbooks
    await scene.ask(listing(fires(segment="s")))
    assert [each.playbook for each in scene.incidents()] == ["pause", "too"]
    before = scene.incidents()[0]
    assert (before.resource_version, before.firing) == ("100", 1)


async def test_what_another_told_gets_no_second_sender() -> None:
    scene = Scene(urls=(ONE, TWO))
    await notify(scene, alert(), sender=ONE)
    await scene.ask(listing(), listing(fires(), source=TWO))
    assert set(only(scene.door.server).alerts[FIRST].senders) == {ONE}
    await notify(scene, alert(status="resolved"), sender=ONE)
    await scene.ask(listing(), listing(fires(), source=TWO))
    record = only(scene.door.server).alerts[FIRST]
    assert {name: told.status for name, told in record.senders.items()} == {
        ONE: "resolved",
        TWO: "firing",
    }


async def test_closed_by_a_person_while_it_fires_it_stays_closed(scene: Scene) -> None:
    await notify(scene, alert())
    name = only(scene.door.server).name
    scene.door.release(name)
    await scene.ask(listing(fires()))
    assert len(scene.incidents()) == 1
    assert scene.counted("lost_notifications_total", status="firing") == 0
    # Its end was lost, and it fires once more: that is news.
    await scene.ask(listing())
    await scene.ask(listing(fires()))
    assert [each.name for each in scene.incidents()] == [name, name.replace("-1", "-2")]


async def test_manual_incidents_are_not_concerned(scene: Scene) -> None:
    (playbook, _) = scene.door.playbooks
    await scene.door.intake.trigger(
        playbook, {"campaign": "spring-sale"}, reason="", by="ada", received=0.0
    )
    await scene.ask(listing())
    assert len(scene.door.server.writes) == 1


# -- what is cut short


@pytest.mark.parametrize(("receiver", "found"), [(r"re\.sponder", True), ("people", False)])
async def test_what_a_notification_left_out_is_found_at_once(receiver: str, *, found: bool) -> None:
    scene = Scene()
    scene.leads = False
    scene.asked.answers = (
        listing(fires(starts_at="2026-11-24T18:09:58Z", receivers=("re.sponder",))),
    )
    async with scene.running():
        scene.inquiry.on_cut_short(receiver)
        await eventually(lambda: scene.ended("whole"))
        await eventually(lambda: bool(scene.incidents()) is found)
    assert scene.asked.asked == 1


async def test_it_stays_wanted_until_all_were_heard() -> None:
    scene = Scene(urls=(ONE, TWO))
    scene.inquiry.on_cut_short("responder")
    await scene.ask(down(ONE), down())
    young = fires(starts_at="2026-11-24T18:10:58Z")
    await scene.ask(listing(young), listing(source=TWO))
    assert scene.firing() == {FIRST}
    scene.door.server.stored.clear()
    scene.door.view.drop_incident(next(iter(scene.door.view.incidents)))
    await scene.ask(listing(young), listing(source=TWO))
    assert scene.firing() == set()


async def test_all_that_are_asked_for_meanwhile_are_one_more(scene: Scene) -> None:
    gate = asyncio.Event()
    scene.asked.first = gate.wait
    async with scene.running():
        await eventually(lambda: scene.asked.asked == 1)
        for _ in range(50):
            scene.inquiry.on_cut_short("responder")
            await asyncio.sleep(0)
        assert scene.asked.asked == 1
        gate.set()
        await eventually(lambda: scene.ended("whole") == 2)
    assert scene.asked.asked == 2


async def test_it_asks_at_the_start_and_one_that_does_not_lead_waits(scene: Scene) -> None:
    async with scene.running():
        await eventually(lambda: scene.ended("whole") == 1)
    scene.leads = False
    async with scene.running():
        await asyncio.sleep(0)
        assert scene.asked.asked == 1


# -- what goes wrong


async def test_nothing_is_decided_on_a_view_that_is_not_in_sync(scene: Scene) -> None:
    await notify(scene, alert())
    scene.ready = False
    await scene.ask(listing())
    assert (scene.asked.asked, scene.ended("not_in_sync")) == (0, 1)


async def test_whatever_is_raised_it_goes_on(scene: Scene) -> None:
    async def fail() -> None:
        raise RuntimeError("a bug")

    await notify(scene, alert())
    scene.asked.first = fail
    await scene.ask(listing())
    assert (scene.firing(), scene.ended("failed")) == ({FIRST}, 1)
    scene.asked.first = lambda: asyncio.sleep(0)
    await scene.ask(listing())
    assert scene.firing() == set()


async def test_one_that_takes_too_long_is_given_up(scene: Scene) -> None:
    scene.inquiry._longest_seconds = 0.01
    scene.asked.first = asyncio.Event().wait
    await scene.ask(listing())
    assert scene.ended("failed") == 1


async def test_what_can_not_be_stored_now_stops_no_other_and_is_found_again(scene: Scene) -> None:
    scene.door.server.fail(Unavailable("overloaded", status=503))
    both = listing(fires(), fires(SECOND, campaign="autumn-sale"))
    await scene.ask(both)
    assert (scene.firing(), scene.ended("not_stored")) == ({SECOND}, 1)
    await scene.ask(both)
    assert (scene.firing(), scene.ended("whole")) == ({FIRST, SECOND}, 1)


async def test_two_replicas_that_ask_at_once_store_it_once() -> None:
    one, other = Scene(), Scene()
    other.door.intake._store._api = one.door.server
    told = listing(*(fires(f"{n:016x}", campaign=f"c{n}") for n in range(20)))
    await asyncio.gather(one.ask(told), other.ask(told))
    assert len(one.incidents()) == 20
    assert sorted(one.door.server.writes) == sorted({*one.door.server.writes})
    for each in (one, other):
        await each.door.catch_up()
    await asyncio.gather(one.ask(listing()), other.ask(listing()))
    assert one.firing() == set()


async def test_thousands_of_alerts_leave_others_their_turn(scene: Scene) -> None:
    await notify(scene, *(pod(number) for number in range(200)))
    strange = [fires(f"{n:016x}", alertname="Strange") for n in range(20_000, 30_000)]
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    background = asyncio.create_task(others())
    try:
        await scene.ask(listing(*strange))
    finally:
        background.cancel()
    assert scene.firing() == set()
    assert turns > 100


# -- what is told


async def test_silences_are_told_and_neither_release_nor_disarm(scene: Scene) -> None:
    await notify(scene, alert())
    quiet = fires(state=AlertState.SUPPRESSED, silenced_by=("s1",))
    await scene.ask(listing(quiet))
    assert scene.firing() == {FIRST}
    assert scene.quiet == {FIRST: Quiet(silenced_by=("s1",))}
    assert scene.counted("alerts_quiet", why="Silenced") == 1
    await scene.ask(listing(fires()))
    assert scene.quiet == {}
    assert scene.counted("alerts_quiet", why="Silenced") == 0


async def test_of_silences_what_is_not_known_stands() -> None:
    scene = Scene(urls=(ONE, TWO))
    await notify(scene, alert())
    quiet = fires(state=AlertState.SUPPRESSED, silenced_by=("s1",))
    await scene.ask(listing(), listing(quiet, source=TWO))
    await scene.ask(listing(), down())
    assert scene.quiet == {FIRST: Quiet(silenced_by=("s1",))}
    await scene.ask(listing(fires()), down())
    assert scene.quiet == {}
    nobody = Scene(urls=(ONE, TWO))
    await nobody.ask(down(ONE), down(TWO))
    assert nobody.quiet is None


async def test_what_is_unknown_is_told_once_for_each_change() -> None:
    scene = Scene(urls=(ONE, TWO))
    await notify(scene, alert())
    with structlog.testing.capture_logs() as logs:
        for answers in (
            *((listing(fires()), listing(source=TWO)),) * 2,
            *((listing(), down()),) * 3,
            *((listing(fires()), listing(source=TWO)),) * 2,
        ):
            await scene.ask(*answers)
    assert [(line["event"], line.get("alertmanager", "")) for line in logs] == [
        ("alertmanager_heard", ONE),
        ("alertmanager_heard", TWO),
        ("alertmanager_unheard", TWO),
        ("alerts_unknown", ""),
        ("alertmanager_heard", TWO),
        ("alerts_known", ""),
    ]
    assert scene.counted("alertmanager_up", alertmanager=TWO) == 1
