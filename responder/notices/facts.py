"""What a message can say of an incident: what is held, what is not, why, and what to do. Pure.

Plain JSON, since it is rendered in another process. Lists are bounded here, texts where they are
inserted.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from responder.holds.subjects import told
from responder.incidents.explaining import waits_for
from responder.incidents.incident import Incident
from responder.incidents.status import Phase, Reason, TargetState
from responder.incidents.transitions import read_moment
from responder.notices.moments import Moment
from responder.notices.neutral import neutral
from responder.playbooks.asks import Ask

Facts = dict[str, Any]

_MOST_LISTED: Final = 6
_MOST_LINK_CHARACTERS: Final = 1_000
_MOST_IN_LINK: Final = 128
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_PLACES: Final = re.compile(r"\{([^{}]*)\}")
HEADLINES: Final[Mapping[Moment, str]] = {
    Moment.NOT_HELD: "NOT held",
    Moment.PARTLY_HELD: "only partly held",
    Moment.DISARMED: "NOT held, the responder is disarmed",
    Moment.NEEDS_APPROVAL: "needs your approval",
    Moment.CONTESTED: "contested: another writer undoes the hold",
    Moment.ALTERED: "held otherwise than asked",
    Moment.NOT_CONFIRMED: "held, and no effect is seen",
    Moment.RELAPSED: "relapsed, held again",
    Moment.ESCALATED: "escalated, more is held",
    Moment.NOBODY_DECIDED: "nobody decided in time",
    Moment.HELD: "held",
    Moment.WAITS: "waits for you",
    Moment.PAST_REVIEW: "still held, past its review date",
    Moment.COOLING: "cools down",
    Moment.STEP: "resumes by a step",
    Moment.REJECTED: "rejected, nothing is held",
    Moment.EXPIRED: "expired without approval, nothing is held",
    Moment.CLOSED: "given back",
    Moment.OBSERVED: "would be held (observe mode)",
}
_SHOW: Final = ("Look at it", "responder incidents show {name} --namespace {namespace}")
_RELEASE: Final = (
    "Give it back now",
    "responder release {name} --namespace {namespace} --reason '...'",
)
_COMMANDS: Final[Mapping[Moment, tuple[str, str]]] = {
    Moment.NEEDS_APPROVAL: (
        "Let it hold",
        "responder approve {name} --namespace {namespace} --reason '...'",
    ),
    Moment.HELD: _RELEASE,
    Moment.COOLING: _RELEASE,
    Moment.PAST_REVIEW: _RELEASE,
    Moment.WAITS: _RELEASE,
}
_ACKNOWLEDGE: Final = (
    "Say that the cause is dealt with",
    "responder acknowledge {name} --namespace {namespace} --reason '...'",
)


def facts_of(
    incident: Incident, moments: Sequence[Moment], *, now: datetime, link: str = ""
) -> Facts:
    """Give the facts of one notice; `moments` are not empty, the most pressing first."""
    first = moments[0]
    names = {"name": sound(incident.name), "namespace": sound(incident.namespace)}
    does, command = _command(incident, first)
    held, not_held = _held(incident), _not_held(incident)
    return {
        **names,
        "moment": str(first),
        "moments": [str(moment) for moment in moments],
        "headline": "; ".join(HEADLINES[moment] for moment in moments),
        "playbook": sound(incident.playbook),
        "labels": [{"label": key, "value": value} for key, value in incident.identity.labels][
            :_MOST_LISTED
        ],
        "phase": str(incident.status.phase) or "New",
        "reason": incident.status.reason,
        "message": incident.status.message,
        "asks": _listed([_asked(ask) for ask in incident.plan_in_force]),
        "held": _listed(held),
        "eased": _eased(incident),
        "not_held": _listed(not_held),
        "why": _why(incident),
        "waits_for": list(waits_for(incident, now=now))[:_MOST_LISTED],
        "until": _until(incident, now=now),
        "command_does": does,
        "command": command.format(**names),
        "link": link_to(incident, link),
        "told": shown_time(now),
    }


def sound(name: str) -> str:
    """Give a name that Kubernetes or a playbook vouches for; any other one made harmless."""
    return name if _NAME.fullmatch(name) else neutral(name)


def shown_time(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _command(incident: Incident, moment: Moment) -> tuple[str, str]:
    if moment is Moment.WAITS and incident.status.reason == Reason.WAITS_FOR_ACKNOWLEDGEMENT:
        return _ACKNOWLEDGE
    return _COMMANDS.get(moment, _SHOW)


def _asked(ask: Ask) -> Facts:
    return {"verb": sound(ask.verb), "what": told(ask), "how": _limit(ask)}


def _limit(ask: Ask) -> str:
    """Say how far an ask limits, beyond its verb."""
    limit = ask.limit
    if ask.control == "replicas":
        return f"to {limit['replicas']} replica(s)"
    if ask.control == "keys":
        return f"{limit['key']} = {limit['value']}"
    parts = []
    if limit.get("share"):  # 0 is what `pause` says already
        parts.append(f"to {limit['share']:.0%}")
    if "perMinute" in limit:
        parts.append(f"to {limit['perMinute']} a minute")
    parts += [f"{name} to {share:.0%}" for name, share in (limit.get("providers") or {}).items()]
    if limit.get("pool"):
        parts.append(f"through {limit['pool']}")
    if limit.get("suppress"):
        parts.append(f"without {', '.join(limit['suppress'])}")
    return ", ".join(parts)


def _held(incident: Incident) -> list[Facts]:
    if not incident.acts or incident.closed or incident.status.letting_go is not None:
        return []
    in_place = [target for target in incident.status.targets if target.state is TargetState.APPLIED]
    asks: dict[str, list[Ask]] = {}
    for ask in incident.plan_in_force:
        asks.setdefault(told(ask), []).append(ask)
    found: dict[str, Facts] = {}
    for target in in_place:
        subject = target.subject or str(target.key)
        meant = asks.get(subject)
        if meant is None:
            found[subject] = {"verb": "hold", "what": subject, "how": target.message}
        for ask in meant or ():
            found[f"{subject} {ask.verb}"] = _asked(ask)
    return list(found.values())


def _eased(incident: Incident) -> str:
    """Say how far a resume has eased what is held; nothing where it hasn't."""
    step, steps = incident.status.ramp.step, incident.resume.steps
    if incident.status.phase is not Phase.RAMPING or not 0 < step <= len(steps):
        return ""
    return f"{steps[step - 1].share:.0%}"


def _not_held(incident: Incident) -> list[Facts]:
    if not incident.acts or incident.closed or incident.status.letting_go is not None:
        return []
    missing = [
        {"what": target.subject or str(target.key), "why": target.message or str(target.state)}
        for target in incident.status.targets
        if target.state not in {TargetState.APPLIED, TargetState.GIVEN_BACK}
    ]
    refused = [
        {"what": refusal.get("verb", ""), "why": refusal.get("message", "")}
        for refusal in incident.refusals
    ]
    return missing + refused


def _listed(found: list[Facts]) -> Facts:
    return {"first": found[:_MOST_LISTED], "count": len(found[_MOST_LISTED:]), "total": len(found)}


def _why(incident: Incident) -> list[Facts]:
    """Say what it is about: who pulled the brake, or the alerts that did, those that fire first."""
    if incident.trigger.kind == "manual":
        return [{"what": f"by hand, {incident.trigger.by}", "why": incident.trigger.reason}]
    found: dict[tuple[str, str], None] = {}
    for alert in sorted(incident.alerts.values(), key=lambda alert: not alert.firing):
        name = alert.labels.get("alertname", "an alert")
        severity = alert.labels.get("severity", "")
        state = "firing" if alert.firing else "resolved"
        found[f"{name} ({f'{severity}, ' if severity else ''}{state})", alert.summary] = None
    return [{"what": what, "why": why} for what, why in list(found)[:_MOST_LISTED]]


def _until(incident: Incident, *, now: datetime) -> str:
    """Tell when the next thing happens by itself, if that is known; empty where it isn't."""
    status = incident.status
    phases = {Phase.COOLING: status.cooling_until, Phase.PROPOSED: status.approve_by}
    due = read_moment(phases.get(status.phase, ""))
    if due is None or status.letting_go is not None:
        return ""
    minutes = round((due - now).total_seconds() / 60)
    return f"{shown_time(due)} (in {minutes} min)" if minutes > 0 else shown_time(due)


def link_to(incident: Incident | None, pattern: str) -> str:
    """Fill a link's places in; empty where a place can't be filled, as in a digest of many."""
    if not pattern:
        return ""
    values: dict[str, str] = {}
    if incident is not None:
        labels = {f"labels.{key}": value for key, value in incident.identity.labels}
        values = labels | {
            "name": incident.name,
            "namespace": incident.namespace,
            "playbook": incident.playbook,
        }
    if incident is None and _PLACES.search(pattern):
        return ""
    filled = _PLACES.sub(
        lambda found: quote(values.get(found[1], "")[:_MOST_IN_LINK], safe=""), pattern
    )
    return filled if len(filled) <= _MOST_LINK_CHARACTERS else ""
