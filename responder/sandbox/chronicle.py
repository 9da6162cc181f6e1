"""What happened in the sandbox, told as it happens: holds, incidents, replicas, and whose doing.

Made of the versions that the API server stored and of nothing else, so that it can't tell what the
responder merely meant to do.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from responder.holds.objects import HOLD_KEY, SENDING_HOLDS
from responder.holds.sending import DROP, SendingLimit, limit_from_json
from responder.holds.subjects import campaigns_of
from responder.sandbox.audit.versions import (
    AUTOSCALER,
    CONFIG_MAP,
    DEPLOYMENT,
    INCIDENT,
    LEDGER,
    Version,
    changes,
)

Held = Mapping[str, SendingLimit]
"""What is asked of the senders, by what it concerns, like `campaign/spring-sale`."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that people want to know of."""

    at_seconds: float
    """Since the beginning, by the clock."""
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stood from a time on."""

    at_seconds: float
    held: Held
    replicas: Mapping[str, int]
    traces: bool
    """Something of the responder's is on an object."""


@dataclass(slots=True)
class Chronicle:
    """Takes in every version in its order; tells what is news in it."""

    began: float
    """The monotonic time of the beginning."""
    versions: list[Version] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    incidents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name, as last seen; one that is deleted stays."""
    _live: dict[tuple[str, str], Version] = field(default_factory=dict)

    def see(self, version: Version) -> Sequence[News]:
        """Take in a version; gives the news in it."""
        key = (version.kind, version.name)
        before = self._live.get(key)
        self.versions.append(version)
        if version.deleted:
            self._live.pop(key, None)
        else:
            self._live[key] = version
        if version.kind == INCIDENT:
            self.incidents[version.name] = version.body
        at = version.seen - self.began
        told = [News(at, f"{version.kind}/{version.name}", text) for text in _told(before, version)]
        self.news += told
        if version.kind != INCIDENT:
            self.moments.append(Moment(at, self.held(), self.replicas(), self._traces()))
        return told

    def held(self) -> dict[str, SendingLimit]:
        """Give what is asked of the senders now."""
        found: dict[str, SendingLimit] = {}
        for (kind, _), version in self._live.items():
            if kind == CONFIG_MAP:
                found.update(_documents(version))
        return found

    def replicas(self) -> dict[str, int]:
        return {
            name: int(version.spec.get("replicas", 1))
            for (kind, name), version in self._live.items()
            if kind == DEPLOYMENT
        }

    def bounds(self) -> dict[str, tuple[int, int]]:
        """Give each autoscaler's bounds by the workload that it scales."""
        return {
            str(version.spec["scaleTargetRef"]["name"]): (
                int(version.spec.get("minReplicas", 1)),
                int(version.spec["maxReplicas"]),
            )
            for (kind, _), version in self._live.items()
            if kind == AUTOSCALER
        }

    def open_incidents(self) -> dict[str, Mapping[str, Any]]:
        return {name: body for name, body in self.incidents.items() if _phase(body) != "Closed"}

    def _traces(self) -> bool:
        return any(version.traces for (kind, _), version in self._live.items() if kind != INCIDENT)


def _documents(version: Version) -> Iterator[tuple[str, SendingLimit]]:
    for key, text in version.fields.items():
        if not key.endswith(".json") or not (key == HOLD_KEY or version.name == SENDING_HOLDS):
            continue
        try:
            document = json.loads(text)
            limit = limit_from_json(document)
        except (ValueError, TypeError, AttributeError):
            continue
        if key == HOLD_KEY:
            for campaign in campaigns_of(version.body):
                yield f"campaign/{campaign}", limit
        else:
            kind, _, name = key.removesuffix(".json").partition(".")
            yield f"{kind}/{document.get('about') or name}", limit


def in_words(limit: SendingLimit) -> str:
    """Say what a hold document asks for."""
    told = []
    if limit.share == 0:
        told.append("paused")
    elif limit.share is not None:
        told.append(f"throttled to {limit.share:.0%}")
    if limit.per_minute is not None:
        told.append(f"at most {limit.per_minute} a minute")
    for provider, share in limit.providers:
        told.append(f"{provider} paused" if share == 0 else f"{provider} throttled to {share:.0%}")
    if limit.pool:
        told.append(f"routed to the pool {limit.pool}")
    if limit.suppress:
        told.append(f"without the segment {', '.join(limit.suppress)}")
    if limit.in_flight == DROP:
        told.append("what is in flight dropped")
    return ", ".join(told) or "not limited"


def _told(before: Version | None, after: Version) -> Iterator[str]:
    if after.kind == INCIDENT:
        yield from _incident_told(before, after)
    elif before is not None and not after.deleted:
        if after.kind == CONFIG_MAP:
            yield from _documents_told(before, after)
        else:
            for change in changes(before, after):
                if change.field != LEDGER:
                    by = "" if change.by.ours else f", by {change.by}"
                    yield f"{change.field} {change.before} -> {change.after}{by}"
    elif before is None and after.kind == CONFIG_MAP:
        yield from (f"{name} {in_words(limit)}" for name, limit in _documents(after))


def _documents_told(before: Version, after: Version) -> Iterator[str]:
    was, now = dict(_documents(before)), dict(_documents(after))
    for name in sorted(was.keys() | now.keys()):
        if name not in now:
            yield f"{name} goes on"
        elif was.get(name) != now[name]:
            yield f"{name} {in_words(now[name])}"


def _incident_told(before: Version | None, after: Version) -> Iterator[str]:
    if after.deleted:
        yield "deleted"
        return
    was = {} if before is None else before.body.get("status") or {}
    now = after.body.get("status") or {}
    if before is None and not now.get("phase"):
        spec = after.body.get("spec") or {}
        about = ", ".join(f"{key} {value}" for key, value in (spec.get("identity") or {}).items())
        yield f"opened by {spec.get('playbook', '')}{f' for {about}' if about else ''}"
    elif (was.get("phase"), was.get("reason")) != (now.get("phase"), now.get("reason")):
        message = now.get("message") or now.get("reason") or ""
        yield f"{now.get('phase')}: {message}"


def _phase(body: Mapping[str, Any]) -> str:
    return str((body.get("status") or {}).get("phase") or "New")
