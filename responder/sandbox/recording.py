"""What the auditor is told of a change in the embedded API server."""

from typing import Final

from responder.sandbox.api.store import Change
from responder.sandbox.audit.versions import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    INCIDENT,
    Version,
)

WATCHED: Final = {
    "deployments": DEPLOYMENT,
    "horizontalpodautoscalers": AUTOSCALER,
    "configmaps": CONFIG_MAP,
    "incidents": INCIDENT,
}
"""Plural to kind."""


def version_of(change: Change, *, seen: float) -> Version | None:
    """Read a change of what is watched, learnt of at `seen` (seconds); None for anything else."""
    kind = WATCHED.get(change.key[1])
    body = change.new or change.gone or change.old
    if kind is None or body is None:
        return None
    metadata = body["metadata"]
    return Version(
        kind=kind,
        name=metadata["name"],
        uid=metadata["uid"],
        revision=change.version,
        seen=seen,
        body=body,
        deleted=change.new is None,
    )
