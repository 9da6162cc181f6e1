"""Events are stored as events.k8s.io has them; core's view of the same ones is made here."""

from collections.abc import Iterator
from typing import Any, Final

from responder.sandbox.api import names
from responder.sandbox.api.failures import Cause
from responder.sandbox.api.kinds import Kind

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


_NOTE_LETTERS: Final = 1024
_WORD_LETTERS: Final = 128
_LEAST_REPEATS: Final = 2
_FOR_EVER: Final = (
    *("regarding", "related", "reason", "action", "note", "type", "eventTime"),
    *("reportingController", "reportingInstance"),
)


def mistakes(kind: Kind, event: Json, old: Json | None) -> Iterator[Cause]:
    """What is wrong with it; core's older ones have no time of their own and few rules."""
    yield from _place(kind, event.get("regarding", {}), event["metadata"].get("namespace", ""))
    if not event.get("eventTime"):
        if kind.group:
            yield Cause("FieldValueRequired", "Required value", "eventTime")
        return
    yield from _words(event)
    series = event.get("series")
    if series is not None:
        if series.get("count", 0) < _LEAST_REPEATS:
            yield _invalid("series.count", f"should be at least {_LEAST_REPEATS}")
        if not series.get("lastObservedTime"):
            yield Cause("FieldValueRequired", "Required value", "series.lastObservedTime")
    for key in _FOR_EVER if old is not None else ():
        if old is not None and event.get(key) != old.get(key):
            told_as = _TO_CORE[key] if key in ("regarding", "note") else key
            yield _invalid(told_as, "field is immutable")


def _place(kind: Kind, about: Json, namespace: str) -> Iterator[Cause]:
    """An event of what is in no namespace is in `default`; only core minds another namespace."""
    there = about.get("namespace", "")
    wrong = there != namespace and not kind.group if there else namespace != "default"
    if wrong:
        told = f'Invalid value: "{there}": does not match event.namespace'
        yield Cause("FieldValueInvalid", told, "involvedObject.namespace")


def _words(event: Json) -> Iterator[Cause]:
    controller = event.get("reportingController", "")
    if not controller:
        yield Cause("FieldValueRequired", "Required value", "reportingController")
    for fault in names.key_faults(controller):
        told = f'Invalid value: "{controller}": {fault}'
        yield Cause("FieldValueInvalid", told, "reportingController")
    for key in ("reportingInstance", "action", "reason"):
        word = event.get(key, "")
        if not word:
            yield Cause("FieldValueRequired", "Required value", key)
        if len(word) > _WORD_LETTERS:
            yield _invalid(key, f"can have at most {_WORD_LETTERS} characters")
    if event.get("type") not in ("Normal", "Warning"):
        yield _invalid("type", f"has invalid value: {event.get('type')}")
    if len(event.get("note", "")) > _NOTE_LETTERS:
        yield _invalid("message", f"can have at most {_NOTE_LETTERS} characters")


def _invalid(field: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", f'Invalid value: "": {why}', field)
