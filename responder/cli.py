"""The command line: serve, check, notify, plan, incidents, report, and what people ask."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from responder import __version__, commands
from responder.app import serve as run_service
from responder.errors import BadInput, Problem
from responder.evidence.metric import Metric
from responder.incidents.incident import Incident
from responder.incidents.reporting import report as reported
from responder.incidents.requests import Wish
from responder.incidents.transitions import Arming
from responder.logs import configure_logs
from responder.notices import trying as telling_people
from responder.notices.couriers import Outcome
from responder.playbooks.json_schema import published
from responder.playbooks.quantities import duration
from responder.playbooks.schema import Playbook
from responder.reconcile.preview import readable
from responder.reconcile.rulebook import read_rules
from responder.reporting import told_as_json, told_in_words
from responder.sandbox import commands as sandbox_commands
from responder.settings import Settings, read_settings
from responder.telling import in_full, json_text, listed, plain

app = typer.Typer(
    name="responder",
    help="An emergency brake for bulk e-mail on Kubernetes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
incidents = typer.Typer(help="Look at incidents; needs Kubernetes alone.", no_args_is_help=True)
app.add_typer(incidents, name="incidents")
app.command()(sandbox_commands.sandbox)
app.command()(sandbox_commands.rehearse)

Kubeconfig = Annotated[
    Path | None, typer.Option(help="Kubernetes configuration; else in-cluster, else $KUBECONFIG.")
]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Where incidents are kept.")
]
AllowNamespace = Annotated[
    str | None, typer.Option(help="Further namespaces that may be held, by commas.")
]
Playbooks = Annotated[Path | None, typer.Option(help="Folder with playbooks.")]
Metrics = Annotated[Path | None, typer.Option(help="Folder with metrics [rules/metrics].")]
Name = Annotated[str, typer.Argument(help="The incident.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
NotifyFile = Annotated[
    Path | None, typer.Option(help="Who is told, and where; see docs/notifications.md.")
]
NotifyTemplates = Annotated[
    Path | None, typer.Option(help="Folder with templates of one's own for what they are told.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _global(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def serve(
    *,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT [127.0.0.1:9099]")] = None,
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
    allow_namespace: AllowNamespace = None,
    playbooks: Playbooks = None,
    bearer_token_file: Annotated[
        Path | None, typer.Option(help="Token that senders show; without it, loopback only.")
    ] = None,
    max_mode: Annotated[
        Literal["observe", "approve", "auto"] | None,
        typer.Option(help="Ceiling for all."),
    ] = None,
    pools: Annotated[str | None, typer.Option(help="Pools, mildest first, by commas.")] = None,
    aliases: Annotated[
        str | None, typer.Option(help="campaign=campaign_id|utm_campaign,pool=ip_pool")
    ] = None,
    metrics: Metrics = None,
    prometheus_url: Annotated[
        str | None, typer.Option(help="Where evidence is asked for; without it, it is unknown.")
    ] = None,
    prometheus_bearer_token_file: Annotated[
        Path | None, typer.Option(help="Token that Prometheus is shown.")
    ] = None,
    alertmanager_urls: Annotated[
        str | None, typer.Option(help="Every Alertmanager that notifies us, by commas.")
    ] = None,
    alertmanager_bearer_token_file: Annotated[
        Path | None, typer.Option(help="Token that they are shown.")
    ] = None,
    notify_file: NotifyFile = None,
    notify_templates: NotifyTemplates = None,
    link: Annotated[
        str | None, typer.Option(help="Where a notice leads: https://...{name}...")
    ] = None,
    log_format: Annotated[Literal["json", "console"] | None, typer.Option()] = None,
) -> None:
    """Take alerts and hold what they concern, until stopped. Every flag is also RESPONDER_..."""
    settings = read_settings(
        listen=listen,
        kubeconfig=kubeconfig,
        namespace=namespace,
        allow_namespace=allow_namespace,
        playbooks=playbooks,
        bearer_token_file=bearer_token_file,
        max_mode=max_mode,
        pools=pools,
        aliases=aliases,
        metrics=metrics,
        prometheus_url=prometheus_url,
        prometheus_bearer_token_file=prometheus_bearer_token_file,
        alertmanager_urls=alertmanager_urls,
        alertmanager_bearer_token_file=alertmanager_bearer_token_file,
        notify_file=notify_file,
        notify_templates=notify_templates,
        link=link,
        log_format=log_format,
    )
    configure_logs(settings.log_format)
    asyncio.run(run_service(settings))


@app.command()
def check(
    playbooks: Annotated[Path, typer.Argument(help="Folder with playbooks.")] = Path(
        "rules/playbooks"
    ),
    *,
    metrics: Metrics = None,
    notify_file: NotifyFile = None,
    notify_templates: NotifyTemplates = None,
    print_schema: Annotated[
        bool, typer.Option(help="Print the playbooks' JSON Schema and exit.")
    ] = False,
    print_metric_schema: Annotated[
        bool, typer.Option(help="Print the metrics' JSON Schema and exit.")
    ] = False,
) -> None:
    """Print every mistake in the playbooks, metrics and destinations; exit 1 if there is one."""
    if print_schema or print_metric_schema:
        typer.echo(published(Playbook if print_schema else Metric), nl=False)
        return
    rules = read_rules(playbooks, metrics)
    named, loaded = rules.metrics, rules.loaded
    for problem in (*named.problems, *loaded.problems):
        typer.echo(f"{problem.severity}: {problem}")
    typer.echo(f"{len(named.metrics)} metric(s), {len(named.errors)} mistake(s)")
    told = f"{len(loaded.playbooks)} playbook(s), {len(loaded.errors)} mistake(s)"
    typer.echo(f"{told}, {len(loaded.warnings)} warning(s)")
    told_to = asyncio.run(telling_people.check(notify_file, notify_templates))
    for problem in told_to.problems:
        typer.echo(f"{problem.severity}: {problem}")
    if notify_file is not None or notify_templates is not None:
        typer.echo(
            f"{len(told_to.destinations)} destination(s), {len(told_to.problems)} mistake(s)"
        )
    if loaded.errors or named.errors or told_to.problems:
        raise typer.Exit(1)
    if not loaded.playbooks:
        typer.echo(f"no playbook in {playbooks}", err=True)
        raise typer.Exit(1)


@app.command()
def notify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Destinations; without any, all.")
    ] = None,
    *,
    notify_file: NotifyFile = None,
    notify_templates: NotifyTemplates = None,
) -> None:
    """Send a test message to the destinations of a file; exit 1 if one does not arrive."""
    settings = read_settings(notify_file=notify_file, notify_templates=notify_templates)
    tried = asyncio.run(
        telling_people.try_out(settings.notify_file, settings.notify_templates, names or ())
    )
    for name, answer in tried:
        told = plain(f"{name}: {answer.outcome}{f': {answer.why}' if answer.why else ''}")
        typer.echo(told, err=answer.outcome is not Outcome.SENT)
    if any(answer.outcome is not Outcome.SENT for _, answer in tried):
        raise typer.Exit(1)


def _hand_settings(
    kubeconfig: Path | None,
    namespace: str | None,
    *,
    allow_namespace: str | None = None,
    playbooks: Path | None = None,
) -> Settings:
    configure_logs("console")
    return read_settings(
        kubeconfig=kubeconfig,
        namespace=namespace,
        allow_namespace=allow_namespace,
        playbooks=playbooks,
    )


@app.command()
def plan(
    *,
    payload: Annotated[
        Path | None, typer.Option(help="An Alertmanager notification; - reads standard input.")
    ] = None,
    playbook: Annotated[str | None, typer.Option(help="A playbook to try with --label.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="NAME=VALUE; may be repeated.")] = None,
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
    allow_namespace: AllowNamespace = None,
    playbooks: Playbooks = None,
    as_json: Json = False,
) -> None:
    """Show what a notification, or a playbook with labels, would do; writes nothing."""
    settings = _hand_settings(
        kubeconfig, namespace, allow_namespace=allow_namespace, playbooks=playbooks
    )
    if (payload is None) == (playbook is None):
        raise BadInput([Problem("give either --payload, or --playbook with --label")])
    if payload is not None:
        body = sys.stdin.buffer.read() if str(payload) == "-" else _file(payload)
        previews, rejected = asyncio.run(commands.plan_payload(settings, body))
        for alert in rejected:
            told = "; ".join(map(str, alert.problems))
            typer.echo(plain(f"can't be acted on: {told}"), err=True)
    else:
        labels = dict(_pair(text) for text in label or ())
        previews = asyncio.run(commands.plan_labels(settings, str(playbook), labels))
    if as_json:
        typer.echo(json_text([item.to_json() for item in previews]))
    else:
        told = plain(readable(previews))
        typer.echo(told or "no playbook matches a firing alert: nothing would be held")


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput([Problem(f"can't be read: {error.strerror}", file=str(path))]) from error


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise BadInput([Problem(f"{text!r} is not NAME=VALUE", field="--label")])
    return name, value


@incidents.command("list")
def list_(
    *, kubeconfig: Kubeconfig = None, namespace: Namespace = None, as_json: Json = False
) -> None:
    """List incidents, newest last."""
    found = asyncio.run(commands.list_incidents(_hand_settings(kubeconfig, namespace)))
    if as_json:
        typer.echo(json_text([_told(item) for item in found]))
        return
    typer.echo(listed(found))


@incidents.command()
def show(
    name: str, *, kubeconfig: Kubeconfig = None, namespace: Namespace = None, as_json: Json = False
) -> None:
    """Show one incident: what it holds, why, what it waits for, and its timeline."""
    found = asyncio.run(commands.show_incident(_hand_settings(kubeconfig, namespace), name))
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


@app.command()
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
    settings, now = _hand_settings(kubeconfig, namespace), datetime.now(UTC)
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


@app.command()
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
    settings = _hand_settings(kubeconfig, namespace, allow_namespace=allow_namespace)
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
    if not released.closed and not released.left and not released.freed:
        typer.echo("no open incident")
    if released.left or released.ghosts:
        raise typer.Exit(1)


def _wish(name: str, wish: Wish, settings: Settings, *, reason: str, later: float = 0) -> None:
    found = asyncio.run(commands.ask(settings, name, wish, reason=reason, later_seconds=later))
    typer.echo(f"noted: {wish} {found.name}")


@app.command()
def approve(
    name: Name,
    *,
    reason: Why = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
) -> None:
    """Hold what an incident proposes."""
    _wish(name, Wish.APPROVE, _hand_settings(kubeconfig, namespace), reason=reason)


@app.command()
def reject(
    name: Name,
    *,
    reason: Why = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
) -> None:
    """Never hold what an incident proposes; its alerts stay without effect until they resolve."""
    _wish(name, Wish.REJECT, _hand_settings(kubeconfig, namespace), reason=reason)


@app.command()
def acknowledge(
    name: Name,
    *,
    reason: Why = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = None,
) -> None:
    """Say that the cause is dealt with: resuming may begin once the cool-down is over."""
    _wish(name, Wish.ACKNOWLEDGE, _hand_settings(kubeconfig, namespace), reason=reason)


@app.command()
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
    settings = _hand_settings(kubeconfig, namespace)
    _wish(name, Wish.EXTEND, settings, reason=reason, later=seconds)


@app.command()
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
    settings = _hand_settings(kubeconfig, namespace)
    asyncio.run(commands.switch(settings, arming, reason=reason))
    typer.echo(f"disarmed ({arming}); to go on: responder arm")


@app.command()
def arm(*, reason: Why = "", kubeconfig: Kubeconfig = None, namespace: Namespace = None) -> None:
    """Hold again what fires; also what began to fire meanwhile and still does."""
    settings = _hand_settings(kubeconfig, namespace)
    asyncio.run(commands.switch(settings, Arming.ARMED, reason=reason))
    typer.echo("armed")
