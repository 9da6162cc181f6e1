"""Events as they were recorded, for tests."""

from responder.cluster.event_series import EventType
from responder.cluster.events import EventRecorder
from tests.reconcile.objects import Json


class Events(EventRecorder):
    """Keeps reason and note of each, and sends nothing."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def record(
        self,
        *,
        regarding: Json,
        type: EventType,  # noqa: A002 -- the field's name in the API
        reason: str,
        action: str,
        note: str,
    ) -> None:
        del regarding, type, action
        self.told.append((reason, note))
