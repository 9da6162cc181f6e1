"""The incident loop beside its server: what is found out before a decision is made."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from responder.cluster.failures import Unavailable
from responder.incidents.budgets import UNBOUNDED, Budgets
from responder.incidents.incident import Incident
from responder.incidents.lifecycle import asks_of
from responder.incidents.status import Entry, Phase, Reason
from responder.incidents.stored import body_of, read_incident
from responder.metrics import Metrics
from responder.reconcile.budgeting import Budgeting
from responder.reconcile.confirmations import Confirmations
from responder.reconcile.incident_loop import IncidentLoop
from responder.reconcile.looking import Looking
from responder.reconcile.outcomes import Outcomes
from responder.reconcile.queue import Again
from responder.reconcile.view import IncidentKey, View
from tests.incidents.given import ONGOING, PAUSE, at, leaving, proposed, told_at
from tests.incidents.resource_schema import without_nulls
from tests.reconcile.events import Events
from tests.reconcile.incident_server import IncidentServer

WAITED = Entry(told_at(-500), "Proposed", "Disarmed: the responder is disarmed")


class Leader:
    """Incidents in a server, and who advances them."""

    def __init__(self, *given: Incident, budgets: Budgets = UNBOUNDED) -> None:
        self.server, self.view = IncidentServer(), View()
        self.key = IncidentKey(given[0].namespace, given[0].name)
        self.seen: list[Incident] = []
        for one in given:
            body = body_of(one)
            body["metadata"] |= {"deletionTimestamp": one.created_at} if one.deleting else {}
            body["status"] = without_nulls(one.status.to_json())
            self.seen.append(read_incident(self.server.put(body)))
            self.view.put_incident(self.seen[-1])
        self.view.on_incident = lambda _key, one: self.seen.append(one) if one else None
        looking = Looking(
            view=self.view, prometheus=None, attempts=dict, pools=(), now=lambda: at(6)
        )
        events = Events()
        self.loop = IncidentLoop(
            api=self.server,
            view=self.view,
            outcomes=Outcomes(),
            events=events,
            keep_closed=timedelta(days=1),
            now=lambda: at(6),
            over_budget=Budgeting(budgets, self.view, now=lambda: at(6)).exceeded,
            look_again=lambda _key, _after: None,
            confirmations=Confirmations(looking=looking, events=events, metrics=Metrics()),
        )


@pytest.mark.parametrize("reason", [Reason.COOL_DOWN_OVER, Reason.ALERTS_RESOLVED, Reason.DISARMED])
async def test_what_is_deleted_while_it_lets_go_holds_no_more_whatever_fires(
    reason: Reason,
) -> None:
    phase = Phase.PROPOSED if reason is Reason.ALERTS_RESOLVED else Phase.COOLING
    leader = Leader(leaving(reason, phase=phase, deleting=True, alerts=ONGOING))
    await leader.loop.reconcile(leader.key)
    assert all(asks_of(one) == () for one in leader.seen)
    assert leader.seen[-1].status.reason == Reason.DELETED


async def test_where_the_definition_is_what_is_deleted_what_fires_is_held_again() -> None:
    leader = Leader(
        leaving(Reason.COOL_DOWN_OVER, phase=Phase.COOLING, deleting=True, alerts=ONGOING)
    )
    leader.server.not_served = True
    await leader.loop.reconcile(leader.key)
    assert asks_of(leader.seen[-1]) != ()


@pytest.mark.parametrize(
    "budgets", [Budgets(targets=2), Budgets(incidents_per_hour=2)], ids=["targets", "per hour"]
)
async def test_of_many_that_are_armed_again_no_more_hold_than_the_budget_lets(
    budgets: Budgets,
) -> None:
    """Several are decided upon at once, each write takes its time, and they fired long ago."""
    waiting = [
        proposed(
            approval=None,
            status={"reason": str(Reason.DISARMED), "timeline": (WAITED,)},
            received_at=told_at(-500),
            name=f"high-bounce-rate-{number:016x}-1",
            plan=(dataclasses.replace(PAUSE, target=f"campaign-{number}"),),
        )
        for number in range(8)
    ]
    leader = Leader(*waiting, budgets=budgets)
    leader.server.fail(Unavailable("restarting", status=503))
    keys = list(leader.view.incidents)
    with pytest.raises(Again):
        await leader.loop.reconcile(keys[-1])
    await asyncio.gather(*(leader.loop.reconcile(key) for key in keys))
    phases = [one.status.phase for one in leader.view.incidents.values()]
    assert phases.count(Phase.HOLDING) == 2
    assert phases.count(Phase.PROPOSED) == 6


async def test_what_a_person_decided_is_not_looked_into_again() -> None:
    leader = Leader(leaving(Reason.RELEASED_BY_HAND, deleting=True, alerts=ONGOING))
    await leader.loop.reconcile(leader.key)
    assert not any(each.startswith("create") for each in leader.server.writes)
