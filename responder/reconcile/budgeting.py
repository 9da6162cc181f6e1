"""Budgets at the door: beyond them an incident is stored all the same, and waits for a person.

Several replicas see each other's incidents as soon as their watches tell of them: of a storm that
reaches all of them in the same instant, each may admit as much as is still free.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime

from responder.cluster.failures import ApiFailure
from responder.incidents.budgets import Budgets, exceeded
from responder.incidents.incident import Incident
from responder.incidents.policy import Approval
from responder.incidents.status import Phase, Status
from responder.reconcile.view import IncidentKey, View


class Budgeting:
    """Admits incidents, and counts those that are on their way into the cluster."""

    def __init__(self, budgets: Budgets, view: View, *, now: Callable[[], datetime]) -> None:
        self._budgets = budgets
        self._view = view
        self._now = now
        self._reserved: ContextVar[list[IncidentKey]] = ContextVar("reserved")

    def exceeded(self, incident: Incident) -> str:
        """Tell which budget an incident that holds nothing yet would exceed; empty where none."""
        if self._budgets.are_none:
            return ""
        asked_for = self._budgets.campaign_share is not None
        campaigns = self._view.campaigns if asked_for else 0
        load = self._view.tally.load(campaigns=campaigns, now=self._now())
        return exceeded(self._budgets, load, incident)

    def admitted(self, incident: Incident) -> Incident:
        """Give a new incident as it may be stored; only inside of `reserving`."""
        if self._budgets.are_none or not incident.acts or incident.waits_for_approval:
            return incident
        why = self.exceeded(incident)
        if why:
            wishes = replace(incident.wishes, approve=None)
            return replace(
                incident, approval=Approval(f"a budget is used up: {why}"), wishes=wishes
            )
        self._reserved.get().append(IncidentKey(incident.namespace, incident.name))
        self._view.tally.put(incident)
        return incident

    @contextlib.contextmanager
    def reserving(self) -> Iterator[None]:
        """Count what is admitted inside, and what was not stored in the end no more."""
        reserved: list[IncidentKey] = []
        token = self._reserved.set(reserved)
        try:
            yield
        finally:
            self._reserved.reset(token)
            for key in reserved:
                if key not in self._view.incidents:
                    self._view.tally.drop(key.name)


@contextlib.contextmanager
def counted(view: View, incident: Incident, status: Status) -> Iterator[None]:
    """Count one that begins to hold already while that is written, and no more where it can't be.

    Others that were proposed are decided upon meanwhile.
    """
    begins = incident.status.phase is Phase.PROPOSED and status.phase is Phase.HOLDING
    if begins:
        view.tally.put(replace(incident, status=status))
    try:
        yield
    except ApiFailure:
        if begins:
            key = IncidentKey(incident.namespace, incident.name)
            view.tally.drop(incident.name)
            view.tally.put(view.incidents.get(key, incident))
        raise
