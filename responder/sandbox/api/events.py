"""Events are stored as events.k8s.io has them; core's view of the same ones is made here."""

from typing import Any, Final

Json = dict[str, Any]
_TO_CORE: Final = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "deprecatedSource": "source",
}
_FROM_CORE: Final = {core: new for new, core in _TO_CORE.items()}


def as_core(event: Json) -> Json:
    """As v1 shows it."""
    shown = {_TO_CORE.get(key, key): value for key, value in event.items()}
    return {"source": {}, **shown, "apiVersion": "v1"}


def from_core(event: Json) -> Json:
    """As it is stored."""
    return {_FROM_CORE.get(key, key): value for key, value in event.items()}
