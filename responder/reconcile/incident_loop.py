"""The incident loop: one incident's next transition, and its status in one write.

The status tells what was decided and done; it is written after the brake, never before it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from responder.cluster.api import KubernetesApi
from responder.cluster.events import EventRecorder
from responder.cluster.failures import (
    ApiFailure,
    BadRequest,
    Conflict,
    NotFound,
    Unavailable,
)
from responder.cluster.resources import INCIDENTS
from responder.holds.objects import MANAGER, JsonObject
from responder.incidents.confirming import confirm_due_at
from responder.incidents.evidence import answers_for
from responder.incidents.incident import FINALIZER, Incident
from responder.incidents.lifecycle import advance, due_at, may_yet_hold, recounted
from responder.incidents.quiet import Quiet, with_quiet
from responder.incidents.status import Answer, Condition, Entry, Phase, Status
from responder.incidents.stored import body_of, read_incident
from responder.incidents.summary import PAST_REVIEW, conditions, entries_about
from responder.incidents.transitions import Facts, moment, noted, read_moment
from responder.incidents.withheld import with_withheld
from responder.reconcile.announcing import announce_incident
from responder.reconcile.budgeting import counted
from responder.reconcile.confirmations import Confirmations
from responder.reconcile.outcomes import Outcomes
from responder.reconcile.queue import Again
from responder.reconcile.view import IncidentKey, View
from responder.reconcile.witness import Witness

_MOST_TRANSITIONS: Final = 6

log = structlog.get_logger()


class IncidentLoop:
    """Advances incidents and writes their statuses."""

    def __init__(
        self,
        *,
        api: KubernetesApi,
        view: View,
        outcomes: Outcomes,
        events: EventRecorder,
        keep_closed: timedelta,
        now: Callable[[], datetime],
        look_again: Callable[[IncidentKey, float], None],
        brake_seconds: Callable[[IncidentKey], float | None] = lambda _key: None,
        answers: Callable[[Incident], Mapping[str, Answer]] = lambda _incident: {},
        over_budget: Callable[[Incident], str] = lambda _incident: "",
        quiet: Callable[[], Mapping[str, Quiet] | None] = lambda: None,
        withheld: Callable[[], str] = lambda: "",
        confirmations: Confirmations,
        witness: Witness | None = None,
    ) -> None:
        self._api = api
        self._view = view
        self._outcomes = outcomes
        self._events = events
        self._keep_closed = keep_closed
        self._now = now
        self._look_again = look_again
        self._brake_seconds = brake_seconds
        self._answers = answers
        self._over_budget = over_budget
        self._quiet = quiet
        self._withheld = withheld
        self._confirmations = confirmations
        self._witness = witness

    async def reconcile(self, key: IncidentKey) -> None:
        """Advance one incident as far as it goes now; raises Again where it must be tried again."""
        try:
            looked_at = self._now()
            for _ in range(_MOST_TRANSITIONS):
                looked_at = self._now()
                incident = self._view.incidents.get(key)
                if incident is None:
                    self._outcomes.forget(key)
                    return
                if not await self._step(key, incident, now=looked_at):
                    break
            self._plan_next(key, looked_at=looked_at)
        except NotFound:
            self._view.drop_incident(key)
        except Conflict as conflict:
            await self._read_again(key)
            raise Again(str(conflict), after_seconds=0.01) from conflict
        except Unavailable as failure:
            raise Again(str(failure), after_seconds=failure.retry_after) from failure
        except ApiFailure as failure:
            raise Again(str(failure)) from failure

    async def _step(self, key: IncidentKey, incident: Incident, *, now: datetime) -> bool:
        """Do one thing; tells whether there may be another."""
        if incident.closed or not incident.acts:
            if incident.finalized and (incident.closed or incident.deleting):
                await self._drop_finalizer(key, incident)
                return True
            if incident.closed:
                return await self._prune(key, incident)
        facts = await self._facts(key, incident)
        if incident.status.phase is Phase.NEW:
            transition = advance(incident, facts, now=now)
            status = incident.status if transition is None else transition.status
            status = self._with_targets(key, incident, status)
        else:
            # What was done to the targets comes before what follows from it.
            status = self._with_targets(key, incident, incident.status)
            transition = advance(replace(incident, status=status), facts, now=now)
            status = status if transition is None else transition.status
        if status.letting_go is None and incident.status.letting_go is not None:
            self._outcomes.reopen(key)
        answers = answers_for(replace(incident, status=status), facts.answers)
        status = self._with_conditions(incident, replace(status, answers=answers), now=now)
        if status == incident.status:
            return False
        with counted(self._view, incident, status):
            await self._write_status(key, incident, status)
        self._confirmations.announce(incident, status)
        if transition is not None:
            log.info(
                "incident_advanced",
                incident=incident.name,
                playbook=incident.playbook,
                phase=str(status.phase),
                reason=str(transition.reason),
            )
            announce_incident(
                self._events, incident, reason=str(transition.reason), note=status.message
            )
        return transition is not None

    async def _facts(self, key: IncidentKey, incident: Incident) -> Facts:
        meant = False
        if incident.deleting and incident.acts and may_yet_hold(incident):
            meant = await self._is_definition_served(incident)
        letting_go = incident.status.letting_go is not None
        targets = self._view.concerned(incident)
        given_back = letting_go and (not incident.acts or self._outcomes.given_back(key, targets))
        return Facts(
            given_back=given_back,
            deletion_meant=meant,
            answers=self._answers(incident),
            arming=self._view.arming,
            holds=self._outcomes.holds(key),
            over_budget=self._over_budget(incident)
            if incident.status.phase is Phase.PROPOSED
            else "",
        )

    async def _is_definition_served(self, incident: Incident) -> bool:
        """Tell a person's deletion from the removal of the resource definition itself.

        A definition that is terminating refuses creates (405), and nothing else shows it to a
        ServiceAccount that may not read definitions.
        """
        probe = body_of(replace(incident, name=f"{incident.identity.stem}-probe"))
        try:
            await self._api.create(
                INCIDENTS,
                namespace=incident.namespace,
                body=probe,
                field_manager=MANAGER,
                dry_run=True,
            )
        except BadRequest:
            log.warning("definition_terminating", incident=incident.name)
            return False
        except Conflict:
            return True
        return True

    def _with_targets(self, key: IncidentKey, incident: Incident, status: Status) -> Status:
        """Take into a status what became of the targets."""
        targets = self._outcomes.targets(incident, self._view) if incident.acts else ()
        told = replace(recounted(incident, status), targets=targets)
        if told.brake_milliseconds is None:
            seconds = self._brake_seconds(key)
            if seconds is not None:
                told = replace(told, brake_milliseconds=round(seconds * 1000))
        now = moment(self._now())
        for entry in entries_about(incident.status.targets, targets, now=now):
            told = replace(told, timeline=noted(told.timeline, entry))
        if self._witness is not None:
            told = self._witness.look(incident, told, now=self._now())
        return told

    def _with_conditions(self, incident: Incident, status: Status, *, now: datetime) -> Status:
        status, sights = self._confirmations.followed(replace(incident, status=status), now=now)
        found = conditions(
            replace(incident, status=status),
            status.targets,
            before=incident.status.conditions,
            now=now,
            sights=sights,
            confirm_within_seconds=self._confirmations.within_seconds,
        )
        if _is_past_review(found) and not _is_past_review(incident.status.conditions):
            message = next(one.message for one in found if one.type == PAST_REVIEW)
            entry = Entry(moment(now), PAST_REVIEW, message, MANAGER)
            status = replace(status, timeline=noted(status.timeline, entry))
            log.warning("past_review", incident=incident.name, message=message)
            announce_incident(
                self._events, incident, reason=PAST_REVIEW, note=message, type_="Warning"
            )
        about = replace(incident, status=replace(status, conditions=incident.status.conditions))
        found = with_quiet(about, self._quiet(), found, now=moment(now))
        found = with_withheld(about, self._withheld(), found, now=moment(now))
        return self._confirmations.told(incident, replace(status, conditions=found), now=now)

    async def _write_status(self, key: IncidentKey, incident: Incident, status: Status) -> None:
        patch: JsonObject = {
            "metadata": {"resourceVersion": incident.resource_version},
            "status": status.to_json(),
        }
        answer = await self._api.merge_patch(
            INCIDENTS,
            namespace=key.namespace,
            name=key.name,
            body=patch,
            field_manager=MANAGER,
            subresource="status",
        )
        self._view.put_incident(read_incident(answer))

    async def _drop_finalizer(self, key: IncidentKey, incident: Incident) -> None:
        live = await self._api.get(INCIDENTS, namespace=key.namespace, name=key.name)
        if live["metadata"]["uid"] != incident.uid:
            # Another one of the same name: this one is gone already.
            self._view.drop_incident(key, uid=incident.uid)
            return
        found = live["metadata"].get("finalizers") or []
        patch: JsonObject = {
            "metadata": {
                "resourceVersion": live["metadata"]["resourceVersion"],
                "finalizers": [item for item in found if item != FINALIZER],
            }
        }
        answer = await self._api.merge_patch(
            INCIDENTS, namespace=key.namespace, name=key.name, body=patch, field_manager=MANAGER
        )
        if incident.deleting:
            self._view.drop_incident(key, uid=incident.uid)
        else:
            self._view.put_incident(read_incident(answer))

    async def _prune(self, key: IncidentKey, incident: Incident) -> bool:
        closed_at = read_moment(incident.status.closed_at)
        if closed_at is None:
            return False
        left = (closed_at + self._keep_closed - self._now()).total_seconds()
        if left > 0:
            self._look_again(key, left)
            return False
        await self._api.delete(INCIDENTS, namespace=key.namespace, name=key.name, uid=incident.uid)
        self._view.drop_incident(key, uid=incident.uid)
        return True

    async def _read_again(self, key: IncidentKey) -> None:
        try:
            live = await self._api.get(INCIDENTS, namespace=key.namespace, name=key.name)
        except NotFound:
            self._view.drop_incident(key)
            return
        self._view.put_incident(read_incident(live))

    def _plan_next(self, key: IncidentKey, *, looked_at: datetime) -> None:
        incident = self._view.incidents.get(key)
        if incident is None:
            return
        within = self._confirmations.within_seconds
        times = (
            due_at(incident, now=looked_at),
            confirm_due_at(incident, now=looked_at, within_seconds=within),
        )
        due = min((time for time in times if time is not None), default=None)
        if due is not None:
            left = (due - self._now()).total_seconds()
            self._look_again(key, max(0.001, left))


def _is_past_review(conditions: Iterable[Condition]) -> bool:
    return any(one.type == PAST_REVIEW and one.status == "True" for one in conditions)


def utc(seconds: float) -> datetime:
    """Give the time of a number of seconds since 1970."""
    return datetime.fromtimestamp(seconds, tz=UTC)
