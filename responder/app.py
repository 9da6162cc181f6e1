"""The only wiring: settings in, a running service out."""

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import structlog
from aiohttp import web

from responder.cluster.api import KubernetesApi
from responder.cluster.connection import connect
from responder.cluster.events import EventRecorder
from responder.errors import BadInput, Problem
from responder.evidence.alertmanager import Alertmanagers, open_alertmanagers
from responder.evidence.credentials import Credentials, Tls
from responder.evidence.prometheus import Prometheus, open_prometheus
from responder.evidence.reckoning import Senders
from responder.evidence.transport import Endpoint, Limits
from responder.holds.objects import MANAGER
from responder.incidents.budgets import Budgets
from responder.metrics import Metrics
from responder.notices.herald import Herald
from responder.reconcile.conductor import Conductor
from responder.reconcile.contest import Patience
from responder.reconcile.feeds import Feeds
from responder.reconcile.inquiry import Inquiry, Practice
from responder.reconcile.intake import Intake, Terms
from responder.reconcile.recovering import Recovery
from responder.reconcile.repetitions import Repetitions
from responder.reconcile.rulebook import Rulebook
from responder.reconcile.scope import Scope
from responder.reconcile.view import View
from responder.settings import Access, Settings
from responder.web.authentication import BearerToken
from responder.web.server import create_app
from responder.web.service import Service

_MEASURE_SECONDS = 5.0
_SHUTDOWN_SECONDS = 5.0
_NOTIFY_FILE_SECONDS = 1.0

log = structlog.get_logger()


def scope_of(settings: Settings) -> Scope:
    return Scope(
        namespace=settings.namespace,
        target_namespaces=settings.target_namespaces,
        pools=settings.pools,
        keep_closed=timedelta(hours=settings.keep_closed_hours),
        patience=Patience(
            pauses_seconds=settings.contest_pauses_seconds,
            window_seconds=settings.contest_window_seconds,
            rest_seconds=settings.contest_rest_seconds,
            calm_seconds=settings.contest_calm_seconds,
        ),
        budgets=budgets_of(settings),
        confirm_within_seconds=settings.confirm_within_seconds,
    )


def terms_of(settings: Settings) -> Terms:
    return Terms(
        namespace=settings.namespace,
        allowed_namespaces=frozenset(settings.target_namespaces),
        max_mode=settings.max_mode,
        aliases=settings.aliases,
        budgets=budgets_of(settings),
    )


def budgets_of(settings: Settings) -> Budgets:
    return Budgets(
        targets=settings.most_targets,
        targets_per_playbook=settings.most_targets_per_playbook,
        campaign_share=settings.most_campaign_share,
        incidents_per_hour=settings.most_incidents_per_hour,
    )


def prometheus_of(settings: Settings) -> AbstractAsyncContextManager[Prometheus] | None:
    """Give the Prometheus to be asked, not yet opened; raises BadInput for unusable files."""
    if settings.prometheus_url is None:
        return None
    seconds = settings.prometheus_timeout_seconds
    return open_prometheus(
        _endpoint(settings.prometheus_url, settings.prometheus_access),
        limits=Limits(total_seconds=seconds, deadline_seconds=2.5 * seconds),
        scrape_interval_seconds=settings.scrape_interval_seconds,
    )


def alertmanagers_of(settings: Settings) -> AbstractAsyncContextManager[Alertmanagers]:
    """Give the Alertmanagers to be asked, perhaps none, not yet opened; raises BadInput."""
    access = settings.alertmanager_access
    return open_alertmanagers([_endpoint(url, access) for url in settings.alertmanager_urls])


def practice_of(settings: Settings) -> Practice:
    return Practice(
        senders=Senders.of(settings.alertmanager_urls, settings.alertmanager_external_urls),
        interval_seconds=settings.alertmanager_interval_seconds,
        grace_seconds=settings.alertmanager_grace_seconds,
        receiver=settings.alertmanager_receiver,
    )


def _endpoint(url: str, access: Access) -> Endpoint:
    return Endpoint(
        url=url,
        credentials=Credentials(
            bearer_token_file=access.bearer_token_file,
            username=access.username,
            password_file=access.password_file,
        ),
        tls=Tls(ca_file=access.ca_file, cert_file=access.cert_file, key_file=access.key_file),
    )


class Responder:
    """One running responder."""

    def __init__(
        self,
        settings: Settings,
        api: KubernetesApi,
        *,
        alertmanagers: Alertmanagers,
        prometheus: Prometheus | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` is in seconds; the time of day is the API server's."""
        self.settings = settings
        self._monotonic = monotonic
        self.metrics = Metrics()
        self.view = View(home=settings.namespace)
        self.acting: asyncio.Task[None] | None = None
        self.events = EventRecorder(
            api,
            field_manager=MANAGER,
            instance=f"responder-{settings.namespace}",
            now=api.clock.now,
            monotonic=monotonic,
        )
        self.rulebook = Rulebook(
            settings.playbooks, metrics=self.metrics, metrics_folder=settings.metrics
        )
        scope = scope_of(settings)
        self.herald = Herald(
            settings.notify_file,
            templates=settings.notify_templates,
            link=settings.link,
            namespace=settings.namespace,
            metrics=self.metrics,
        )
        self.conductor = Conductor(
            api=api,
            scope=scope,
            events=self.events,
            metrics=self.metrics,
            view=self.view,
            prometheus=prometheus,
            evidence_interval_seconds=settings.evidence_interval_seconds,
            on_change=self.herald.hear,
            attempts=lambda: self.rulebook.named,
            monotonic=monotonic,
        )
        self.feeds = Feeds(
            api,
            self.view,
            home=scope.namespace,
            target_namespaces=scope.target_namespaces,
            metrics=self.metrics,
            on_back=self.conductor.hurry,
            monotonic=monotonic,
        )
        self.intake = Intake(
            api=api,
            view=self.view,
            terms=terms_of(settings),
            playbooks=lambda: self.rulebook.playbooks,
            catch_up=self.conductor.catch_up,
            now=self.conductor.now,
            on_stored=self.conductor.on_stored,
            metrics=lambda: self.rulebook.named,
        )
        self.inquiry = Inquiry(
            alertmanagers,
            practice_of(settings),
            view=self.view,
            recovery=Recovery(self.intake, self.view, now=self.conductor.now),
            metrics=self.metrics,
            now=self.conductor.now,
            is_ready=lambda: not self.feeds.not_synced(),
            leads=self.conductor.fence.leads,
            on_quiet=self.conductor.on_quiet,
        )

    def warn_without_evidence(self) -> None:
        """Say which playbooks ask for evidence that nobody will give."""
        waiting = [
            playbook.name
            for playbook in self.rulebook.playbooks
            if playbook.questions or playbook.resume_policy.steps
        ]
        if waiting and self.settings.prometheus_url is None:
            log.warning(
                "no_prometheus",
                playbooks=waiting,
                why="what they check stays unknown: nothing is loosened or escalated by it",
                fix="set prometheus_url",
            )

    def not_ready(self) -> Sequence[str]:
        """Tell why no notification can be taken now."""
        waiting = self.feeds.not_synced()
        if not self.rulebook.is_good:
            waiting.append("the playbooks have mistakes: run `responder check`")
        return waiting

    def service(self) -> Service:
        return Service(
            intake=self.intake,
            repetitions=Repetitions(self.view, playbooks=lambda: self.rulebook.playbooks),
            view=self.view,
            playbooks=lambda: self.rulebook.playbooks,
            not_ready=self.not_ready,
            metrics=self.metrics,
            pools=self.settings.pools,
            most_requests=self.settings.most_requests,
            request_seconds=self.settings.request_seconds,
            monotonic=self._monotonic,
            on_cut_short=self.inquiry.on_cut_short,
        )

    async def act(self) -> None:
        """Run everything behind the door until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.feeds.run())
                group.create_task(self.events.run())
                group.create_task(self.rulebook.follow())
                group.create_task(self.herald.follow())
                group.create_task(self._measure())
                await self.feeds.wait_synced()
                await self.herald.ready(within_seconds=_NOTIFY_FILE_SECONDS)
                self.conductor.start()
                log.info("acting", incidents=len(self.view.incidents))
                group.create_task(self.conductor.resync())
                group.create_task(self.conductor.asking.run())
                if self.settings.alertmanager_urls:
                    group.create_task(self.inquiry.run())
                else:
                    log.warning("lost_notifications_not_looked_for", why="no alertmanager_urls")
        finally:
            await self.conductor.stop()
            await self.herald.close()

    async def _measure(self) -> None:
        while True:
            self.conductor.measure()
            self.feeds.measure()
            await asyncio.sleep(_MEASURE_SECONDS)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[Responder, str]]:
    """Run a responder with its door; gives it and the address that it listens on."""
    # A large live cache makes each full collection slow: most of what is kept lives long.
    gc.set_threshold(50_000, 20, 50)
    token = None if settings.bearer_token_file is None else BearerToken(settings.bearer_token_file)
    async with contextlib.AsyncExitStack() as stack:
        asked = prometheus_of(settings)
        prometheus = None if asked is None else await stack.enter_async_context(asked)
        connection = await stack.enter_async_context(await connect(settings.kubeconfig))
        alertmanagers = await stack.enter_async_context(alertmanagers_of(settings))
        responder = Responder(
            settings,
            KubernetesApi(connection),
            alertmanagers=alertmanagers,
            prometheus=prometheus,
        )
        responder.rulebook.load()
        responder.warn_without_evidence()
        app = create_app(responder.service(), token=token, most_body_bytes=settings.most_body_bytes)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        responder.acting = acting = asyncio.create_task(responder.act())
        try:
            address = await _listen(runner, settings)
            log.info("listening", address=address, authenticated=token is not None)
            yield responder, address
        finally:
            await runner.cleanup()
            acting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await acting


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    host, port = settings.address
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise BadInput(
            [Problem(f"can't listen on {settings.listen}: {error.strerror}", field="listen")]
        ) from error
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as (responder, _):
        stopping = asyncio.create_task(stop.wait())
        acting = responder.acting or stopping
        await asyncio.wait({stopping, acting}, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        if acting is not stopping and acting.done():
            # Behind a door that takes alerts and acts on none, a restart is the better answer.
            acting.result()
