"""Taking in what senders and people ask for: 2xx may be said once this returns, not before.

Each incident that a notification opens or changes is stored in one durable write of its own; one
that can't be stored ever is reported and drops none of its neighbours.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from responder.alerts.notification import Alert, Notification
from responder.cluster.api import KubernetesApi
from responder.cluster.failures import ApiFailure
from responder.evidence.metric import Metric
from responder.incidents.absorption import Absorbed, Absorption, absorb, is_known_resolved
from responder.incidents.bounds import MOST_TEXT_CHARACTERS, sender_name
from responder.incidents.identity import Identity
from responder.incidents.incident import Incident
from responder.incidents.requests import Request, Trigger, Wish
from responder.incidents.transitions import moment
from responder.playbooks.schema import Playbook
from responder.playbooks.selection import Selection
from responder.reconcile.budgeting import Budgeting
from responder.reconcile.drafting import Drafting, Matter, Terms
from responder.reconcile.storing import Decide, NotNow, Store, Stored
from responder.reconcile.view import IncidentKey, View

__all__ = ["Intake", "NotNow", "Stored", "Terms"]


@dataclass(slots=True)
class Group:
    """Alerts that came or were found together, and belong to one incident."""

    matter: Matter
    alerts: list[Alert] = field(default_factory=list)


class TakeIn(Protocol):
    """What alerts do to the newest incident of their identity."""

    def __call__(
        self, current: Incident | None, alerts: Iterable[Alert], *, sender: str, now: str
    ) -> Absorption: ...


class Intake:
    """Turns alerts and triggers into stored incidents."""

    def __init__(
        self,
        *,
        api: KubernetesApi,
        view: View,
        terms: Terms,
        playbooks: Callable[[], Sequence[Playbook]],
        catch_up: Callable[[], Awaitable[None]],
        now: Callable[[], datetime],
        on_stored: Callable[[Incident, float], None],
        metrics: Callable[[], Mapping[str, Metric]] = dict,
    ) -> None:
        """`on_stored` gets each stored incident and when its request came in (monotonic)."""
        self._view = view
        self._terms = terms
        self._playbooks = playbooks
        self._catch_up = catch_up
        self._now = now
        self._drafting = Drafting(terms, now=now, metrics=metrics)
        self._store = Store(api=api, view=view, namespace=terms.namespace, on_stored=on_stored)
        self._budgeting = Budgeting(terms.budgets, view, now=now)
        self._selected: tuple[Sequence[Playbook], Selection] | None = None

    @property
    def namespace(self) -> str:
        """Where incidents are kept."""
        return self._terms.namespace

    # -- alerts

    async def accept(self, notification: Notification, *, received: float) -> list[Stored]:
        """Store what a notification opens or changes.

        Raises NotNow or another Unavailable where something could not be stored now; what was
        stored by then is recognised when the sender repeats itself.
        """
        sender = sender_name(notification.external_url or "alertmanager")
        stored = await _all(
            self.take(group, sender=sender, receiver=notification.receiver, received=received)
            for group in self.grouped(notification.alerts)
        )
        resolved = [alert for alert in notification.alerts if alert.status == "resolved"]
        return [*stored, *await self._resolve_elsewhere(resolved, sender)]

    def grouped(self, alerts: Iterable[Alert]) -> list[Group]:
        """Put together what belongs to one incident each, by the playbooks as they are now."""
        groups: dict[Identity, Group] = {}
        selection = self._selection()
        for alert in alerts:
            labels = self._drafting.labels(alert.labels)
            for playbook in selection.matching(labels):
                matter = self._drafting.matter(playbook, labels, kind="alertmanager")
                groups.setdefault(matter.identity, Group(matter)).alerts.append(alert)
        return list(groups.values())

    def _selection(self) -> Selection:
        playbooks = self._playbooks()
        if self._selected is None or self._selected[0] is not playbooks:
            self._selected = (playbooks, Selection(playbooks))
        return self._selected[1]

    async def take(
        self,
        group: Group,
        *,
        sender: str,
        receiver: str,
        received: float,
        take_in: TakeIn = absorb,
    ) -> Stored:
        """Store what alerts open or change; raises Unavailable."""

        def opening(ordinal: int, absorption: Absorption) -> Incident:
            incident = self._drafting.incident(
                group.matter,
                trigger=Trigger(kind="alertmanager", by=sender, receiver=receiver),
                ordinal=ordinal,
                alerts=absorption.alerts,
                alerts_omitted=absorption.omitted,
            )
            return self._budgeting.admitted(incident)

        def decide(current: Incident | None) -> Absorption:
            return take_in(current, group.alerts, sender=sender, now=moment(self._now()))

        with self._budgeting.reserving():
            stored = await self._store.until_stored(
                group.matter.identity, decide, opening, received=received
            )
        return replace(stored, fingerprints=_fingerprints(group.alerts))

    async def _resolve_elsewhere(self, resolved: list[Alert], sender: str) -> list[Stored]:
        """Take a resolve to every incident that holds the alert, whatever its playbook is now.

        Found by a consistent list: another replica may have stored the firing a moment ago.
        """
        news = [
            alert
            for alert in resolved
            if not is_known_resolved(
                alert, self._view.holding_alert(alert.fingerprint), sender=sender
            )
        ]
        if not news:
            return []
        await self._catch_up()
        inside: dict[IncidentKey, tuple[Incident, list[Alert]]] = {}
        for alert in news:
            for incident in self._view.holding_alert(alert.fingerprint):
                if incident.alerts[alert.fingerprint].firing:
                    key = IncidentKey(incident.namespace, incident.name)
                    inside.setdefault(key, (incident, []))[1].append(alert)
        return await _all(
            self._resolve(incident, alerts, sender) for incident, alerts in inside.values()
        )

    async def _resolve(self, incident: Incident, alerts: list[Alert], sender: str) -> Stored:
        def decide(current: Incident | None) -> Absorption:
            if current is None:
                return Absorption(Absorbed.KNOWN)
            return absorb(current, alerts, sender=sender, now=moment(self._now()))

        return await self.change(incident, decide, _fingerprints(alerts))

    async def change(
        self, incident: Incident, decide: Decide, fingerprints: frozenset[str]
    ) -> Stored:
        """Store what is decided about one incident that is there; raises Unavailable."""
        stored = await self._store.until_stored(
            incident.identity, decide, _never_opens, received=0.0, known=incident
        )
        return replace(stored, fingerprints=fingerprints)

    # -- people

    def draft(self, playbook: Playbook, labels: Mapping[str, str], *, trigger: Trigger) -> Incident:
        """Render what a playbook would open for these labels; nothing is stored."""
        labels = self._drafting.labels(labels)
        matter = self._drafting.matter(playbook, labels, kind=trigger.kind)
        return self._drafting.incident(matter, trigger=trigger)

    async def trigger(
        self,
        playbook: Playbook,
        labels: Mapping[str, str],
        *,
        reason: str,
        by: str,
        received: float,
    ) -> tuple[Stored, Incident | None]:
        """Open an incident by hand; one that is open already for the same labels is that one."""
        labels = self._drafting.labels(labels)
        matter = self._drafting.matter(playbook, labels, kind="manual")

        def opening(ordinal: int, _absorption: Absorption) -> Incident:
            trigger = Trigger(kind="manual", by=by, reason=reason)
            incident = self._drafting.incident(matter, trigger=trigger, ordinal=ordinal)
            return self._budgeting.admitted(incident)

        with self._budgeting.reserving():
            stored = await self._store.until_stored(
                matter.identity, _decide_by_hand, opening, received=received
            )
        key = IncidentKey(self._terms.namespace, stored.incident)
        return stored, self._view.incidents.get(key)

    async def ask(
        self, key: IncidentKey, wish: Wish, *, by: str, reason: str, later_seconds: float = 0
    ) -> Incident:
        """Note a person's wish about an incident; `later_seconds` says when an extended one is due.

        Raises NotFound where there is none, and NotPossible where it can't be asked for.
        """
        now = self._now()
        request = Request(
            at=moment(now), by=by[:MOST_TEXT_CHARACTERS], reason=reason[:MOST_TEXT_CHARACTERS]
        )
        review_at = moment(now + timedelta(seconds=later_seconds)) if wish is Wish.EXTEND else ""
        return await self._store.ask(key.name, wish, request, review_at=review_at)


def _decide_by_hand(current: Incident | None) -> Absorption:
    if current is None or current.closed:
        return Absorption(Absorbed.OPEN)
    if current.deleting:
        return Absorption(Absorbed.TERMINATING)
    if current.released_at or current.status.letting_go is not None:
        # Somebody let go, and now wants it held: the next one holds at once, beside it.
        return Absorption(Absorbed.OPEN)
    return Absorption(Absorbed.KNOWN)


def _fingerprints(alerts: Iterable[Alert]) -> frozenset[str]:
    return frozenset(alert.fingerprint for alert in alerts)


def _never_opens(_ordinal: int, _absorption: Absorption) -> Incident:
    raise AssertionError("a resolve opens no incident")


async def _all(work: Iterable[Coroutine[None, None, Stored]]) -> list[Stored]:
    """Do all of it, then raise the first failure: one that can't be stored now stops no other."""
    results = await asyncio.gather(*work, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, ApiFailure):
            raise failure
    if failures:
        raise failures[0]
    return [result for result in results if isinstance(result, Stored)]
