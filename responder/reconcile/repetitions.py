"""Notifications that say again, to the byte, what is stored: answered without looking inside.

Alertmanager repeats itself by design, in a storm most of all. The same bytes mean the same as long
as the playbooks are the same and every incident that they led to still holds the same alerts.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from responder.alerts.notification import Notification
from responder.incidents.absorption import Absorbed
from responder.incidents.incident import AlertRecord
from responder.playbooks.schema import Playbook
from responder.reconcile.intake import Stored
from responder.reconcile.view import IncidentKey, View

_MOST_REMEMBERED: Final = 4096
_MOST_ALERTS: Final = 20_000
"""Inside of all incidents that are remembered: their alerts may have been replaced in the view."""


def is_no_news(notification: Notification, stored: Sequence[Stored]) -> bool:
    """Tell whether a notification changed nothing and would not, sent again.

    A resolve that concerns nobody here is always looked up again: another replica may have stored
    its firing meanwhile. One that leaves alerts out may leave out others each time.
    """
    if notification.truncated_alerts:
        return False
    known = all(told.what is Absorbed.KNOWN and not told.message for told in stored)
    return known and all(alert.status == "firing" for alert in notification.alerts)


@dataclass(frozen=True, slots=True)
class _Witness:
    """What must still be so of one incident."""

    key: IncidentKey
    uid: str
    closed: bool
    alerts: Mapping[str, AlertRecord]


@dataclass(frozen=True, slots=True)
class _Known:
    answer: str
    playbooks: Sequence[Playbook]
    witnesses: tuple[_Witness, ...]

    @property
    def alerts(self) -> int:
        return sum(len(witness.alerts) for witness in self.witnesses)


class Repetitions:
    """The newest notifications, by their digest, with what they came to."""

    def __init__(self, view: View, *, playbooks: Callable[[], Sequence[Playbook]]) -> None:
        self._view = view
        self._playbooks = playbooks
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._alerts = 0

    def answer(self, body: bytes) -> str | None:
        """Give the answer to a notification that changes nothing; None where it must be read."""
        digest = hashlib.blake2b(body, digest_size=16).digest()
        known = self._known.get(digest)
        if known is None:
            return None
        if known.playbooks is not self._playbooks() or not all(map(self._holds, known.witnesses)):
            self._forget(digest)
            return None
        self._known.move_to_end(digest)
        return known.answer

    def _holds(self, witness: _Witness) -> bool:
        incident = self._view.incidents.get(witness.key)
        return (
            incident is not None
            and incident.uid == witness.uid
            and incident.closed is witness.closed
            and not incident.deleting
            and (incident.alerts is witness.alerts or incident.alerts == witness.alerts)
        )

    def remember(self, body: bytes, answer: str, *, incidents: Sequence[IncidentKey]) -> None:
        """Keep the answer to a notification of which nothing was news."""
        witnesses = []
        for key in incidents:
            incident = self._view.incidents.get(key)
            if incident is None:
                return
            witnesses.append(_Witness(key, incident.uid, incident.closed, incident.alerts))
        digest = hashlib.blake2b(body, digest_size=16).digest()
        self._forget(digest)
        known = _Known(answer, self._playbooks(), tuple(witnesses))
        self._known[digest] = known
        self._alerts += known.alerts
        while self._known and (len(self._known) > _MOST_REMEMBERED or self._alerts > _MOST_ALERTS):
            self._forget(next(iter(self._known)))

    def _forget(self, digest: bytes) -> None:
        known = self._known.pop(digest, None)
        if known is not None:
            self._alerts -= known.alerts
