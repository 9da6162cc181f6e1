"""What several commands ask for in the same words."""

from pathlib import Path
from typing import Annotated

import typer

from responder.logs import configure_logs
from responder.settings import Settings, read_settings

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


def hand_settings(
    kubeconfig: Path | None,
    namespace: str | None,
    *,
    allow_namespace: str | None = None,
    playbooks: Path | None = None,
) -> Settings:
    """Read the settings of a command that a person runs by hand."""
    configure_logs("console")
    return read_settings(
        kubeconfig=kubeconfig,
        namespace=namespace,
        allow_namespace=allow_namespace,
        playbooks=playbooks,
    )
