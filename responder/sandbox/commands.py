"""`responder sandbox` and `responder rehearse`: the whole loop on this machine, with no cluster."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from responder.errors import BadInput, Problem
from responder.evidence.loading import LoadedMetrics, load_metrics
from responder.logs import configure_logs
from responder.playbooks.loading import load_directory
from responder.playbooks.schema import Playbook
from responder.sandbox.account import Account, in_lines
from responder.sandbox.alerting import prometheus
from responder.sandbox.alerting.rule_files import load_rules
from responder.sandbox.crew import Wishes
from responder.sandbox.interruption import Interrupted, run_interruptibly
from responder.sandbox.rehearsal import Rehearsal, Telling
from responder.sandbox.scenario.loading import load_scenario, shipped
from responder.sandbox.speed import LEAST, MOST, Speed
from responder.sandbox.telling.lines import LineTelling
from responder.sandbox.telling.live import LiveTelling
from responder.shipped import ALERT_RULES, METRICS, PLAYBOOKS
from responder.telling import plain

_INTERRUPTED: Final = 130
_FAILED: Final = 1

PlaybooksOption = Annotated[
    Path | None, typer.Option("--playbooks", help="Folder with playbooks; else those shipped.")
]
MetricsOption = Annotated[
    Path | None,
    typer.Option("--metrics", help="Folder with metrics that playbooks name; else those shipped."),
]
RulesOption = Annotated[
    Path | None, typer.Option("--rules", help="Folder with alert rules; else those shipped.")
]
SpeedOption = Annotated[
    float, typer.Option("--speed", help="How many seconds of the story pass in one.")
]
PrometheusOption = Annotated[
    str | None,
    typer.Option(
        "--prometheus",
        help="The program that evaluates the rules; `none` for the built-in evaluator."
        " By default the one on PATH, if there is one.",
    ),
]
LogOption = Annotated[
    Path | None, typer.Option("--log", help="Where the responder's log goes; else nowhere.")
]


def sandbox(
    *,
    scenario: Annotated[
        str, typer.Option(help="A file, or the name of one that is shipped.")
    ] = "bounces",
    playbooks: PlaybooksOption = None,
    metrics: MetricsOption = None,
    rules: RulesOption = None,
    speed: SpeedOption = 60.0,
    plain_lines: Annotated[
        bool, typer.Option("--plain", help="Plain lines, also on a terminal.")
    ] = False,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Write a kubeconfig there, for kubectl meanwhile.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The API server's port; 0 takes a free one.")
    ] = 0,
    prometheus_program: PrometheusOption = None,
    log: LogOption = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Name the scenarios that are shipped.")
    ] = False,
) -> None:
    """Watch the whole loop on this machine: senders, alerts, holds, and the way back.

    Needs no cluster: an API server, senders and alerting are simulated; the responder is the real
    one. Ends with an account; exit 1 where a promise or an expectation was broken.
    """
    if list_:
        for name in shipped():
            typer.echo(f"{name:20} {load_scenario(name).spec.about}")
        return
    console = Console()
    wishes = _wishes(
        scenario,
        playbooks=playbooks,
        metrics=metrics,
        rules=rules,
        speed=speed,
        program=prometheus_program,
        kubeconfig=kubeconfig,
        port=port,
    )
    is_live = console.is_terminal and not plain_lines
    with _logging(log), LiveTelling(console) if is_live else LineTelling(typer.echo) as telling:
        account = _played(wishes, telling)
    _tell(account)


def rehearse(
    scenarios: Annotated[list[str], typer.Argument(help="Files, or names of shipped ones.")],
    *,
    playbooks: PlaybooksOption = None,
    metrics: MetricsOption = None,
    rules: RulesOption = None,
    speed: SpeedOption = 120.0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only what was not as expected.")
    ] = False,
    prometheus_program: PrometheusOption = None,
    log: LogOption = None,
) -> None:
    """Play scenarios and compare with what they expect; exit 1 where one differs. For CI."""
    all_wishes = [
        _wishes(
            name,
            playbooks=playbooks,
            metrics=metrics,
            rules=rules,
            speed=speed,
            program=prometheus_program,
        )
        for name in scenarios
    ]
    unexpecting = [w.scenario.name for w in all_wishes if not w.scenario.spec.expect]
    if unexpecting:
        fix = "write what should come of it under `spec.expect`"
        raise BadInput([Problem("expects nothing", file=name, fix=fix) for name in unexpecting])
    failed = False
    for wishes in all_wishes:
        with _logging(log):
            account = _played(wishes, LineTelling(lambda _line: None))
        failed = failed or not account.kept
        if not (quiet and account.kept):
            for line in in_lines(account):
                typer.echo(plain(line))
    if failed:
        raise typer.Exit(_FAILED)


def _wishes(
    scenario: str,
    *,
    playbooks: Path | None,
    metrics: Path | None,
    rules: Path | None,
    speed: float,
    program: str | None,
    kubeconfig: Path | None = None,
    port: int = 0,
) -> Wishes:
    if not LEAST <= speed <= MOST:
        told = f"must be between {LEAST:g} and {MOST:g}, not {speed:g}"
        raise BadInput([Problem(told, field="--speed")])
    named = load_metrics(metrics or METRICS)
    if named.errors:
        raise BadInput(named.errors)
    return Wishes(
        scenario=load_scenario(scenario),
        playbooks=_playbooks(playbooks or PLAYBOOKS, named),
        metrics=named.metrics,
        rules=load_rules(rules or ALERT_RULES),
        speed=Speed(speed),
        api_port=port,
        prometheus=_program(program),
        kubeconfig=kubeconfig,
    )


def _playbooks(folder: Path, metrics: LoadedMetrics) -> Sequence[Playbook]:
    loaded = load_directory(folder, metrics=metrics.known)
    if loaded.errors:
        raise BadInput(loaded.errors)
    return loaded.playbooks


def _program(given: str | None) -> Path | None:
    if given == "none":
        return None
    found = prometheus.found(given)
    if given and found is None:
        fix = "give its path, or `none`"
        raise BadInput([Problem(f"{given} is no program", field="--prometheus", fix=fix)])
    return found


@contextlib.contextmanager
def _logging(log: Path | None) -> Iterator[None]:
    """Send the responder's log to a file, or nowhere: the story is told here."""
    try:
        stream = (log or Path(os.devnull)).open("a", encoding="utf-8")
    except OSError as error:
        told = f"can't be written: {error.strerror}"
        raise BadInput([Problem(told, field="--log", file=str(log))]) from error
    with stream:
        configure_logs("json", stream=stream)
        yield


def _played(wishes: Wishes, telling: Telling) -> Account:
    try:
        return run_interruptibly(Rehearsal(wishes, telling).run())
    except Interrupted:
        typer.echo("stopped in the middle: nothing is left running", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _tell(account: Account) -> None:
    for line in in_lines(account):
        typer.echo(plain(line))
    if not account.kept:
        raise typer.Exit(_FAILED)
