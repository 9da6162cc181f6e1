"""What the auditor tells people: each broken promise, and the history of what it is about."""

import json
from collections.abc import Iterable, Sequence

from responder.sandbox.audit.rules import Violation
from responder.sandbox.audit.versions import (
    AUTOSCALER,
    DEPLOYMENT,
    INCIDENT,
    LEDGER,
    Version,
    changes,
)
from responder.sandbox.audit.world import scaled_by

_MOST_LINES = 60


def report(violations: Sequence[Violation], history: Sequence[Version]) -> str:
    """Give the whole text, "" where nothing is wrong."""
    if not violations:
        return ""
    lines = [f"{len(violations)} broken promise(s):"]
    lines += [f"  {violation}" for violation in violations]
    targets = {violation.target for violation in violations}
    names = {name for kind, name in targets if kind == DEPLOYMENT}
    lines.append("What happened (revision, seconds, what):")
    told = [
        f"  {version.revision} +{version.seen - history[0].seen:.2f} {line}"
        for version, before in _with_before(history)
        if (version.kind, version.name) in targets
        or version.kind == INCIDENT
        or (version.kind == AUTOSCALER and scaled_by(version) in names)
        for line in _lines(version, before)
    ]
    if len(told) > _MOST_LINES:
        left_out = f"  ... {len(told) - _MOST_LINES} lines left out"
        told = [*told[: _MOST_LINES // 2], left_out, *told[-_MOST_LINES // 2 :]]
    return "\n".join([*lines, *told])


def _with_before(history: Iterable[Version]) -> Iterable[tuple[Version, Version | None]]:
    last: dict[str, Version] = {}
    for version in history:
        yield version, last.get(version.uid)
        last[version.uid] = version


def _lines(version: Version, before: Version | None) -> Iterable[str]:
    name = f"{version.kind}/{version.name}"
    if version.deleted:
        yield f"{name}: deleted"
    elif version.kind == INCIDENT:
        now, was = _state(version), "" if before is None else _state(before)
        if now != was:
            yield f"{name}: {now}"
    else:
        if before is None:
            yield f"{name}: created"
        for change in changes(before, version):
            told = _short_ledger(version) if change.field == LEDGER else ""
            yield f"{name}: {f'ledger {told} by {change.by}' if told else change}"


def _state(incident: Version) -> str:
    status = incident.body.get("status") or {}
    told = [status.get("phase") or "New", status.get("reason") or ""]
    if status.get("lettingGo"):
        told.append("letting go")
    if incident.metadata.get("deletionTimestamp"):
        told.append("to be deleted")
    told += [f"{each['kind']}/{each['name']}={each['state']}" for each in status.get("targets", ())]
    return " ".join(part for part in told if part)


def _short_ledger(version: Version) -> str:
    entries = version.ledger
    if entries is None:
        return ""
    shown = {
        name: {key: str(entry.get(key))[:40] for key in ("baseline", "applied", "holder")}
        for name, entry in entries.items()
    }
    return json.dumps(shown)
