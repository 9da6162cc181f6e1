"""Taking in what senders and people ask for: 2xx may be said once this returns, not before.

Each incident that a notification opens or changes is stored in one durable write of its own; one
that can't be stored ever is reported and drops none of its neighbours.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from responder.alerts.notification import Alert, Notification
from responder.cluster.api import KubernetesApi
from responder.cluster.failures import (
    AlreadyExists,
    ApiFailure,
    Conflict,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
from responder.cluster.resources import INCIDENTS
from responder.holds.objects import MANAGER, JsonObject
from responder.incidents.absorption import Absorbed, Absorption, absorb
from responder.incidents.identity import Identity, ordinal_of
from responder.incidents.incident import (
    MOST_TEXT_CHARACTERS,
    AlertRecord,
    Incident,
    Request,
    Resume,
    Status,
    Trigger,
)
from responder.incidents.lifecycle import moment
from responder.incidents.stored import body_of, read_incident
from responder.playbooks.aliases import with_aliases
from responder.playbooks.rendering import render
from responder.playbooks.schema import Playbook
from responder.playbooks.selection import Selection
from responder.reconcile.view import IncidentKey, View

_MOST_TRIES: Final = 12
_AT_ONCE: Final = 12
"""Incidents being stored at one time, of all requests together: with what the conductor has under
way it stays within the client's turns, so that no write waits there until it is given up."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Terms:
    """What applies to every incident, whoever asks."""

    namespace: str
    allowed_namespaces: frozenset[str]
    max_mode: str = "auto"
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """What was done for one incident."""

    incident: str
    playbook: str
    what: Absorbed
    message: str = ""
    """Why it can't be stored, ever; empty where it is."""


class NotNow(Unavailable):
    """Nothing was refused: the same request is welcome again later."""


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
    ) -> None:
        """`on_stored` gets each stored incident and when its request came in (monotonic)."""
        self._api = api
        self._view = view
        self._terms = terms
        self._playbooks = playbooks
        self._catch_up = catch_up
        self._now = now
        self._on_stored = on_stored
        self._room = asyncio.Semaphore(_AT_ONCE)
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
        sender = notification.external_url or "alertmanager"
        groups = self._grouped(notification)
        stored = await _all(
            self._store(
                identity,
                alerts,
                receiver=notification.receiver,
                sender=sender,
                received=received,
            )
            for identity, alerts in groups.items()
        )
        handled = {(told.incident) for told in stored}
        resolved = [alert for alert in notification.alerts if alert.status == "resolved"]
        return [*stored, *await self._resolve_elsewhere(resolved, sender, handled)]

    def _grouped(self, notification: Notification) -> dict[Identity, list[Alert]]:
        groups: dict[Identity, list[Alert]] = {}
        selection = self._selection()
        for alert in notification.alerts:
            labels = with_aliases(alert.labels, self._terms.aliases)
            for playbook in selection.matching(labels):
                groups.setdefault(identity_of(playbook, labels), []).append(alert)
        return groups

    def _selection(self) -> Selection:
        playbooks = self._playbooks()
        if self._selected is None or self._selected[0] is not playbooks:
            self._selected = (playbooks, Selection(playbooks))
        return self._selected[1]

    async def _store(
        self,
        identity: Identity,
        alerts: list[Alert],
        *,
        receiver: str,
        sender: str,
        received: float,
    ) -> Stored:
        playbooks = self._playbooks()

        def opening(ordinal: int, absorption: Absorption) -> Incident:
            rule = next(item for item in playbooks if item.name == identity.playbook)
            trigger = Trigger(
                kind="alertmanager", by=sender[:200], receiver=receiver[:MOST_TEXT_CHARACTERS]
            )
            return self.draft(
                rule, identity, ordinal=ordinal, trigger=trigger, alerts=absorption.alerts
            )

        def decide(current: Incident | None) -> Absorption:
            return absorb(current, alerts, sender=sender, now=moment(self._now()))

        return await self._until_stored(identity, decide, opening, received=received)

    async def _resolve_elsewhere(
        self, resolved: list[Alert], sender: str, handled: set[str]
    ) -> list[Stored]:
        """Take a resolve to every incident that holds the alert, whatever its playbook is now.

        Found by a consistent list: another replica may have stored the firing a moment ago.
        """
        news = [alert for alert in resolved if not self._is_known_resolved(alert, sender)]
        if not news:
            return []
        await self._catch_up()
        by_incident: dict[IncidentKey, list[Alert]] = {}
        for alert in news:
            for incident in self._view.holding_alert(alert.fingerprint):
                if incident.name not in handled and incident.alerts[alert.fingerprint].firing:
                    key = IncidentKey(incident.namespace, incident.name)
                    by_incident.setdefault(key, []).append(alert)
        return await _all(self._resolve(key, alerts, sender) for key, alerts in by_incident.items())

    def _is_known_resolved(self, alert: Alert, sender: str) -> bool:
        inside = self._view.holding_alert(alert.fingerprint)
        return bool(inside) and all(
            (said := incident.alerts[alert.fingerprint].senders.get(sender)) is not None
            and said.status == "resolved"
            for incident in inside
        )

    async def _resolve(self, key: IncidentKey, alerts: list[Alert], sender: str) -> Stored:
        incident = self._view.incidents[key]

        def decide(current: Incident | None) -> Absorption:
            if current is None:
                return Absorption(Absorbed.KNOWN)
            return absorb(current, alerts, sender=sender, now=moment(self._now()))

        return await self._until_stored(
            incident.identity, decide, _never_opens, received=0.0, known=incident
        )

    # -- people

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
        labels = with_aliases(labels, self._terms.aliases)
        identity = identity_of(playbook, labels, kind="manual")

        def opening(ordinal: int, _absorption: Absorption) -> Incident:
            trigger = Trigger(
                kind="manual",
                by=by[:MOST_TEXT_CHARACTERS],
                reason=reason[:MOST_TEXT_CHARACTERS],
            )
            return self.draft(playbook, identity, ordinal=ordinal, trigger=trigger, alerts={})

        def decide(current: Incident | None) -> Absorption:
            if current is None or current.closed:
                return Absorption(Absorbed.OPEN)
            letting_go = current.release is not None or current.status.letting_go is not None
            if current.deleting or letting_go:
                return Absorption(Absorbed.TERMINATING)
            return Absorption(Absorbed.KNOWN)

        stored = await self._until_stored(identity, decide, opening, received=received)
        key = IncidentKey(self._terms.namespace, stored.incident)
        return stored, self._view.incidents.get(key)

    async def release(self, key: IncidentKey, *, by: str, reason: str) -> Incident:
        """Ask for an incident to be given back; raises NotFound where there is none."""
        request = Request(at=moment(self._now()), by=by, reason=reason)
        answer = await self._api.merge_patch(
            INCIDENTS,
            namespace=key.namespace,
            name=key.name,
            body={"spec": {"release": request.to_json()}},
            field_manager=MANAGER,
        )
        incident = read_incident(answer)
        self._view.put_incident(incident)
        return incident

    # -- storing

    def draft(
        self,
        playbook: Playbook,
        identity: Identity,
        *,
        ordinal: int,
        trigger: Trigger,
        alerts: Mapping[str, AlertRecord],
    ) -> Incident:
        """Render a new incident, complete but for what the cluster adds."""
        rendering = render(
            playbook,
            dict(identity.labels),
            home_namespace=self._terms.namespace,
            allowed_namespaces=self._terms.allowed_namespaces,
        )
        policy = playbook.resume_policy
        return Incident(
            namespace=self._terms.namespace,
            name=identity.name(ordinal),
            uid="",
            resource_version="0",
            created_at="",
            deleting=False,
            finalized=False,
            identity=identity,
            mode=_capped(str(playbook.spec.mode), self._terms.max_mode),
            trigger=trigger,
            alerts=alerts,
            plan=rendering.asks,
            refusals=tuple(
                {
                    "verb": refusal.verb,
                    "reason": refusal.reason,
                    "message": refusal.message[:MOST_TEXT_CHARACTERS],
                }
                for refusal in rendering.refusals
            ),
            resume=Resume(
                manual=policy.manual,
                after_seconds=policy.after_seconds,
                needs_person=() if policy.manual else policy.reasons,
            ),
            received_at=moment(self._now()),
            token=secrets.token_hex(8),
            release=None,
            status=Status(),
        )

    async def _until_stored(
        self,
        identity: Identity,
        decide: Callable[[Incident | None], Absorption],
        opening: Callable[[int, Absorption], Incident],
        *,
        received: float,
        known: Incident | None = None,
    ) -> Stored:
        """Decide, write, and decide again on what is there wherever the write came too late."""
        async with self._room:
            return await self._decide_and_write(
                identity, decide, opening, received=received, known=known
            )

    async def _decide_and_write(
        self,
        identity: Identity,
        decide: Callable[[Incident | None], Absorption],
        opening: Callable[[int, Absorption], Incident],
        *,
        received: float,
        known: Incident | None,
    ) -> Stored:
        namespace = self._terms.namespace
        current = known or self._view.newest(namespace, identity.stem)
        for _ in range(_MOST_TRIES):
            absorption = decide(current)
            name = identity.name(1) if current is None else current.name
            if absorption.what is Absorbed.TERMINATING:
                raise NotNow(f"the incident {name} is being given back; try again")
            try:
                if absorption.what is Absorbed.OPEN:
                    ordinal = 1 if current is None else ordinal_of(current.name) + 1
                    name = identity.name(ordinal)
                    incident = await self._create(opening(ordinal, absorption))
                elif absorption.what is Absorbed.CHANGE and current is not None:
                    incident = await self._change(current, absorption)
                else:
                    return Stored(name, identity.playbook, absorption.what)
            except (AlreadyExists, Conflict):
                current = await self._read(name)
                continue
            except NotFound:
                self._view.drop_incident(IncidentKey(namespace, name))
                current = self._view.newest(namespace, identity.stem)
                continue
            except (Invalid, TooLarge) as never:
                log.warning("incident_not_storable", incident=name, why=never.message)
                return Stored(name, identity.playbook, absorption.what, message=never.message)
            self._view.put_incident(incident)
            self._on_stored(incident, received)
            return Stored(name, identity.playbook, absorption.what)
        raise NotNow(f"the incident {identity.stem} is being written by others; try again")

    async def _create(self, incident: Incident) -> Incident:
        try:
            answer = await self._api.create(
                INCIDENTS,
                namespace=incident.namespace,
                body=body_of(incident),
                field_manager=MANAGER,
            )
        except Unavailable as failure:
            if not failure.ambiguous:
                raise
            found = await self._read(incident.name)
            if found is None or found.token != incident.token:
                raise
            return found
        return read_incident(answer)

    async def _change(self, current: Incident, absorption: Absorption) -> Incident:
        alerts: JsonObject = {key: told.to_json() for key, told in absorption.alerts.items()}
        alerts |= dict.fromkeys(absorption.evicted)
        answer = await self._api.merge_patch(
            INCIDENTS,
            namespace=current.namespace,
            name=current.name,
            body={
                "metadata": {"resourceVersion": current.resource_version},
                "spec": {"alerts": alerts},
            },
            field_manager=MANAGER,
        )
        return read_incident(answer)

    async def _read(self, name: str) -> Incident | None:
        try:
            live = await self._api.get(INCIDENTS, namespace=self._terms.namespace, name=name)
        except NotFound:
            return None
        incident = read_incident(live)
        self._view.put_incident(incident)
        return incident


def identity_of(
    playbook: Playbook, labels: Mapping[str, str], *, kind: str = "alertmanager"
) -> Identity:
    """Give the identity of what a playbook does for these labels."""
    matter = {name: labels.get(name, "") for name in playbook.identity_labels}
    return Identity.of("manual" if kind == "manual" else "alertmanager", playbook.name, matter)


def _capped(mode: str, most: str) -> str:
    # Approval is not yet acted on: until it is, what would need one is observed.
    order = ("observe", "approve", "auto")
    capped = min(mode, most, key=order.index)
    return capped if capped == "auto" else "observe"


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
