"""One replica's door without its HTTP: a view of its own, in front of incidents in memory."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from responder.alerts.notification import Notification, read_alertmanager
from responder.incidents.incident import Incident
from responder.incidents.stored import read_incident
from responder.playbooks.loading import read_playbooks
from responder.playbooks.schema import Playbook
from responder.reconcile.intake import Intake, Terms
from responder.reconcile.view import View
from tests.e2e.process import alert, notification
from tests.reconcile.incident_server import IncidentServer

PLAYBOOKS = """
metadata: {name: pause}
spec:
  matchers: [alertname="HighBounceRate"]
  holds: [{pause: {campaign: "{{ labels.campaign }}"}}]
---
metadata: {name: quarantine}
spec:
  matchers: [alertname="Trap"]
  holds:
    - reroute: {campaign: "{{ labels.campaign }}", to: quarantine}
    - suppress: {segment: "{{ labels.segment }}"}
"""
NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
Json = dict[str, Any]


class Door:
    """One replica: its own view, in front of a server that others may share."""

    def __init__(self, server: IncidentServer | None = None, *, max_mode: str = "auto") -> None:
        self.server = server or IncidentServer()
        self.view = View()
        self.playbooks: Sequence[Playbook] = read_playbooks(PLAYBOOKS, file="x.yaml").playbooks
        self.told: list[Incident] = []
        self.intake = Intake(
            api=self.server,
            view=self.view,
            terms=Terms(
                namespace="mail",
                allowed_namespaces=frozenset({"mail"}),
                max_mode=max_mode,
                aliases={"campaign": ["campaign_id"]},
            ),
            playbooks=lambda: self.playbooks,
            catch_up=self.catch_up,
            now=lambda: NOW,
            on_stored=lambda incident, _received: self.told.append(incident),
        )

    async def catch_up(self) -> None:
        for live in (await self.server.list(None, namespace="mail")).items:  # type: ignore[arg-type]
            self.view.put_incident(read_incident(live))

    async def notify(self, *alerts: Json, **top: Any) -> list[str]:  # noqa: ANN401 -- JSON
        stored = await self.intake.accept(read(*alerts, **top), received=1.0)
        return [str(told.what) for told in stored]

    def release(self, name: str) -> None:
        """As the leader has it once a person's release was carried out."""
        live = self.server.stored[name]
        moment = "2026-11-24T18:05:00Z"
        live["spec"]["release"] = {"at": moment, "by": "ada"}
        live["status"] = {
            "phase": "Closed",
            "outcome": "released",
            "closedAt": moment,
            "firing": 1,
            "lettingGo": {"at": moment, "by": "ada", "reason": "ReleasedByHand"},
        }
        self.view.put_incident(read_incident(self.server.put(live)))


def read(*alerts: Json, **top: Any) -> Notification:  # noqa: ANN401 -- JSON
    return read_alertmanager(json.dumps(notification(*alerts, **top)).encode()).notification


def pod(number: int, *, status: str = "firing", **labels: str) -> Json:
    return alert(status=status, fingerprint=f"{number:016x}", pod=f"pod-{number}", **labels)


def only(server: IncidentServer) -> Incident:
    (live,) = server.stored.values()
    return read_incident(live)
