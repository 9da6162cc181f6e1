"""What the conductor makes of sights: the incident's record, and the words when it changes."""

from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from responder.cluster.events import EventRecorder
from responder.holds.objects import MANAGER
from responder.incidents.confirmation import CONFIRMED, NOT_CONFIRMED, NOTHING_KNOWN, Sight
from responder.incidents.confirming import followed
from responder.incidents.incident import Incident
from responder.incidents.status import Condition, Entry, Status
from responder.incidents.summary import is_applied
from responder.incidents.transitions import moment, noted
from responder.metrics import Metrics
from responder.reconcile.announcing import announce_incident
from responder.reconcile.looking import Looking

_SEEN: Final = "Seen"
_WORDS: Final = {_SEEN: CONFIRMED, NOT_CONFIRMED: NOT_CONFIRMED, NOTHING_KNOWN: "NotKnown"}
"""What the timeline says, by the condition's reason."""

log = structlog.get_logger()


class Confirmations:
    """Whether brakes take hold, from what is looked at to what people are told."""

    def __init__(self, *, looking: Looking, events: EventRecorder, metrics: Metrics) -> None:
        self._looking = looking
        self._events = events
        self._metrics = metrics

    @property
    def within_seconds(self) -> float:
        return self._looking.within_seconds

    def followed(self, incident: Incident, *, now: datetime) -> tuple[Status, tuple[Sight, ...]]:
        """Carry an incident's record on; gives its status and what is seen of its holds."""
        status = incident.status
        if not incident.acts:
            return status, ()
        sights = () if status.confirmation.confirmed_at else self._looking.sights(incident)
        applied = is_applied(incident, status.targets)
        record = followed(incident, sights, applied=applied, now=now)
        if record.turn != status.confirmation.turn and status.confirmation.confirmed_at:
            sights = self._looking.sights(incident)
        return replace(status, confirmation=record), sights

    def told(self, incident: Incident, status: Status, *, now: datetime) -> Status:
        """Note in the timeline what has become of the effect; `incident` is as it was before."""
        found = _news(incident, status)
        if found is None:
            return status
        entry = Entry(moment(now), _WORDS[found.reason], found.message, MANAGER)
        return replace(status, timeline=noted(status.timeline, entry))

    def announce(self, incident: Incident, status: Status) -> None:
        """Tell it everywhere else, once the status that says so is written."""
        found = _news(incident, status)
        if found is None:
            return
        loud = found.reason == NOT_CONFIRMED
        tell = log.warning if loud else log.info
        milliseconds = status.confirmation.milliseconds
        tell(
            "confirmation",
            incident=incident.name,
            confirmed=found.status,
            reason=found.reason,
            message=found.message,
            milliseconds=milliseconds,
        )
        if found.reason == _SEEN and milliseconds is not None:
            self._metrics.confirm_seconds.observe(milliseconds / 1000)
        if found.reason != _SEEN:
            self._metrics.not_confirmed.labels(reason=found.reason).inc()
        announce_incident(
            self._events,
            incident,
            reason=_WORDS[found.reason],
            note=found.message,
            type_="Warning" if loud else "Normal",
        )


def _news(incident: Incident, status: Status) -> Condition | None:
    """Give the condition where it has come to something else that people are told."""
    was = incident.condition(CONFIRMED)
    found = next((one for one in status.conditions if one.type == CONFIRMED), None)
    if found is None or found.reason not in _WORDS:
        return None
    return found if was is None or was.reason != found.reason else None
