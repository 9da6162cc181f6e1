"""Plays a history on a whole responder, and sees to it that everything comes to rest at its end."""

import asyncio
import contextlib
import hashlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web

from responder import commands
from responder.app import Responder, running
from responder.errors import ResponderError
from responder.holds.ledger import Ledger
from responder.holds.objects import LEDGER_ANNOTATION, annotation
from responder.incidents.incident import Incident
from responder.incidents.stored import read_incident
from responder.incidents.transitions import Arming
from responder.reconcile.switch import SWITCH_KEY, SWITCH_NAME, arming_of
from responder.sandbox.api.server import serve
from responder.sandbox.api.strategy import Options
from tests.histories.events import Event
from tests.histories.faults import Fault, Faults
from tests.histories.judging import Judging
from tests.histories.platform import CAMPAIGNS, NAMESPACE, POOL, Json, Platform
from tests.histories.scripted import Alerting, Says, Script
from tests.histories.virtual_time import Clock

_RESENT_SECONDS: Final = 5.0
_QUIET_SECONDS: Final = 90.0
_OUTAGE_SECONDS: Final = 130.0
"""Longer than any wait for an answer that comes too late."""
_GIVEN_BACK_SECONDS: Final = 400.0


@dataclass(slots=True)
class Outcome:
    """What came of a history."""

    faults: list[str]
    seen: Counter[str]
    steps: int
    versions: int


@dataclass(slots=True)
class Player:
    """Everybody but the responder."""

    clock: Clock
    platform: Platform
    script: Script
    alerting: Alerting
    faults: Faults
    judging: Judging
    session: aiohttp.ClientSession
    fakes: str
    wrong: list[str] = field(default_factory=list)
    _outbox: dict[str, Json] = field(default_factory=dict)
    """Notifications that were not accepted yet, by fingerprint: sent again as they are by then."""
    _sent: dict[str, list[Json]] = field(default_factory=dict)
    _responder: "asyncio.Task[None] | None" = None
    _url: str = ""
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    # -- the responder

    async def on_start(self, *_: object) -> None:
        if self._responder is not None:
            return
        up = asyncio.Event()

        async def run() -> None:
            async with running(self.platform.settings(fakes=self.fakes)) as (responder, url):
                self._url = url
                up.set()
                await _until_it_ends(responder)

        self._responder = asyncio.create_task(run())
        waiting = asyncio.create_task(up.wait())
        await asyncio.wait({waiting, self._responder}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def on_crash(self, *_: object) -> None:
        if self._responder is None:
            return
        ended, self._responder, self._url = self._responder, None, ""
        if ended.done() and ended.exception() is not None:
            self.wrong.append(f"the responder ended: {ended.exception()!r}")
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)

    # -- alerts

    async def on_fires(self, name: str, about: str, *, heard: bool = True) -> None:
        alert = self._alert(name, about)
        alert["startsAt"] = self._text()
        self.alerting.firing.setdefault(alert["fingerprint"], alert)
        await self._tell(self.alerting.firing[alert["fingerprint"]], heard=heard)

    async def on_resolves(self, name: str, about: str, *, heard: bool = True) -> None:
        alert = self.alerting.firing.pop(self._alert(name, about)["fingerprint"], None)
        if alert is not None:
            ended = {**alert, "status": "resolved", "endsAt": self._text()}
            await self._tell(ended, heard=heard)

    async def on_said_again(self, name: str, about: str, *, late: bool = False) -> None:
        """A duplicate, or what was said before the last word about it."""
        told = self._sent.get(self._alert(name, about)["fingerprint"], [])
        if len(told) > late:
            await self._post(told[-1 - late])

    async def _tell(self, alert: Json, *, heard: bool) -> None:
        fingerprint = alert["fingerprint"]
        self._outbox.pop(fingerprint, None)
        if not heard:
            return
        self._sent.setdefault(fingerprint, []).append(alert)
        if not await self._post(alert):
            self._outbox[fingerprint] = alert

    async def resend(self) -> None:
        """Tell again what was not accepted, as senders do."""
        while True:
            await asyncio.sleep(_RESENT_SECONDS)
            for fingerprint, alert in list(self._outbox.items()):
                if await self._post(alert) and self._outbox.get(fingerprint) is alert:
                    del self._outbox[fingerprint]

    async def _post(self, alert: Json) -> bool:
        if not self._url:
            return False
        body = {
            "version": "4", "groupKey": "g", "truncatedAlerts": 0, "status": alert["status"],
            "receiver": "responder", "groupLabels": {}, "commonLabels": {},
            "commonAnnotations": {}, "externalURL": self.fakes, "alerts": [alert],
        }  # fmt: skip
        url = f"{self._url}/webhooks/alertmanager"
        try:
            async with self.session.post(url, json=body) as answer:
                if answer.status == HTTPStatus.BAD_REQUEST:
                    self.wrong.append(f"refused for good: {await answer.text()}")
                accepted = answer.ok
        except (aiohttp.ClientError, TimeoutError):
            return False
        if accepted and alert["status"] == "firing":
            self._is_stored(alert)
        return accepted

    def _is_stored(self, alert: Json) -> None:
        """2xx only once each incident that it opens or changes is stored."""
        playbook = self.platform.folder / "playbooks" / f"{_playbook_of(alert)}.yaml"
        found = [item for item in self.incidents() if alert["fingerprint"] in item.alerts]
        if playbook.exists() and not found:
            self.wrong.append(f"accepted and not stored: {alert['labels']}")

    def _alert(self, name: str, about: str) -> Json:
        labels = {"alertname": name, "campaign": about, "pool": POOL}
        told = f"{name} {about}".encode()
        return {
            "status": "firing",
            "labels": labels,
            "annotations": {},
            "startsAt": "",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
            "fingerprint": hashlib.sha256(told).hexdigest()[:16],
        }

    def _text(self) -> str:
        return self.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # -- people

    def incidents(self) -> list[Incident]:
        return [read_incident(body) for body in self.platform.listed("Incident")]

    def _chosen(self, number: int) -> Incident | None:
        found = [incident for incident in self.incidents() if not incident.closed]
        return found[number % len(found)] if found else None

    async def _want(self, verb: str, number: int) -> None:
        incident = self._chosen(number)
        if incident is None or not self._url:
            return
        url = f"{self._url}/api/v1/incidents/{NAMESPACE}/{incident.name}/{verb}"
        body: Json = {"by": "ada", "reason": "a history"}
        if verb == "extend":
            body["for"] = "1h"
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self.session.post(url, json=body) as answer:
                if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                    self.wrong.append(f"{verb}: {answer.status} {await answer.text()}")

    async def on_edit(self, kind: str, name: str, fields: Json, by: str) -> None:
        self.platform.write(kind, name, fields, by=by)

    async def on_fight(self, kind: str, name: str, fields: Json, by: str, times: int) -> None:
        for _ in range(times):
            self.platform.write(kind, name, fields, by=by)
            await asyncio.sleep(1.0)

    async def on_delete_object(self, kind: str, name: str) -> None:
        self.platform.delete(kind, name)

    async def on_create_object(self, kind: str, name: str) -> None:
        self.platform.create(kind, name)

    async def on_delete_incident(self, number: int, *, force: bool = False) -> None:
        incident = self._chosen(number)
        if incident is None:
            return
        objects, kind = self.platform.api.objects, self.platform.kind("Incident")
        objects.delete(kind, NAMESPACE, incident.name, {})
        if force and self.platform.get("Incident", incident.name) is not None:
            objects.update(
                kind, NAMESPACE, incident.name, _without_finalizers, Options("kubectl-edit")
            )

    def _lose(self, kind: str, name: str, what: str) -> None:
        def change(body: Json) -> Json:
            meta = dict(body["metadata"])
            if what == "managers":
                meta["managedFields"] = [{}]
            else:
                kept = dict(meta.get("annotations") or {})
                kept.pop(LEDGER_ANNOTATION, None)
                meta["annotations"] = kept
            return {**body, "metadata": meta}

        if self.platform.get(kind, name) is not None:
            objects = self.platform.api.objects
            objects.update(self.platform.kind(kind), NAMESPACE, name, change, Options("kubectl"))

    async def on_switch(self, arming: str) -> None:
        live = self.platform.get("ConfigMap", SWITCH_NAME)
        if live is None:
            body = {"metadata": {"name": SWITCH_NAME}, "data": {SWITCH_KEY: arming}}
            kind = self.platform.kind("ConfigMap")
            self.platform.api.objects.create(kind, NAMESPACE, body, Options("kubectl"))
        else:
            self.platform.write("ConfigMap", SWITCH_NAME, {SWITCH_KEY: arming}, by="kubectl")

    async def on_release_ghosts(self, *_: object) -> None:
        """A person runs `responder release --all`.

        Beside a running responder, which takes ghosts for holds that stand, they come back for a
        moment: this is judged without one.
        """
        haunted = self._haunted()
        was_running = self._responder is not None
        if haunted:
            await self.on_crash()
        self.judging.ghosts_released_at = min(
            self.judging.ghosts_released_at or 10**12, self.judging.versions[-1].revision
        )
        settings = self.platform.settings(fakes=self.fakes)
        with contextlib.suppress(ResponderError):
            await commands.release(
                settings, [], everything=True, reason="a history", within_seconds=60
            )
        if haunted and was_running:
            await self.on_start()

    def _haunted(self) -> bool:
        """Tell whether some ledger names an incident that is gone."""
        present = {incident.uid for incident in self.incidents()}
        kinds = ("Deployment", "HorizontalPodAutoscaler", "ConfigMap")
        objects = (body for kind in kinds for body in self.platform.listed(kind))
        ledgers = (Ledger.from_text(annotation(body, LEDGER_ANNOTATION)) for body in objects)
        entries = (e for ledger in ledgers if ledger for e in ledger.fields.values())
        named = {uid for e in entries for uid in (e.uid, e.ghost.uid if e.ghost else e.uid)}
        return not named <= present

    async def on_playbook(self, name: str, how: str) -> None:
        if how == "r":
            self.platform.remove_playbook(name)
        else:
            self.platform.write_playbook(name, changed=how == "c")

    async def on_clock(self, seconds: float) -> None:
        self.judging.jumped = True
        self.clock.jump(seconds)

    async def on_fires_unheard(self, name: str, about: str) -> None:
        await self.on_fires(name, about, heard=False)

    async def on_resolves_unheard(self, name: str, about: str) -> None:
        await self.on_resolves(name, about, heard=False)

    async def on_said_late(self, name: str, about: str) -> None:
        await self.on_said_again(name, about, late=True)

    async def on_answers(self, kind: str, about: str, what: Says) -> None:
        self.script.say(kind, about, what)

    async def on_acknowledge(self, number: int) -> None:
        await self._want("acknowledge", number)

    async def on_approve(self, number: int) -> None:
        await self._want("approve", number)

    async def on_reject(self, number: int) -> None:
        await self._want("reject", number)

    async def on_release(self, number: int) -> None:
        await self._want("release", number)

    async def on_extend(self, number: int) -> None:
        await self._want("extend", number)

    async def on_force_delete_incident(self, number: int) -> None:
        await self.on_delete_incident(number, force=True)

    async def on_lose_ledger(self, kind: str, name: str) -> None:
        self._lose(kind, name, "ledger")

    async def on_lose_managers(self, kind: str, name: str) -> None:
        self._lose(kind, name, "managers")

    async def on_faults(self, fault: Fault, seconds: float) -> None:
        self.faults.begin(fault, seconds=seconds)

    async def on_cut(self) -> None:
        self.faults.cut_all()

    async def on_nothing(self) -> None:
        """Time passes."""

    async def on_alertmanager(self, what: str) -> None:
        self.alerting.is_down = what == "down"
        if what == "restarts":
            self.alerting.started_at = self._text()

    # -- the history

    async def happen(self, event: Event) -> None:
        """Let one thing happen, and let time pass."""
        await getattr(self, f"on_{event.what.replace(' ', '_').replace('-', '_')}")(*event.with_)
        await asyncio.sleep(event.then_seconds)

    async def come_to_rest(self) -> None:
        """Nothing more happens: what is asked for must stand, and no gate was skipped."""
        self.faults.end()
        await self.on_start()
        await asyncio.sleep(_OUTAGE_SECONDS + _QUIET_SECONDS)

    async def end(self) -> None:
        """Everything is over: all of it is given back, to the byte."""
        await self.on_switch("armed")
        self.alerting.is_down = False
        for alert in list(self.alerting.firing.values()):
            await self.on_resolves(alert["labels"]["alertname"], alert["labels"]["campaign"])
        for name in CAMPAIGNS:
            self.script.say("check", name, "yes")
            self.script.say("volume", name, "yes")
        await asyncio.sleep(_RESENT_SECONDS * 2)
        await self.on_release_ghosts()
        await asyncio.sleep(_GIVEN_BACK_SECONDS)
        self.wrong += [
            f"{item.name} is not closed: {item.status.phase} {item.status.message}"
            for item in self.incidents()
            if not item.closed
        ]
        self.wrong += list(self._leftovers())

    def _leftovers(self) -> Sequence[str]:
        found = []
        for (kind, name), fields in self.platform.without_us.items():
            live = self.platform.get(kind, name)
            if live is None:
                continue
            part = live.get("data" if kind == "ConfigMap" else "spec") or {}
            for key, value in fields.items():
                # An autoscaler sets the replicas within its bounds.
                owned = key == "replicas" and self.platform.get(*_HPA) and name == "sender"
                if part.get(key) != value and not owned:
                    found.append(f"{kind}/{name} {key}: {part.get(key)!r} and not {value!r}")
            if annotation(live, LEDGER_ANNOTATION) is not None:
                found.append(f"{kind}/{name} has a ledger")
            managers = [entry["manager"] for entry in live["metadata"].get("managedFields") or []]
            if any(manager.startswith("campaign-responder") for manager in managers):
                found.append(f"{kind}/{name} is still managed by {managers}")
        return found


_HPA: Final = ("HorizontalPodAutoscaler", "sender-hpa")


async def _until_it_ends(responder: Responder) -> None:
    assert responder.acting is not None
    await responder.acting


def _playbook_of(alert: Json) -> str:
    name = str(alert["labels"]["alertname"])
    return "by-hand" if name == "ByHand" else name.lower()


def _without_finalizers(body: Json) -> Json:
    return {**body, "metadata": {**body["metadata"], "finalizers": []}}


async def play(events: Sequence[Event], *, clock: Clock, folder: Path) -> Outcome:
    """Play one history from the beginning to the end of everything."""
    dice = random.Random(len(events))
    faults = Faults(dice, clock.monotonic)
    script, alerting = Script(clock.now), Alerting(clock.now)
    alerting.started_at = "2025-12-01T00:00:00.000Z"
    async with (
        serve(around=faults.around, sync_seconds=15.0) as api,
        _served(script, alerting) as fakes,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
    ):
        platform = Platform(api, folder)
        judging = Judging(script, clock.now, clock.monotonic, lambda: _arming(platform))
        api.objects.store.listen(judging.see)
        platform.set_up()
        player = Player(clock, platform, script, alerting, faults, judging, session, fakes)
        resending = asyncio.create_task(player.resend())
        found: list[str] = []
        try:
            for about in (*CAMPAIGNS, POOL):
                script.say("check", about, "yes")
                script.say("volume", about, "yes")
            await player.on_start()
            await asyncio.sleep(1.0)
            for event in events:
                await player.happen(event)
            await player.come_to_rest()
            found += judging.verdict()
            if not found:
                await player.end()
                found += judging.verdict()
            await player.on_crash()
        finally:
            resending.cancel()
            await asyncio.gather(resending, return_exceptions=True)
            await player.on_crash()
        return Outcome([*player.wrong, *found], judging.seen, len(events), len(judging.versions))


def _arming(platform: Platform) -> Arming:
    return arming_of(platform.get("ConfigMap", SWITCH_NAME))


@asynccontextmanager
async def _served(script: Script, alerting: Alerting) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(
        [
            web.post("/api/v1/query", script.query),
            web.get("/api/v2/alerts", alerting.alerts),
            web.get("/api/v2/status", alerting.status),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
