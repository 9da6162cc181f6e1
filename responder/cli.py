"""The command line: serve, check, notify, plan, incidents, report, and what people ask."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from responder import __version__, commands, incident_commands
from responder.app import serve as run_service
from responder.errors import BadInput, Problem
from responder.evidence.metric import Metric
from responder.logs import configure_logs
from responder.notices import trying as telling_people
from responder.notices.couriers import Outcome
from responder.options import (
    AllowNamespace,
    Json,
    Kubeconfig,
    Metrics,
    Namespace,
    NotifyFile,
    NotifyTemplates,
    Playbooks,
    hand_settings,
)
from responder.playbooks.json_schema import published
from responder.playbooks.schema import Playbook
from responder.reconcile.preview import readable
from responder.reconcile.rulebook import read_rules
from responder.sandbox import commands as sandbox_commands
from responder.settings import read_settings
from responder.telling import json_text, plain

app = typer.Typer(
    name="responder",
    help="An emergency brake for bulk e-mail on Kubernetes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(incident_commands.incidents, name="incidents")
for command in incident_commands.COMMANDS:
    app.command()(command)
app.command()(sandbox_commands.sandbox)
app.command()(sandbox_commands.rehearse)


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
    settings = hand_settings(
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
