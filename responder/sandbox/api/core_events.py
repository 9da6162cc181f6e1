"""Events of events.k8s.io as the core group shows them, which is where `kubectl describe` looks."""

from collections.abc import Mapping
from typing import Any

from responder.sandbox.api.failures import Json


def core_event(event: Mapping[str, Any]) -> Json:
    """Give an Event in its older form."""
    series = event.get("series") or {}
    last = series.get("lastObservedTime") or event.get("eventTime")
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": event["metadata"],
        "involvedObject": event.get("regarding") or {},
        "reason": event.get("reason", ""),
        "message": event.get("note", ""),
        "source": {"component": event.get("reportingController", "")},
        "firstTimestamp": _seconds(event.get("eventTime")),
        "lastTimestamp": _seconds(last),
        "count": series.get("count", 1),
        "type": event.get("type", "Normal"),
        "eventTime": event.get("eventTime"),
        "action": event.get("action", ""),
        "reportingComponent": event.get("reportingController", ""),
        "reportingInstance": event.get("reportingInstance", ""),
        **({"series": event["series"]} if series else {}),
    }


def _seconds(moment: Any) -> str | None:  # noqa: ANN401 -- any JSON
    return f"{str(moment)[:19]}Z" if moment else None
