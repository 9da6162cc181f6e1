"""What the hand tools do: they need Kubernetes alone, and work with the responder down."""

import asyncio
import getpass
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from responder.alerts.notification import RejectedAlert, read_alertmanager
from responder.app import scope_of, terms_of
from responder.cluster.api import KubernetesApi
from responder.cluster.connection import connect
from responder.cluster.events import EventRecorder
from responder.cluster.failures import NotFound, NotServed
from responder.cluster.resources import CONFIGMAPS, INCIDENTS
from responder.errors import BadInput, Problem
from responder.holds.objects import MANAGER
from responder.incidents.identity import TriggerKind
from responder.incidents.incident import Incident
from responder.incidents.requests import Trigger, Wish
from responder.incidents.stored import read_incident
from responder.incidents.transitions import Arming
from responder.incidents.withheld import WITHHELD
from responder.metrics import Metrics
from responder.playbooks.aliases import with_aliases
from responder.playbooks.loading import load_directory
from responder.playbooks.names import subdomain_fault
from responder.playbooks.schema import Playbook
from responder.reconcile.catching_up import nothing_to_list
from responder.reconcile.conductor import Conductor
from responder.reconcile.feeds import load_view
from responder.reconcile.haunting import ghosts, unexplained
from responder.reconcile.intake import Intake
from responder.reconcile.preview import Preview, preview
from responder.reconcile.switch import SWITCH_NAME, switch_body
from responder.reconcile.view import IncidentKey, View
from responder.settings import Settings

_LOOK_SECONDS: Final = 0.3
_SWITCH_MANAGER: Final = "responder-cli"


@dataclass(frozen=True, slots=True)
class Bench:
    """A view of the cluster as it is now, and what it takes to act on it once."""

    settings: Settings
    view: View
    conductor: Conductor
    intake: Intake
    look: Callable[[], Awaitable[object]]
    """Read the cluster once more."""


def whoami() -> str:
    """Name the person for the record."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return socket.gethostname()


@asynccontextmanager
async def bench(settings: Settings, *, release_ghosts: bool = False) -> AsyncIterator[Bench]:
    """Read the cluster once; no watch, no door."""
    async with await connect(settings.kubeconfig) as connection:
        api = KubernetesApi(connection)
        view, metrics = View(home=settings.namespace), Metrics()
        events = EventRecorder(
            api, field_manager=MANAGER, instance=f"responder-cli-{settings.namespace}"
        )
        scope = scope_of(settings)
        look = partial(
            load_view, api, view, home=scope.namespace, target_namespaces=scope.target_namespaces
        )
        served = await look()
        conductor = Conductor(
            api=api,
            scope=scope,
            events=events,
            metrics=metrics,
            view=view,
            release_ghosts=release_ghosts,
            incidents_served=served,
        )
        intake = Intake(
            api=api,
            view=view,
            terms=terms_of(settings),
            playbooks=tuple,
            catch_up=conductor.catch_up,
            now=conductor.now,
            on_stored=conductor.on_stored,
        )
        recording = asyncio.create_task(events.run())
        try:
            yield Bench(settings, view, conductor, intake, look)
        finally:
            await conductor.stop()
            await events.drain(within_seconds=5.0)
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)


def read_playbooks(folder: Path) -> list[Playbook]:
    """Load the playbooks of a folder; raises BadInput with every mistake."""
    loaded = load_directory(folder)
    if loaded.errors:
        raise BadInput(loaded.errors)
    return list(loaded.playbooks)


async def plan_labels(
    settings: Settings, playbook: str, labels: Mapping[str, str]
) -> list[Preview]:
    """Tell what a playbook would do for these labels."""
    playbooks = read_playbooks(settings.playbooks)
    rule = next((item for item in playbooks if item.name == playbook), None)
    if rule is None:
        known = ", ".join(sorted(item.name for item in playbooks))
        raise BadInput([Problem(f"no playbook {playbook!r}; there are: {known}", field="playbook")])
    async with bench(settings) as found:
        return [_previewed(found, rule, labels, "manual")]


async def plan_payload(
    settings: Settings, body: bytes
) -> tuple[list[Preview], tuple[RejectedAlert, ...]]:
    """Tell what a notification would do, and which of its alerts can't be acted on at all."""
    reading = read_alertmanager(body)
    playbooks = read_playbooks(settings.playbooks)
    async with bench(settings) as found:
        previews: dict[str, Preview] = {}
        for alert in reading.notification.alerts:
            labels = with_aliases(alert.labels, settings.aliases)
            for rule in playbooks:
                if alert.status == "firing" and rule.matches(labels):
                    told = _previewed(found, rule, labels, "alertmanager")
                    previews.setdefault(told.incident.name, told)
        return list(previews.values()), reading.rejected


def _previewed(
    found: Bench, rule: Playbook, labels: Mapping[str, str], kind: TriggerKind
) -> Preview:
    draft = found.intake.draft(rule, labels, trigger=Trigger(kind=kind))
    return preview(found.view, draft, pools=found.settings.pools)


async def list_incidents(settings: Settings) -> list[Incident]:
    """Read every incident, oldest first; needs no other right than to list them."""
    async with await connect(settings.kubeconfig) as connection:
        api = KubernetesApi(connection)
        try:
            listed = await api.list(INCIDENTS, namespace=settings.namespace)
        except (NotFound, NotServed) as failure:
            raise BadInput([_not_installed()]) from failure
        return sorted(map(read_incident, listed.items), key=lambda item: item.received_at)


async def show_incident(settings: Settings, name: str) -> Incident:
    """Read one incident; raises BadInput where there is none."""
    found = {item.name: item for item in await list_incidents(settings)}
    if name not in found:
        raise BadInput([_no_incident(name, settings.namespace)])
    return found[name]


def _no_incident(name: str, namespace: str) -> Problem:
    fix = f"see `responder incidents list --namespace {namespace}`"
    return Problem(f"no incident {name!r} in {namespace}", field="name", fix=fix)


def _not_installed() -> Problem:
    fix = "install it: kubectl apply --server-side -k k8s/base"
    return Problem("this cluster doesn't know incidents", fix=fix)


async def ask(
    settings: Settings, name: str, wish: Wish, *, reason: str, later_seconds: float = 0
) -> Incident:
    """Note a person's wish in an incident; raises BadInput where it can't be asked for."""
    if subdomain_fault(name):
        raise BadInput([_no_incident(name, settings.namespace)])  # as of an unset variable
    async with await connect(settings.kubeconfig) as connection:
        api, view = KubernetesApi(connection), View()
        intake = Intake(
            api=api,
            view=view,
            terms=terms_of(settings),
            playbooks=tuple,
            catch_up=nothing_to_list,
            now=api.clock.now,
            on_stored=lambda _incident, _received: None,
        )
        key = IncidentKey(settings.namespace, name)
        try:
            # Read first, for the API server's time, by which wishes are ordered.
            await api.get(INCIDENTS, namespace=key.namespace, name=key.name)
            return await intake.ask(
                key, wish, by=whoami(), reason=reason, later_seconds=later_seconds
            )
        except NotFound as missing:
            raise BadInput([_no_incident(name, settings.namespace)]) from missing


async def switch(settings: Settings, arming: Arming, *, reason: str) -> None:
    """Throw the switch; it works with the responder down, for its next start."""
    body = switch_body(settings.namespace, arming, by=whoami(), reason=reason)
    async with await connect(settings.kubeconfig) as connection:
        api = KubernetesApi(connection)
        try:
            await api.merge_patch(
                CONFIGMAPS,
                namespace=settings.namespace,
                name=SWITCH_NAME,
                body={"data": body["data"]},
                field_manager=_SWITCH_MANAGER,
            )
        except NotFound:
            await api.create(
                CONFIGMAPS,
                namespace=settings.namespace,
                body=body,
                field_manager=_SWITCH_MANAGER,
            )


@dataclass(frozen=True, slots=True)
class Released:
    """What a release came to."""

    closed: tuple[str, ...]
    left: tuple[str, ...]
    """Incidents that are not closed yet, with the reason."""
    ghosts: tuple[str, ...] = ()
    """Objects that are still held by incidents that vanished."""
    freed: tuple[str, ...] = ()
    """Objects that were held by such incidents, and are not any more."""
    unexplained: tuple[str, ...] = ()
    """Objects that stand in our name, while nothing tells what was there before."""


async def release(
    settings: Settings,
    names: Sequence[str],
    *,
    everything: bool,
    reason: str,
    within_seconds: float,
) -> Released:
    """Give back what incidents hold, by our own hand: a running responder only helps along."""
    async with bench(settings, release_ghosts=everything) as found:
        wanted = _wanted(found.view, settings.namespace, names, everything=everything)
        haunted = _haunted(found.view) if everything else []
        for key in wanted:
            await found.intake.ask(key, Wish.RELEASE, by=whoami(), reason=reason)
        found.conductor.start()
        deadline, was_done = time.monotonic() + within_seconds, False
        while time.monotonic() < deadline:
            await found.conductor.quiet(within_seconds=deadline - time.monotonic())
            done = not _open(found.view, wanted) and not (everything and ghosts(found.view))
            # A running responder that still knew of a vanished incident's hold, by an open one's
            # copy, may have answered its give-back: that is seen by a second look.
            if done and (was_done or not haunted):
                break
            was_done = done
            # Quiet and not done: something waits to be tried again, at its own time, or a running
            # responder does it.
            await asyncio.sleep(_LOOK_SECONDS)
            await (found.look() if done else found.conductor.catch_up())
        left = _open(found.view, wanted)
        stands = _haunted(found.view) if everything else []
        haunting = ghosts(found.view) if everything else []
        return Released(
            closed=tuple(key.name for key in wanted if key not in {item[0] for item in left}),
            left=tuple(f"{key.name}: {why}" for key, why in left),
            ghosts=tuple(haunting),
            freed=tuple(name for name in haunted if name not in stands),
            unexplained=tuple(name for name in stands if name not in haunting),
        )


def _haunted(view: View) -> list[str]:
    return sorted({*ghosts(view), *unexplained(view)})


def _wanted(
    view: View, namespace: str, names: Sequence[str], *, everything: bool
) -> list[IncidentKey]:
    if everything:
        return sorted(key for key, item in view.incidents.items() if not item.closed)
    wanted = [IncidentKey(namespace, name) for name in names]
    problems = []
    for key in wanted:
        incident = view.incidents.get(key)
        if incident is None:
            problems.append(_no_incident(key.name, namespace))
        elif incident.closed:
            problems.append(Problem(f"{key.name} is closed already", field="name"))
    if problems:
        raise BadInput(problems)
    return wanted


def _open(view: View, wanted: Iterable[IncidentKey]) -> list[tuple[IncidentKey, str]]:
    found = []
    for key in wanted:
        incident = view.incidents.get(key)
        if incident is not None and not incident.closed:
            told = [one.message for one in [incident.condition(WITHHELD)] if one and one.message]
            told += [target.message for target in incident.status.targets if target.message]
            found.append((key, "; ".join(told) or "not yet given back"))
    return found
