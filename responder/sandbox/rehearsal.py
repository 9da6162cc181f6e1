"""One scenario from its first message to the account: everything is started, told, and ended.

The responder runs as it always does, in this process, behind its door and with a kubeconfig; only
the API server, the senders and the alerting around it are simulated.
"""

import asyncio
import secrets
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from responder.app import Responder, running
from responder.sandbox.account import Account, account_of
from responder.sandbox.alerting.notifier import Notifier, Webhook
from responder.sandbox.alerting.prometheus import scrape_interval_ms
from responder.sandbox.api.server import Running
from responder.sandbox.api.store import Change
from responder.sandbox.audit.versions import (
    AUTOSCALER,
    DEPLOYMENT,
    INCIDENT,
)
from responder.sandbox.chronicle import Chronicle, News
from responder.sandbox.crew import Crew, Wishes, outcome_of
from responder.sandbox.people import THIRD_PERSON, People
from responder.sandbox.recording import version_of
from responder.sandbox.scenario.schema import Delivery, Event, Wish
from responder.sandbox.senders.campaigns import Outcomes
from responder.sandbox.serving import serving
from responder.sandbox.speed import write_metric, write_playbook
from responder.sandbox.stage import NAMESPACE, Stage
from responder.sandbox.telling.picture import Line, Picture
from responder.sandbox.telling.pictures import Pictures
from responder.settings import Settings

_TICK_SECONDS: Final = 0.1
_SYNC_TOLD_SECONDS: Final = 15.0
_LEAST_SYNC_SECONDS: Final = 0.2
_ASKING_TOLD_SECONDS: Final = 15.0
_LEAST_ASKING_SECONDS: Final = 0.25
_CONFIRMED_TOLD_SECONDS: Final = 120.0
_LEAST_CONFIRMED_SECONDS: Final = 3.0
"""Senders follow within a moment of the clock, whatever the speed."""
_AFTERWARDS_TOLD_SECONDS: Final = 120.0
"""How long the story goes on after everything is over, so that the end is seen."""
_READY_SECONDS: Final = 10.0


class Telling(Protocol):
    """Whatever shows the story."""

    def show(self, picture: Picture) -> None: ...

    def line(self, line: Line) -> None: ...


@dataclass(slots=True)
class Rehearsal:
    """Runs once."""

    wishes: Wishes
    telling: Telling
    _outcomes: Outcomes = field(default_factory=Outcomes)
    _lines: list[Line] = field(default_factory=list)
    _firing: set[str] = field(default_factory=set)
    _due: list[Event] = field(default_factory=list)
    _notifier: Notifier | None = None

    async def run(self) -> Account:
        """Play the scenario to its end; gives the account of it."""
        scenario, speed = self.wishes.scenario, self.wishes.speed
        sync_seconds = max(_LEAST_SYNC_SECONDS, speed.real_seconds(_SYNC_TOLD_SECONDS))
        with tempfile.TemporaryDirectory(prefix="sandbox-") as name:
            folder = Path(name)
            async with (
                serving(
                    port=self.wishes.api_port,
                    kubeconfig=self.wishes.kubeconfig,
                    namespace=NAMESPACE,
                    sync_seconds=sync_seconds,
                ) as api,
                aiohttp.ClientSession() as session,
            ):
                stage = Stage(api, scenario)
                chronicle = Chronicle(began=time.monotonic())
                unlisten = api.objects.store.listen(lambda change: self._heard(chronicle, change))
                stage.set_up()
                crew = Crew(self.wishes, stage, self._outcomes, folder)
                settings = self._settings(api, folder, prometheus_url=crew.prometheus_url)
                async with running(settings) as (responder, url):
                    await _ready(responder)
                    token = (folder / "token").read_text(encoding="utf-8")
                    hook = Webhook(f"{url}/webhooks/alertmanager", token)
                    async with crew.at_work(hook):
                        self._notifier = crew.notifier
                        chronicle.began = time.monotonic()
                        people = People(session, url, token)
                        await self._play(stage, chronicle, crew, people)
                unlisten()
                return account_of(
                    scenario,
                    chronicle,
                    speed=speed,
                    withheld=crew.withheld,
                    dropped=crew.dropped,
                )

    def _settings(self, api: Running, folder: Path, *, prometheus_url: str) -> Settings:
        speed = self.wishes.speed
        playbooks, metrics = folder / "playbooks", folder / "metrics"
        playbooks.mkdir()
        for playbook in self.wishes.playbooks:
            write_playbook(playbook, playbooks, speed=speed)
        metrics.mkdir()
        for metric in self.wishes.metrics.values():
            write_metric(metric, metrics, speed=speed)
        (folder / "token").write_text(secrets.token_urlsafe(24), encoding="utf-8")
        return Settings(
            listen=f"127.0.0.1:{self.wishes.listen_port}",
            kubeconfig=api.write_kubeconfig(folder / "kubeconfig", namespace=NAMESPACE),
            namespace=NAMESPACE,
            playbooks=playbooks,
            metrics=metrics,
            prometheus_url=prometheus_url,
            scrape_interval_seconds=scrape_interval_ms(speed.factor) / 1000,
            evidence_interval_seconds=max(
                _LEAST_ASKING_SECONDS, speed.real_seconds(_ASKING_TOLD_SECONDS)
            ),
            confirm_within_seconds=max(
                _LEAST_CONFIRMED_SECONDS, speed.real_seconds(_CONFIRMED_TOLD_SECONDS)
            ),
            bearer_token_file=folder / "token",
        )

    # -- the story

    def _heard(self, chronicle: Chronicle, change: Change) -> None:
        version = version_of(change, seen=time.monotonic())
        if version is not None:
            if version.kind == INCIDENT and self._notifier is not None:
                # The cause before its effect: the alert is told before what it opens.
                told_seconds = self.wishes.speed.told_seconds(version.seen - chronicle.began)
                self._tell_alerts(self._notifier.firing(), told_seconds)
            for news in chronicle.see(version):
                self._tell_news(news)

    def _tell_news(self, news: News) -> None:
        kind = "incident" if news.subject.startswith(INCIDENT) else "hold"
        if news.text.endswith(("goes on", "given back")) or "Closed" in news.text:
            kind = "resume"
        text = f"{news.subject}: {news.text}" if kind == "incident" else news.text
        if news.subject.startswith((DEPLOYMENT, AUTOSCALER)):
            text = f"{news.subject} {news.text}"
        self._say(self.wishes.speed.told_seconds(news.at_seconds), kind, text)

    def _say(self, told_seconds: float, kind: str, text: str) -> None:
        line = Line(told_seconds, kind, text)
        self._lines.append(line)
        self.telling.line(line)

    async def _play(self, stage: Stage, chronicle: Chronicle, crew: Crew, people: People) -> None:
        scenario, speed = self.wishes.scenario, self.wishes.speed
        self._due = sorted(scenario.spec.events, key=lambda event: event.at.seconds)
        pictures = Pictures(scenario, speed)
        was_held, over_since = False, None
        while True:
            told_seconds = speed.told_seconds(time.monotonic() - chronicle.began)
            while self._due and self._due[0].at.seconds <= told_seconds:
                await self._happen(self._due.pop(0), stage, chronicle, people, told_seconds)
            self._tell_alerts(crew.notifier.firing(), told_seconds)
            pictures.count(crew.taken_steps())
            picture = pictures.take(
                told_seconds, chronicle, sorted(self._firing), list(self._lines), crew.withheld
            )
            self.telling.show(picture)
            held = bool(chronicle.held() or chronicle.open_incidents())
            was_held = was_held or held
            is_over = was_held and not (held or self._due or self._firing)
            over_since = (over_since or told_seconds) if is_over else None
            if over_since is not None and told_seconds - over_since >= _AFTERWARDS_TOLD_SECONDS:
                return
            if told_seconds >= scenario.spec.lasts.seconds:
                return
            crew.check()
            await asyncio.sleep(_TICK_SECONDS)

    def _tell_alerts(self, firing: Sequence[Mapping[str, str]], told_seconds: float) -> None:
        present = {_alert_words(labels) for labels in firing}
        for name in sorted(present - self._firing):
            self._say(told_seconds, "alert", f"{name} fires")
        for name in sorted(self._firing - present):
            self._say(told_seconds, "alert", f"{name} is over")
        self._firing = present

    async def _happen(
        self,
        event: Event,
        stage: Stage,
        chronicle: Chronicle,
        people: People,
        told_seconds: float,
    ) -> None:
        if event.change is not None:
            change = event.change
            self._outcomes.change(
                outcome_of(change.delivery),
                campaign=change.campaign,
                provider=change.provider,
                segment=change.segment,
            )
            about = " ".join(
                part for part in (change.campaign, change.provider, change.segment) if part
            )
            told = f"{about or 'all mail'}: {_delivery_words(change.delivery)}"
            self._say(told_seconds, "scenario", told)
        elif event.scale is not None:
            self._say(told_seconds, "scenario", f"a person scales {event.scale.workload}")
            if why := stage.scale(event.scale.workload, event.scale.to):
                self._say(told_seconds, "scenario", f"{event.scale.workload} is not scaled: {why}")
        elif event.wish is not None:
            await self._wanted(*event.wish, chronicle, people, told_seconds)

    async def _wanted(
        self, verb: str, wish: Wish, chronicle: Chronicle, people: People, told_seconds: float
    ) -> None:
        names = [
            name
            for name, body in chronicle.open_incidents().items()
            if wish.about in (body["spec"].get("identity") or {}).values()
        ]
        told = f"a person {THIRD_PERSON[verb]} {wish.about}: {wish.reason}"
        self._say(told_seconds, "scenario", told if names else f"{told} (no incident is about it)")
        for name in names:
            if why := await people.want(verb, name, wish.reason):
                self._say(told_seconds, "scenario", f"{name}: {verb} is not possible: {why}")


async def _ready(responder: Responder) -> None:
    async with asyncio.timeout(_READY_SECONDS):
        while responder.not_ready():  # noqa: ASYNC110 -- it has no event for it
            await asyncio.sleep(0.02)


def _delivery_words(delivery: Delivery) -> str:
    told = [
        f"{share.text} {name}"
        for name, share in (
            ("bounce hard", delivery.hard_bounces),
            ("bounce softly", delivery.soft_bounces),
            ("are blocked", delivery.blocks),
            ("are deferred", delivery.deferrals),
            ("complain", delivery.complaints),
            ("hit traps", delivery.trap_hits),
        )
        if share.ratio
    ]
    return ", ".join(told) or "everything arrives"


def _alert_words(labels: Mapping[str, str]) -> str:
    names = ("severity", "campaign", "pool", "mailbox_provider", "segment")
    about = [labels[name] for name in names if labels.get(name)]
    return " ".join([labels.get("alertname", ""), *about])
