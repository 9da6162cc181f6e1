"""Alerts of which no notification came, stored as if it had: one incident after the other.

One that can't be stored now stops no other, and is found again next time.
"""

import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from datetime import datetime

from responder.alerts.notification import Alert
from responder.cluster.failures import ApiFailure
from responder.incidents.absorption import Absorbed, Absorption
from responder.incidents.incident import Incident
from responder.incidents.recovery import lost_firings, lost_resolves
from responder.incidents.transitions import moment
from responder.reconcile.intake import Intake, Stored, TakeIn
from responder.reconcile.view import IncidentKey, View

_IS_LACKING = frozenset({Absorbed.OPEN, Absorbed.CHANGE, Absorbed.TERMINATING})


class Recovery:
    """Behind the door: what it was never told, or never took."""

    def __init__(self, intake: Intake, view: View, *, now: Callable[[], datetime]) -> None:
        self._intake = intake
        self._view = view
        self._now = now

    def lacks(self, alert: Alert, *, heard_before: datetime) -> bool:
        """Tell whether some incident should hold a firing alert and, as far as is known, doesn't.

        Its incident may be deleted just now; then it is lacking still.
        """
        take_in = self._taking_in(heard_before)
        for group in self._intake.grouped([alert]):
            current = self._view.newest(self._intake.namespace, group.matter.identity.stem)
            found = take_in(current, group.alerts, sender="", now=moment(self._now()))
            if found.what in _IS_LACKING:
                return True
        return False

    async def firings(
        self, alerts: Iterable[Alert], *, heard_before: datetime, sender: str, receiver: str
    ) -> AsyncGenerator[Stored | ApiFailure, None]:
        """Store alerts that fire, as told by a sender to a receiver.

        What was said of one since `heard_before` counts more.
        """
        take_in = self._taking_in(heard_before)
        for group in self._intake.grouped(alerts):
            taken = self._intake.take(
                group, sender=sender, receiver=receiver, received=0.0, take_in=take_in
            )
            yield await _or_why_not(taken)

    @staticmethod
    def _taking_in(heard_before: datetime) -> TakeIn:
        return functools.partial(lost_firings, heard_before=heard_before)

    async def resolves(
        self,
        fingerprints: Iterable[str],
        *,
        is_asked: Callable[[str], bool],
        heard_before: datetime,
    ) -> AsyncGenerator[Stored | ApiFailure, None]:
        """Store resolves in the incidents that hold the alerts to be firing.

        They count for senders that were asked, where these said nothing new since `heard_before`.
        An incident that is not known here yet holds nothing that is older.
        """
        inside: dict[IncidentKey, tuple[Incident, set[str]]] = {}
        for fingerprint in fingerprints:
            for incident in self._view.holding_alert(fingerprint):
                if incident.alerts[fingerprint].firing:
                    key = IncidentKey(incident.namespace, incident.name)
                    inside.setdefault(key, (incident, set()))[1].add(fingerprint)
        for incident, lost in inside.values():
            decide = functools.partial(
                self._resolved, lost=lost, is_asked=is_asked, heard_before=heard_before
            )
            yield await _or_why_not(self._intake.change(incident, decide, frozenset(lost)))

    def _resolved(
        self,
        current: Incident | None,
        *,
        lost: Collection[str],
        is_asked: Callable[[str], bool],
        heard_before: datetime,
    ) -> Absorption:
        return lost_resolves(
            current,
            lost,
            is_asked=is_asked,
            heard_before=heard_before,
            now=moment(self._now()),
        )


async def _or_why_not(storing: Awaitable[Stored]) -> Stored | ApiFailure:
    try:
        return await storing
    except ApiFailure as failure:
        return failure
