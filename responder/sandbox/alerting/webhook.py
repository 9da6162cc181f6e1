"""The body that Alertmanager posts to a webhook, version 4, byte for byte what receivers know."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from responder.sandbox.alerting.samples import Labels

ZERO_TIME: Final = "0001-01-01T00:00:00Z"
"""Go's zero time: how `endsAt` is written while an alert fires."""
_FNV_OFFSET: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3
_SEPARATOR: Final = b"\xff"
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SentAlert:
    """One alert as the notifier knows it; times in nanoseconds since 1970."""

    labels: Labels
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at_ns: int = 0
    ends_at_ns: int | None = None
    """When it ended, or will count as ended if nobody says that it goes on."""
    generator_url: str = ""

    def is_resolved(self, now_ns: int) -> bool:
        return self.ends_at_ns is not None and self.ends_at_ns <= now_ns


def fingerprint(labels: Labels) -> str:
    """Give the identity of an alert: FNV-1a of its sorted labels, as Prometheus' library does.

    See `LabelSet.Fingerprint` of github.com/prometheus/common/model.
    """
    digest = _FNV_OFFSET
    for name, value in labels:
        for byte in name.encode() + _SEPARATOR + value.encode() + _SEPARATOR:
            digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


def rfc3339(time_ns: int) -> str:
    """Write a time as Go does: up to nine digits after the point, without trailing zeros."""
    seconds, rest = divmod(time_ns, _NS)
    told = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return told + (f".{rest:09d}".rstrip("0") if rest else "") + "Z"


def body(
    alerts: Sequence[SentAlert],
    *,
    group: Labels,
    now_ns: int,
    receiver: str,
    external_url: str,
) -> dict[str, Any]:
    """Build the webhook's body of a group; at least one alert."""
    told = [_alert(alert, now_ns) for alert in alerts]
    inside = ", ".join(f'{name}="{_escaped(value)}"' for name, value in group)
    return {
        "receiver": receiver,
        "status": "firing" if any(one["status"] == "firing" for one in told) else "resolved",
        "alerts": told,
        "groupLabels": dict(group),
        "commonLabels": _common(dict(alert.labels) for alert in alerts),
        "commonAnnotations": _common(alert.annotations for alert in alerts),
        "externalURL": external_url,
        "version": "4",
        "groupKey": f"{{}}:{{{inside}}}",
        "truncatedAlerts": 0,
    }


def _alert(alert: SentAlert, now_ns: int) -> dict[str, Any]:
    resolved = alert.is_resolved(now_ns) and alert.ends_at_ns is not None
    return {
        "status": "resolved" if resolved else "firing",
        "labels": dict(alert.labels),
        "annotations": dict(sorted(alert.annotations.items())),
        "startsAt": rfc3339(alert.starts_at_ns),
        "endsAt": rfc3339(alert.ends_at_ns or 0) if resolved else ZERO_TIME,
        "generatorURL": alert.generator_url,
        "fingerprint": fingerprint(alert.labels),
    }


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _common(each: Iterable[Mapping[str, str]]) -> dict[str, str]:
    first, *others = each
    return {
        name: value
        for name, value in sorted(first.items())
        if all(other.get(name) == value for other in others)
    }
