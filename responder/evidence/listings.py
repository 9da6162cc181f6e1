"""What an Alertmanager says is firing, read: per fingerprint, or why it can't be known.

The format is that of its API v2 (`GET /api/v2/alerts`, `/api/v2/status`; v0.31). It lists what has
not ended: active, suppressed by a silence or an inhibition, or not yet looked at. Its times are cut
to milliseconds, where notifications carry nanoseconds.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from responder.alerts.timestamps import RFC3339_PATTERN
from responder.evidence.verdict import Unknown

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_Moment = Annotated[str, StringConstraints(pattern=RFC3339_PATTERN)]


class AlertState(StrEnum):
    """How an alert that has not ended stands in one Alertmanager."""

    UNPROCESSED = "unprocessed"
    ACTIVE = "active"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """An alert that fires; times as sent, `silenced_by` ids of silences.

    `inhibited_by` are the fingerprints of the alerts that inhibit it, `muted_by` names of time
    intervals.
    """

    fingerprint: str
    state: AlertState
    labels: Mapping[str, str]
    starts_at: str
    ends_at: str
    updated_at: str
    receivers: tuple[str, ...] = ()
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """All that fires in one Alertmanager, as of `asked_at`, and how long it had run by then.

    `peer` is its name among those that it works with, empty where it works alone, and `peers` are
    the names of all of them, its own among them.
    """

    source: str
    alerts: Mapping[str, ListedAlert]
    asked_at: datetime
    uptime_seconds: float
    peer: str = ""
    peers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Running:
    """What an Alertmanager says of itself."""

    uptime_seconds: float
    peer: str
    peers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unheard:
    """An Alertmanager that gave no listing: of what it fires, nothing is known."""

    source: str
    reason: Unknown
    message: str


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


class _Receiver(_Sent):
    name: str


class _Status(_Sent):
    state: AlertState
    silenced_by: list[str] = Field(default_factory=list)
    inhibited_by: list[str] = Field(default_factory=list)
    muted_by: list[str] | None = None


class _Alert(_Sent):
    fingerprint: Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: _Moment
    ends_at: _Moment
    updated_at: _Moment
    receivers: list[_Receiver] = Field(default_factory=list)
    status: _Status


class _Peer(_Sent):
    name: str


class _Cluster(_Sent):
    name: str = ""
    peers: list[_Peer] | None = None


class _About(_Sent):
    uptime: _Moment
    cluster: _Cluster | None = None


def listed_alerts(body: bytes) -> Iterator[ListedAlert]:
    """Read the alerts one after the other, so that thousands never hold up anything else.

    Raises ValueError at the first that is wrong, and at the end if the body is none: of what it
    lacks, nothing can be said then.
    """
    text = body.decode()
    decoder = json.JSONDecoder()
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("no list of alerts")
    at = _after_space(text, at + 1)
    is_first = True
    while text[at : at + 1] != "]":
        if not is_first:
            if text[at : at + 1] != ",":
                raise ValueError(f"the list breaks off at character {at}")
            at = _after_space(text, at + 1)
        given, at = decoder.raw_decode(text, at)
        yield _listed(_Alert.model_validate(given))
        at = _after_space(text, at)
        is_first = False
    if _after_space(text, at + 1) != len(text):
        raise ValueError("something follows the list of alerts")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _listed(alert: _Alert) -> ListedAlert:
    return ListedAlert(
        fingerprint=alert.fingerprint,
        state=alert.status.state,
        labels=alert.labels,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
        updated_at=alert.updated_at,
        receivers=tuple(receiver.name for receiver in alert.receivers),
        silenced_by=tuple(alert.status.silenced_by),
        inhibited_by=tuple(alert.status.inhibited_by),
        muted_by=tuple(alert.status.muted_by or ()),
        annotations=alert.annotations,
    )


def running(body: bytes, *, date: str) -> Running | None:
    """Read its status: for how long it runs, by its own clock (start, and the answer's `Date`).

    None where any of it can't be read.
    """
    try:
        about = _About.model_validate_json(body)
        started = datetime.fromisoformat(about.uptime)
        uptime = (parsedate_to_datetime(date) - started).total_seconds()
    except (ValidationError, ValueError, TypeError):
        return None
    cluster = about.cluster or _Cluster()
    return Running(uptime, cluster.name, frozenset(peer.name for peer in cluster.peers or ()))
