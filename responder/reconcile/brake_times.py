"""How long each brake took: from a notification's arrival to its last patch committed."""

import time
from collections.abc import Callable

from responder.incidents.status import TargetState
from responder.metrics import Metrics
from responder.reconcile.outcomes import Outcomes
from responder.reconcile.view import IncidentKey, View


class BrakeTimes:
    """Measures each incident once, where this replica both took the alert in and held."""

    def __init__(
        self,
        view: View,
        outcomes: Outcomes,
        metrics: Metrics,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._view = view
        self._outcomes = outcomes
        self._metrics = metrics
        self._received: dict[IncidentKey, float] = {}
        self._taken: dict[IncidentKey, float] = {}

    def begin(self, key: IncidentKey, received: float) -> None:
        """Take note of when an incident's notification came in (monotonic)."""
        self._received.setdefault(key, received)
        # The watch may have told of it, and the brake been pulled, before our own answer came.
        self.note(key)

    def note(self, key: IncidentKey) -> None:
        """Measure, if the last target of the incident is in now."""
        incident = self._view.incidents.get(key)
        if incident is None or key not in self._received:
            return
        targets = self._view.concerned(incident)
        if targets and self._outcomes.all_in(key, targets) and self._is_applied(key):
            seconds = self._monotonic() - self._received.pop(key)
            self._taken[key] = seconds
            self._metrics.brake_seconds.observe(seconds)

    def seconds(self, key: IncidentKey) -> float | None:
        return self._taken.get(key)

    def forget(self, key: IncidentKey) -> None:
        self._received.pop(key, None)
        self._taken.pop(key, None)

    def _is_applied(self, key: IncidentKey) -> bool:
        return all(
            target.state is TargetState.APPLIED
            for outcome in self._outcomes.of(key).values()
            for target in outcome.targets
        )
