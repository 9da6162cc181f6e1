"""The incident loop beside its server: what is found out before a decision is made."""

from datetime import timedelta

import pytest

from responder.incidents.incident import Incident
from responder.incidents.lifecycle import asks_of
from responder.incidents.status import Phase, Reason
from responder.incidents.stored import body_of, read_incident
from responder.metrics import Metrics
from responder.reconcile.confirmations import Confirmations
from responder.reconcile.incident_loop import IncidentLoop
from responder.reconcile.looking import Looking
from responder.reconcile.outcomes import Outcomes
from responder.reconcile.view import IncidentKey, View
from tests.incidents.given import ONGOING, at, leaving
from tests.incidents.resource_schema import without_nulls
from tests.reconcile.events import Events
from tests.reconcile.incident_server import IncidentServer


class Leader:
    """One incident in a server, and who advances it."""

    def __init__(self, given: Incident) -> None:
        self.server, self.view = IncidentServer(), View()
        self.key = IncidentKey(given.namespace, given.name)
        body = body_of(given)
        body["metadata"] |= {"deletionTimestamp": given.created_at} if given.deleting else {}
        body["status"] = without_nulls(given.status.to_json())
        self.seen = [read_incident(self.server.put(body))]
        self.view.put_incident(self.seen[0])
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


async def test_what_a_person_decided_is_not_looked_into_again() -> None:
    leader = Leader(leaving(Reason.RELEASED_BY_HAND, deleting=True, alerts=ONGOING))
    await leader.loop.reconcile(leader.key)
    assert not any(each.startswith("create") for each in leader.server.writes)
