"""One life of a responder: the production wiring behind the production door, and its sudden end."""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import web

from responder.app import Responder, scope_of, terms_of
from responder.cluster.api import KubernetesApi
from responder.cluster.events import EventRecorder
from responder.cluster.failures import ApiFailure
from responder.errors import ResponderError
from responder.evidence.alertmanager import Alertmanagers
from responder.evidence.metric import Metric
from responder.evidence.prometheus import Prometheus
from responder.holds.objects import MANAGER
from responder.incidents.requests import Wish
from responder.metrics import Metrics
from responder.playbooks.schema import Playbook
from responder.reconcile.conductor import Conductor
from responder.reconcile.feeds import load_view
from responder.reconcile.intake import Intake
from responder.reconcile.view import View
from responder.settings import Settings
from responder.web import people, webhooks
from responder.web.service import SERVICE
from tests.histories.evidence import EXTERNAL_URL, AlertSource, Oracle
from tests.histories.playbooks import metrics, playbook_set
from tests.histories.stage import NAMESPACE, TOKEN, Stage
from tests.histories.virtual_time import Clocks
from tests.histories.wire import Wire

_NEVER_TAKEN = frozenset({"Invalid", "BadRequest", "Denied", "TooLarge"})
SETTINGS = Settings(
    namespace=NAMESPACE,
    playbooks=Path("unused"),
    alertmanager_urls=(EXTERNAL_URL,),
    alertmanager_receiver="responder",
    alertmanager_grace_seconds=60.0,  # so that what got lost is found while a history settles
    prometheus_url="http://prometheus.example",
    keep_closed_hours=2.0,
)


class Rules:
    """The playbooks in force: what a file watcher would have found."""

    def __init__(self) -> None:
        self.playbooks: tuple[Playbook, ...] = playbook_set(edited=frozenset(), gone=frozenset())
        self.named: dict[str, Metric] = metrics()
        self.is_good = True

    async def follow(self) -> None:
        await asyncio.Event().wait()


async def release_all(stage: Stage, clocks: Clocks, chance: random.Random) -> None:
    """Do what `responder release --all` does beside a running one."""
    wire = Wire(stage.service, clocks, chance, TOKEN)
    monotonic = clocks.loop.time
    api = KubernetesApi(wire.connection(), monotonic=monotonic, wall=clocks.server)
    metrics, view = Metrics(), View(home=NAMESPACE)
    await load_view(api, view, home=NAMESPACE, target_namespaces=(NAMESPACE,))
    events = EventRecorder(
        api, field_manager=MANAGER, instance="by-hand", now=api.clock.now, monotonic=monotonic
    )
    conductor = Conductor(
        api=api,
        scope=scope_of(SETTINGS),
        events=events,
        metrics=metrics,
        view=view,
        release_ghosts=True,
        monotonic=monotonic,
    )
    intake = Intake(
        api=api,
        view=view,
        terms=terms_of(SETTINGS),
        playbooks=tuple,
        catch_up=conductor.catch_up,
        now=conductor.now,
        on_stored=conductor.on_stored,
    )
    for key in sorted(key for key, item in view.incidents.items() if not item.closed):
        with contextlib.suppress(ResponderError, ApiFailure):
            await intake.ask(key, Wish.RELEASE, by="ada", reason="all of it")
    conductor.start()
    for _ in range(10):
        await conductor.quiet(within_seconds=3)
        await asyncio.sleep(2)
        with contextlib.suppress(ApiFailure):
            await conductor.catch_up()
    await conductor.stop()


class Replica:
    """It begins to act at once."""

    def __init__(
        self,
        stage: Stage,
        clocks: Clocks,
        chance: random.Random,
        *,
        rules: Rules,
        oracle: Oracle,
        source: AlertSource,
        leads: bool = True,
    ) -> None:
        """One that does not lead takes alerts and wishes, and acts on nothing."""
        self.wire = Wire(stage.service, clocks, chance, TOKEN)
        monotonic = clocks.loop.time
        api = KubernetesApi(self.wire.connection(), monotonic=monotonic, wall=clocks.responder)
        self.responder = Responder(
            SETTINGS,
            api,
            alertmanagers=cast("Alertmanagers", source),
            prometheus=cast("Prometheus", oracle),
            monotonic=monotonic,
        )
        self.responder.rulebook = cast("Any", rules)
        self._app = {SERVICE: self.responder.service(), webhooks.UNDER_WAY: set[int]()}
        acting = self.responder.act() if leads else self.responder.feeds.run()
        self.acting = asyncio.ensure_future(acting)

    async def kill(self) -> None:
        """From now on nothing of it reaches the cluster; then it is gone."""
        self.wire.dead = True
        self.acting.cancel()
        await asyncio.gather(self.acting, return_exceptions=True)
        self.wire.break_watches()

    @property
    def refused(self) -> list[str]:
        """Name what it wrote that the server never takes: it would try again for ever."""
        return [
            f"{sample.labels['loop']} {sample.labels['error']}"
            for metric in self.responder.metrics.work_failures.collect()
            for sample in metric.samples
            if sample.name.endswith("_total") and sample.labels["error"] in _NEVER_TAKEN
        ]

    async def _asked(self, handler: Callable[[Any], Any], body: Any, **where: str) -> Any:  # noqa: ANN401
        raw = json.dumps(body).encode()

        async def read() -> bytes:
            return raw

        request = SimpleNamespace(
            app=self._app,
            read=read,
            content=SimpleNamespace(is_eof=lambda: True),
            content_type="application/json",
            match_info=where,
        )
        return await handler(request)

    async def notify(self, alerts: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        """Send a notification; gives the status and the body of the answer."""
        body = {
            "version": "4",
            "groupKey": "{}",
            "receiver": "responder",
            "status": "firing" if any(a["status"] == "firing" for a in alerts) else "resolved",
            "externalURL": EXTERNAL_URL,
            "alerts": alerts,
        }
        answer: web.Response = await self._asked(webhooks.alertmanager, body)
        return answer.status, json.loads(answer.text or "{}")

    async def trigger(self, playbook: str, labels: dict[str, str]) -> None:
        """Hold by hand; a refusal is the person's to see."""
        body = {"labels": labels, "by": "ada", "reason": "a history"}
        with contextlib.suppress(Exception):
            await self._asked(people.trigger, body, name=playbook)

    async def wish(self, name: str, wish: Wish, *, by: str) -> None:
        """Ask for something as a person does through the API."""
        body = {"by": by, "reason": "a history"}
        with contextlib.suppress(Exception):  # whatever stands in the way, a person sees an error
            await self._asked(people.asking(wish), body, namespace=NAMESPACE, name=name)
