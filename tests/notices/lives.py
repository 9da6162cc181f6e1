"""Versions of one incident's life, as they are stored one after the other."""

import dataclasses
from typing import Any, Literal

from responder.holds.objects import ObjectKey
from responder.incidents.incident import Incident
from responder.incidents.requests import Request
from responder.incidents.status import (
    Condition,
    Entry,
    Outcome,
    Phase,
    Target,
    TargetState,
)
from responder.incidents.summary import conditions, entries_about
from responder.incidents.transitions import noted
from tests.incidents.given import at, incident, told_at

CONFIG_MAP = ObjectKey("ConfigMap", "mail", "spring-sale")
DEPLOYMENT = ObjectKey("Deployment", "mail", "email-sender")


def targets(first: TargetState, second: TargetState, *, message: str = "") -> tuple[Target, ...]:
    """The article's two: the campaign and its workers."""
    return (
        Target(CONFIG_MAP, first, subject="campaign/spring-sale", message=message),
        Target(DEPLOYMENT, second, subject="Deployment/email-sender", message=message),
    )


def fresh(**given: Any) -> Incident:  # noqa: ANN401 -- fields of an incident
    return incident(phase=Phase.NEW, **given)


def decided(
    before: Incident, phase: Phase, reason: str, *, message: str = "", minutes: float = 1
) -> Incident:
    """The next version, after a decision; a phase or reason of a later program too."""
    entry = Entry(time=told_at(minutes), what=str(phase), why=f"{reason}: {message}")
    status = dataclasses.replace(
        before.status,
        phase=phase,
        reason=reason,
        message=message,
        timeline=noted(before.status.timeline, entry),
        closed_at=told_at(minutes) if phase is Phase.CLOSED else "",
        outcome=Outcome.RELEASED if phase is Phase.CLOSED else None,
    )
    return dataclasses.replace(before, status=status)


def standing(before: Incident, *found: Target, minutes: float = 1) -> Incident:
    """The next version, after a look at the targets, as the incident loop makes it."""
    timeline = before.status.timeline
    for entry in entries_about(before.status.targets, found, now=told_at(minutes)):
        timeline = noted(timeline, entry)
    status = dataclasses.replace(before.status, targets=found, timeline=timeline)
    after = dataclasses.replace(before, status=status)
    told = conditions(after, found, before=before.status.conditions, now=at(minutes))
    return dataclasses.replace(after, status=dataclasses.replace(status, conditions=told))


def holding(*found: Target, **given: Any) -> Incident:  # noqa: ANN401 -- as above
    """One that holds, and of which that is told already."""
    found = found or targets(TargetState.APPLIED, TargetState.APPLIED)
    return standing(decided(fresh(**given), Phase.HOLDING, "AlertFiring"), *found)


def letting_go(before: Incident) -> Incident:
    request = Request(at=told_at(2), by="ada", reason="ReleasedByHand")
    status = dataclasses.replace(before.status, letting_go=request)
    return dataclasses.replace(before, status=status)


def with_condition(
    before: Incident, kind: str, status: Literal["True", "False", "Unknown"], reason: str = "Seen"
) -> Incident:
    """The next version, in which one condition is new or another than it was."""
    told = tuple(each for each in before.status.conditions if each.type != kind)
    told += (Condition(kind, status, reason, last_transition_time=told_at(3)),)
    return dataclasses.replace(before, status=dataclasses.replace(before.status, conditions=told))


def ended(before: Incident, outcome: Outcome) -> Incident:
    closed = decided(before, Phase.CLOSED, "GivenBack", minutes=9)
    return dataclasses.replace(closed, status=dataclasses.replace(closed.status, outcome=outcome))
