"""Incidents and plans, told to people on a terminal, where labels are hostile input as well."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from responder.incidents.explaining import can_do, confirmation, waits_for
from responder.incidents.incident import Incident
from responder.incidents.quiet import SILENCED
from responder.incidents.requests import Wish
from responder.incidents.status import Phase
from responder.incidents.withheld import WITHHELD
from responder.playbooks.asks import Ask

_TIME_CHARACTERS = 19
_PRECISE_TIME_CHARACTERS = 23


def plain(text: str) -> str:
    """Escape what would move the cursor, hide text or reorder it; line ends are kept."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    )


def json_text(told: object) -> str:
    """Write JSON that a terminal shows as it is: umlauts stay, control characters don't."""
    text = json.dumps(told, indent=2, ensure_ascii=False)
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
    )


def columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Align columns, cutting nothing: what is piped on must be whole."""
    lines = [list(head), *([plain(cell).replace("\n", "\\n") for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def listed(found: Sequence[Incident]) -> str:
    """Tell incidents, one a line."""
    if not found:
        return "no incidents"
    return columns(
        ("NAME", "PLAYBOOK", "FOR", "PHASE", "REASON", "ALERTS", "SINCE"),
        (
            (
                item.name,
                item.playbook,
                _identity(item) or "-",
                _phase(item),
                item.status.reason or "-",
                str(item.firing),
                (item.status.since or item.received_at)[:_TIME_CHARACTERS],
            )
            for item in found
        ),
    )


def in_full(item: Incident, *, now: datetime) -> str:
    """Tell one incident: what it holds, why, what it waits for, and its timeline."""
    status = item.status
    resolved = len(item.alerts) - item.firing
    more = f", {item.alerts_omitted} or more not kept" if item.alerts_omitted else ""
    lines = [
        item.name,
        f"  playbook   {item.playbook} (mode {item.mode})",
        f"  for        {_identity(item) or '-'}",
        f"  phase      {_phase(item)} since {status.since or item.received_at}",
        f"  because    {status.reason}: {status.message}",
        f"  alerts     {item.firing} firing, {resolved} resolved{more}",
    ]
    lines += [
        f"  quiet      {told.message}; that neither releases nor disarms"
        for told in status.conditions
        if told.type == SILENCED and told.status == "True" and status.phase is not Phase.CLOSED
    ]
    lines += [
        f"  WITHHELD   {told.message}"
        for told in status.conditions
        if told.type == WITHHELD and told.status == "True" and status.phase is not Phase.CLOSED
    ]
    if status.brake_milliseconds is not None:
        lines.append(f"  braked in  {status.brake_milliseconds} ms")
    lines += [f"  {word:<11}{told}" for word, told in confirmation(item)]
    lines += [f"  waits for  {told}" for told in waits_for(item, now=now)]
    for wish in Wish:
        request = item.wishes.of(wish)
        if request is not None:
            why = f": {request.reason}" if request.reason else ""
            lines.append(f"  {_WISHED[wish]:<10} by {request.by} at {request.at}{why}")
    lines.append("  asks for")
    lines += [f"    {_asked(ask)}" for ask in item.plan]
    for index, stage in enumerate(item.stages):
        reached = "reached" if index in item.status.stages else "not reached"
        lines += [f"    stage {index + 1}, {reached}: {_asked(ask)}" for ask in stage.plan]
    lines += [f"    refused: {refusal.get('message', '')}" for refusal in item.refusals]
    lines.append("  targets")
    lines += [
        f"    {target.key} {target.state}{f': {target.message}' if target.message else ''}"
        for target in status.targets
    ]
    if status.decision is not None:
        lines.append("  would hold")
        lines += [f"    {change}" for change in status.decision.changes]
        lines += [f"    not: {why}" for why in status.decision.refused]
        lines += [f"    a person would be necessary {why}" for why in status.decision.person]
        if status.decision.ends:
            lines.append(f"    and would have given it back at {status.decision.ends}")
    if status.witnessed.changes:
        lines.append("  changed by others")
        lines += [
            f"    {change.time[:_PRECISE_TIME_CHARACTERS]} {change} (by {change.by or 'somebody'})"
            for change in status.witnessed.changes
        ]
    lines.append("  timeline")
    lines += [
        f"    {entry.time[:_PRECISE_TIME_CHARACTERS]} {entry.what}: {entry.why}"
        f"{f' (by {entry.by})' if entry.by else ''}"
        for entry in status.timeline
    ]
    lines += [f"  to {what}: {command}" for command, what in can_do(item)]
    return "\n".join(plain(line).replace("\n", "\\n") for line in lines)


_WISHED = {
    Wish.APPROVE: "approved",
    Wish.REJECT: "rejected",
    Wish.ACKNOWLEDGE: "acknowledged",
    Wish.RELEASE: "released",
    Wish.EXTEND: "put off",
}


def _asked(ask: Ask) -> str:
    return f"{ask.verb} {ask.target_kind}/{ask.target} {json.dumps(dict(ask.limit))}"


def _identity(item: Incident) -> str:
    return ",".join(f"{key}={value}" for key, value in item.identity.labels)


def _phase(item: Incident) -> str:
    return str(item.status.phase) or "New"
