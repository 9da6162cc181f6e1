"""Incidents on their way into the cluster: decided, written, and decided again where that was late.

A write that may have been carried out is looked up by its own token before anything is said of it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

import structlog

from responder.cluster.api import KubernetesApi
from responder.cluster.failures import (
    AlreadyExists,
    Conflict,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
from responder.cluster.resources import INCIDENTS
from responder.errors import NotPossible, Problem
from responder.holds.objects import MANAGER, JsonObject
from responder.incidents.absorption import Absorbed, Absorption
from responder.incidents.identity import Identity, ordinal_of
from responder.incidents.incident import Incident
from responder.incidents.requests import Request, Wish
from responder.incidents.stored import body_of, read_incident
from responder.incidents.wishing import is_noted, why_not
from responder.reconcile.view import IncidentKey, View

_MOST_TRIES: Final = 12
_AT_ONCE: Final = 12
"""Incidents being stored at one time, of all requests together: with what the conductor has under
way it stays within the client's turns, so that no write waits there until it is given up."""

log = structlog.get_logger()

Decide = Callable[[Incident | None], Absorption]
Opening = Callable[[int, Absorption], Incident]


@dataclass(frozen=True, slots=True)
class Stored:
    """What was done for one incident."""

    incident: str
    playbook: str
    what: Absorbed
    message: str = ""
    """Why it can't be stored, ever; empty where it is."""
    fingerprints: frozenset[str] = frozenset()
    """The alerts that it was about."""


class NotNow(Unavailable):
    """Nothing was refused: the same request is welcome again later."""


class Store:
    """Writes what the door decides, one write at a time for each identity."""

    def __init__(
        self,
        *,
        api: KubernetesApi,
        view: View,
        namespace: str,
        on_stored: Callable[[Incident, float], None],
    ) -> None:
        self._api = api
        self._view = view
        self._namespace = namespace
        self._on_stored = on_stored
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def until_stored(
        self,
        identity: Identity,
        decide: Decide,
        opening: Opening,
        *,
        received: float,
        known: Incident | None = None,
    ) -> Stored:
        """Decide about an identity's newest incident, or about a `known` one, and write that.

        Raises NotNow or another Unavailable where it can't be written now.
        """
        current = known or self._view.newest(self._namespace, identity.stem)
        absorption = decide(current)
        if absorption.what in (Absorbed.KNOWN, Absorbed.STAYS_CLOSED):
            return _nothing(identity, current, absorption)
        # Alerts of one incident often come in several notifications at once. One after the other,
        # each is decided on what the one before it wrote, and none has to be decided twice.
        turn = self._turns.setdefault(identity.stem, asyncio.Lock())
        async with turn, self._room:
            if known is not None:
                key = IncidentKey(known.namespace, known.name)
                current = self._view.incidents.get(key, known)
            else:
                current = self._view.newest(self._namespace, identity.stem)
            return await self._decide_and_write(
                identity, current, decide, opening, received=received
            )

    async def _decide_and_write(
        self,
        identity: Identity,
        current: Incident | None,
        decide: Decide,
        opening: Opening,
        *,
        received: float,
    ) -> Stored:
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
                    return _nothing(identity, current, absorption)
            except (AlreadyExists, Conflict):
                current = await self._read(name)
                continue
            except NotFound:
                self._view.drop_incident(IncidentKey(self._namespace, name))
                current = self._view.newest(self._namespace, identity.stem)
                continue
            except (Invalid, TooLarge) as never:
                log.warning("incident_not_storable", incident=name, why=never.message[:1000])
                return Stored(name, identity.playbook, absorption.what, never.message[:1000])
            self._view.put_incident(incident)
            self._on_stored(incident, received)
            log.info(
                "incident_stored",
                incident=name,
                playbook=identity.playbook,
                outcome=str(absorption.what),
                firing=incident.firing,
                omitted=incident.alerts_omitted,
            )
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
        spec: JsonObject = {"alerts": _alerts_patch(current, absorption)}
        if absorption.omitted != current.alerts_omitted:
            spec["alertsOmitted"] = absorption.omitted
        return await self._patch(current, spec)

    async def _patch(self, current: Incident, spec: JsonObject) -> Incident:
        answer = await self._api.merge_patch(
            INCIDENTS,
            namespace=current.namespace,
            name=current.name,
            body={"metadata": {"resourceVersion": current.resource_version}, "spec": spec},
            field_manager=MANAGER,
        )
        return read_incident(answer)

    async def _read(self, name: str) -> Incident | None:
        try:
            live = await self._api.get(INCIDENTS, namespace=self._namespace, name=name)
        except NotFound:
            self._view.drop_incident(IncidentKey(self._namespace, name))
            return None
        incident = read_incident(live)
        self._view.put_incident(incident)
        return incident

    async def ask(
        self, name: str, wish: Wish, request: Request, *, review_at: str = ""
    ) -> Incident:
        """Note a person's wish; one that was noted before and still counts stands.

        Raises NotFound where there is nothing, and NotPossible where it can't be asked for.
        """
        for _ in range(_MOST_TRIES):
            current = await self._read(name)
            if current is None:
                raise NotFound(f"no incident {name}")
            if is_noted(current, wish):
                return current
            why = why_not(current, wish)
            if why:
                raise NotPossible([Problem(f"{name} {why}", field=str(wish))])
            told = request.to_json() | ({"until": review_at} if review_at else {})
            try:
                incident = await self._patch(current, {str(wish): told})
            except Conflict:
                continue
            self._view.put_incident(incident)
            log.info("asked_for", wish=str(wish), incident=name, by=request.by)
            return incident
        raise NotNow(f"the incident {name} is being written by others; try again")


def _nothing(identity: Identity, current: Incident | None, absorption: Absorption) -> Stored:
    name = identity.name(1) if current is None else current.name
    return Stored(name, identity.playbook, absorption.what)


def _alerts_patch(current: Incident, absorption: Absorption) -> JsonObject:
    """Write the alerts that change; a merge patch keeps whatever it does not say is gone."""
    alerts: JsonObject = dict.fromkeys(absorption.evicted)
    for key, after in absorption.alerts.items():
        alerts[key] = after.to_json()
        before = current.alerts.get(key)
        if before is not None:
            silent = before.senders.keys() - after.senders.keys()
            alerts[key]["senders"] |= dict.fromkeys(sorted(silent))
    return alerts
