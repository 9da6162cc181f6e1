"""Commands about incidents: look at them, decide about them, and the switch for all of them.

They need Kubernetes alone, and work with the responder down.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer

from responder import commands
from responder.errors import BadInput, Problem
from responder.incidents.incident import Incident
from responder.incidents.reporting import report as reported
from responder.incidents.requests import Wish
from responder.incidents.transitions import Arming
from responder.options import AllowNamespace, Json, Kubeconfig, Name, Namespace, Why, hand_settings
from responder.playbooks.quantities import duration
from responder.reporting import told_as_json, told_in_words
from responder.settings import Settings
from responder.telling import in_full, json_text, listed, plain

incidents = typer.Typer(help="Look at incidents; needs Kubernetes alone.", no_args_is_help=True)


@incidents.command("list")
def list_(
    *, kubeconfig: Kubeconfig = None, namespace: Namespace = None, as_json: Json = False
) -> None:
    """List incidents, newest last."""
    found = asyncio.run(commands.list_incidents(hand_settings(kubeconfig, namespace)))
    if as_json:
        typer.echo(json_text([_told(item) for item in found]))
        return
    typer.echo(listed(found))


@incidents.command()
def show(
    name: str, *, kubeconfig: Kubeconfig = None, namespace: Namespace = None, as_json: Json = False
) -> None:
    """Show one incident: what it holds, why, what it waits for, and its timeline."""
    found = asyncio.run(commands.show_incident(hand_settings(kubeconfig, namespace), name))
    if as_json:
        typer.echo(json_text(_told(found)))
        return
    typer.echo(in_full(found, now=datetime.now(UTC)))


def _told(item: Incident) -> dict[str, object]:
    return {
        "name": item.name,
        "namespace": item.namespace,
        "playbook": item.playbook,
        "identity": dict(item.identity.labels),
        "mode": item.mode,
        "trigger": item.trigger.to_json(),
        "firing": item.firing,
        "plan": [ask.to_json() for ask in item.plan],
        "refusals": [dict(refusal) for refusal in item.refusals],
        "status": item.status.to_json(),
    }


def report(
    *,
    since: Annotated[str, typer.Option(help="From how long ago on, like 24h.")] = "7d",
    playbook: Annotated[str | None, typer.Option(help="Of this playbook alone.")] = None,
    false_alarm: Annotated[
        str, typer.Option(help="What is over within this time may have been a false alarm.")
    ] = "10m",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Tell what was held, or would have been, for how long, and what people did meanwhile."""
    span = timedelta(seconds=duration(since, field="--since").seconds)
    quick = timedelta(seconds=duration(false_alarm, field="--false-alarm").seconds)
    settings, now = hand_settings(kubeconfig, namespace), datetime.now(UTC)
    items = [
        item
        for item in asyncio.run(commands.list_incidents(settings))
        if playbook in (None, item.playbook)
    ]
    found = reported(items, since=now - span, now=now, quick=quick)
    if as_json:
        typer.echo(json_text(told_as_json(found, since=now - span, now=now)))
        return
    kept = settings.keep_closed_hours * 3600
    typer.echo(told_in_words(found, since=now - span, now=now, kept_seconds=kept))


def release(
    names: Annotated[list[str] | None, typer.Argument(help="Incidents.")] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Everything, and what vanished incidents left held.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    within: Annotated[float, typer.Option(help="Seconds to wait for the give-back.")] = 60.0,
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
    allow_namespace: AllowNamespace = None,
) -> None:
    """Give back now, with the responder up or down; exit 1 if something is left."""
    if everything == bool(names):
        raise BadInput([Problem("give the names of incidents, or --all")])
    settings = hand_settings(kubeconfig, namespace, allow_namespace=allow_namespace)
    released = asyncio.run(
        commands.release(
            settings, names or (), everything=everything, reason=reason, within_seconds=within
        )
    )
    for name in released.closed:
        typer.echo(f"given back: {name}")
    for freed in released.freed:
        typer.echo(f"given back, held by a vanished incident: {freed}")
    for left in released.left:
        typer.echo(plain(f"not given back: {left}"), err=True)
    for ghost in released.ghosts:
        typer.echo(f"still held by a vanished incident: {ghost}", err=True)
    for left in released.unexplained:
        typer.echo(
            f"still in our name, and nothing tells what was there before: {left}; set it by hand",
            err=True,
        )
    if not released.closed and not released.left and not released.freed:
        typer.echo("no open incident")
    if released.left or released.ghosts or released.unexplained:
        raise typer.Exit(1)


def _wish(name: str, wish: Wish, settings: Settings, *, reason: str, later: float = 0) -> None:
    found = asyncio.run(commands.ask(settings, name, wish, reason=reason, later_seconds=later))
    typer.echo(f"noted: {wish} {found.name}")


def approve(
    name: Name,
    *,
    reason: Why = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
) -> None:
    """Hold what an incident proposes."""
    _wish(name, Wish.APPROVE, hand_settings(kubeconfig, namespace), reason=reason)


def reject(
    name: Name,
    *,
    reason: Why = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
) -> None:
    """Never hold what an incident proposes; its alerts stay without effect until they resolve."""
    _wish(name, Wish.REJECT, hand_settings(kubeconfig, namespace), reason=reason)


def acknowledge(
    name: Name,
    *,
    reason: Why = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
) -> None:
    """Say that the cause is dealt with: resuming may begin once the cool-down is over."""
    _wish(name, Wish.ACKNOWLEDGE, hand_settings(kubeconfig, namespace), reason=reason)


def extend(
    name: Name,
    *,
    later: Annotated[str, typer.Option("--for", help="How much later, like 24h.")] = "24h",
    reason: Why = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
) -> None:
    """Look at an incident again later: put its review off."""
    seconds = duration(later, field="--for").seconds
    settings = hand_settings(kubeconfig, namespace)
    _wish(name, Wish.EXTEND, settings, reason=reason, later=seconds)


def disarm(
    *,
    give_back: Annotated[
        bool, typer.Option("--give-back", help="Also give back everything that is held.")
    ] = False,
    reason: Why = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
) -> None:
    """Hold nothing new, whatever fires; what is held stays, or is given back if asked for."""
    arming = Arming.GIVE_BACK if give_back else Arming.LEAVE
    settings = hand_settings(kubeconfig, namespace)
    asyncio.run(commands.switch(settings, arming, reason=reason))
    if give_back:
        typer.echo("a running responder gives everything back; with none: responder release --all")
    typer.echo(f"disarmed ({arming}); to go on: responder arm")


def arm(*, reason: Why = "", kubeconfig: Kubeconfig = None, namespace: Namespace = None) -> None:
    """Hold again what fires; also what began to fire meanwhile and still does."""
    settings = hand_settings(kubeconfig, namespace)
    asyncio.run(commands.switch(settings, Arming.ARMED, reason=reason))
    typer.echo("armed")


COMMANDS: Final[tuple[Callable[..., Any], ...]] = (
    report,
    release,
    approve,
    reject,
    acknowledge,
    extend,
    disarm,
    arm,
)
