"""What an Event says, and when repeating it makes a series of it instead of another Event."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from responder.cluster.resources import JsonObject

EventType = Literal["Normal", "Warning"]
CONTROLLER = "campaign-responder.dev/responder"

_LONGEST_WORD_BYTES = 128
_LONGEST_NOTE_BYTES = 1024
_LONGEST_NAME = 253
_CUT = "…"
_SERIES_ENDS_SECONDS = 360.0
"""As in client-go: what comes again later than this is an Event of its own."""
_MOST_SERIES = 4096
_MOST_PER_OBJECT = 25
_BUDGET_SECONDS = 300.0


@dataclass(slots=True, eq=False)
class Series:
    """One Event with what is needed to write it; `sent` is the count that the server has."""

    namespace: str
    name: str
    regarding: JsonObject
    type: EventType
    reason: str
    action: str
    note: str
    first_at: datetime
    last_at: datetime
    heard_at: float
    count: int = 1
    sent: int = 0
    waits: bool = False
    """It is queued or being sent."""

    def body(self, *, instance: str) -> JsonObject:
        """The whole Event, for a create. `instance` tells which replica reports."""
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"namespace": self.namespace, "name": self.name},
            "eventTime": micro_time(self.first_at),
            "reportingController": CONTROLLER,
            "reportingInstance": cut(instance, _LONGEST_WORD_BYTES),
            "regarding": self.regarding,
            "type": self.type,
            "reason": cut(self.reason, _LONGEST_WORD_BYTES),
            "action": cut(self.action, _LONGEST_WORD_BYTES),
            "note": cut(self.note, _LONGEST_NOTE_BYTES),
        }
        return body | self.patch() if self.count > 1 else body

    def patch(self) -> JsonObject:
        """The only part that may change once it is stored."""
        return {"series": {"count": self.count, "lastObservedTime": micro_time(self.last_at)}}

    def rename(self) -> None:
        """A fresh name: ours to choose, so that a create that came through twice is one Event."""
        self.name = _event_name(self.regarding)
        self.sent = 0


@dataclass(slots=True)
class SeriesTable:
    """The recent Events by what they say; bounded, and so is what one object may get.

    The note counts among what they say: an Event whose note could change would lose it, since
    nothing but its series may.
    """

    _series: OrderedDict[tuple[str, ...], Series] = field(default_factory=OrderedDict)
    _spent: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)

    def add(
        self,
        *,
        regarding: JsonObject,
        type: EventType,  # noqa: A002 -- the field's name in the API
        reason: str,
        action: str,
        note: str,
        at: datetime,
        heard_at: float,
    ) -> Series | None:
        """The new or repeated Event (`count` > 1); None if its object has had its share.

        `heard_at` is monotonic, in seconds.
        """
        subject = str(regarding.get("uid") or (regarding.get("kind"), regarding.get("name")))
        key = (subject, type, reason, action, note)
        series = self._series.get(key)
        if series is not None and heard_at - series.heard_at < _SERIES_ENDS_SECONDS:
            series.count += 1
            series.last_at, series.heard_at = at, heard_at
            self._series.move_to_end(key)
            return series
        if not self._may(subject, heard_at):
            return None
        series = Series(
            namespace=str(regarding.get("namespace") or "default"),
            name=_event_name(regarding),
            regarding=regarding,
            type=type,
            reason=reason,
            action=action,
            note=note,
            first_at=at,
            last_at=at,
            heard_at=heard_at,
        )
        self._series[key] = series
        self._series.move_to_end(key)
        if len(self._series) > _MOST_SERIES:
            self._series.popitem(last=False)
        return series

    def _may(self, subject: str, now: float) -> bool:
        since, spent = self._spent.get(subject, (now, 0))
        if now - since >= _BUDGET_SECONDS:
            since, spent = now, 0
        if spent >= _MOST_PER_OBJECT:
            return False
        self._spent[subject] = (since, spent + 1)
        if len(self._spent) > _MOST_SERIES:
            self._spent.popitem(last=False)
        return True


def reference(obj: JsonObject) -> JsonObject:
    """What an Event is about, from the object itself.

    `kubectl describe` finds Events by the uid, and a custom resource's only with the namespace.
    """
    metadata = obj["metadata"]
    fields = {
        "apiVersion": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        "namespace": metadata.get("namespace"),
        "name": metadata.get("name"),
        "uid": metadata.get("uid"),
    }
    return {key: value for key, value in fields.items() if value}


def micro_time(at: datetime) -> str:
    """With exactly six digits, or the server answers 400; `at` must be aware."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def cut(text: str, longest_bytes: int) -> str:
    """At most so many bytes of UTF-8 (what the server counts), no half character, marked if cut."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= longest_bytes:
        return encoded.decode()
    room = longest_bytes - len(_CUT.encode())
    return encoded[:room].decode(errors="ignore") + _CUT


def _event_name(regarding: JsonObject) -> str:
    suffix = f".{secrets.token_hex(8)}"
    stem = str(regarding.get("name") or "responder")[: _LONGEST_NAME - len(suffix)].rstrip("-.")
    return f"{stem}{suffix}"
