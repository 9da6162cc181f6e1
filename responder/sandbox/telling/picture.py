"""How the sandbox stands at one moment, ready to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """One campaign. Counts are messages since the beginning; rates are of the last moments."""

    name: str
    stream: str
    wanted_per_minute: float
    sent_per_minute: float
    sent: int
    bounce_share: float
    complaint_share: float
    not_sent: int
    """Held back: what it would have sent by now and was not let."""
    held: str
    """What holds it, in words; empty where nothing does."""


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """One workload, with the bounds of its autoscaler."""

    name: str
    replicas: int
    bounds: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident."""

    name: str
    phase: str
    alerts: int
    message: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story; `kind` says who speaks."""

    told_seconds: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is shown."""

    scenario: str
    about: str
    speed: float
    told_seconds: float
    campaigns: Sequence[CampaignRow]
    workloads: Sequence[WorkloadRow]
    incidents: Sequence[IncidentRow]
    firing: Sequence[str]
    """Alerts that fire, in words."""
    lines: Sequence[Line]
    """The newest last."""
