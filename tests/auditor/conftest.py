"""A namespace with a held sender and an open incident, and someone who writes in our name."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from responder.sandbox.audit.versions import GIVER, HOLDER, LEDGER, PREFIX
from tests.auditor.auditor import Auditor
from tests.controlplane.admin_client import MERGE_PATCH, RequestFailedError
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.k8s.install import K8S

INCIDENTS = ("campaign-responder.dev/v1alpha1", "incidents")
ALLOWED = {PREFIX + "hold": "allowed"}


def deployment(name: str, *, replicas: int, labels: dict[str, str]) -> dict[str, Any]:
    pods = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": pods},
            "template": {
                "metadata": {"labels": pods},
                "spec": {"containers": [{"name": "main", "image": "none.invalid/none"}]},
            },
        },
    }


def scale(replicas: int) -> dict[str, Any]:
    """An ask for a Deployment of that many replicas at most."""
    return {
        "control": "replicas",
        "namespace": "any",
        "targetKind": "Deployment",
        "target": "sender",
        "limit": {"replicas": replicas},
        "verb": "scale",
    }


PAUSE = {
    "control": "sending",
    "namespace": "any",
    "targetKind": "campaign",
    "target": "sale",
    "limit": {"share": 0.0},
    "verb": "pause",
}


@dataclass(slots=True)
class Rogue:
    """Opens incidents, and writes under our name whatever a test wants."""

    kube: Kube
    _serial: "itertools.count[int]" = field(default_factory=itertools.count)
    _sequence: "itertools.count[int]" = field(default_factory=itertools.count)

    def open_incident(self, *asks: dict[str, Any], **spec: Any) -> str:  # noqa: ANN401 -- JSON
        """Returns the incident's name; `spec` adds to what it is made of."""
        name = f"planted-0123456789abcde{next(self._serial)}-1"
        self.kube.create(
            *INCIDENTS,
            {
                "apiVersion": INCIDENTS[0],
                "kind": "Incident",
                "metadata": {"name": name},
                "spec": {
                    "playbook": "planted",
                    "identity": {},
                    "mode": "auto",
                    "trigger": {"kind": "manual"},
                    "resume": {"manual": False, "afterSeconds": 0, "needsPerson": []},
                    "plan": list(asks),
                    "receivedAt": "2026-11-24T10:00:00Z",
                    "token": name,
                    **spec,
                },
            },
        )
        return name

    def let_go(self, incident: str) -> None:
        self._tell(incident, phase="Holding")

    def close(self, incident: str) -> None:
        self._tell(incident, phase="Closed")

    def _tell(self, incident: str, *, phase: str) -> None:
        letting_go = {"at": "2026-11-24T11:00:00.000000Z", "by": "me", "reason": "ReleasedByHand"}
        self.decide(incident, phase=phase, lettingGo=letting_go)

    def decide(self, incident: str, **status: Any) -> None:  # noqa: ANN401 -- JSON
        """What its status says from now on."""
        path = self.kube.path(*INCIDENTS, incident, subresource="status")
        self._patch(path, {"status": status}, manager=HOLDER)

    def document(self, share: float | None) -> None:
        """As it should be: the hold document of the campaign and its ledger in one write."""
        text = None if share is None else json.dumps({"share": share, "incident": "planted"})
        self.write(
            "configmaps",
            "sale",
            {"data": {"hold.json": text}},
            ledger=None if text is None else {"hold.json": (None, text)},
            manager=GIVER if text is None else HOLDER,
        )

    def report(self, incident: str, state: str, *, of: str = "sender") -> None:
        """Says of a Deployment how it stands."""
        told = {"kind": "Deployment", "namespace": self.kube.namespace, "name": of, "state": state}
        path = self.kube.path(*INCIDENTS, incident, subresource="status")
        self._patch(path, {"status": {"phase": "Holding", "targets": [told]}}, manager=HOLDER)

    def somebody(self, patch: dict[str, Any]) -> None:
        """What anybody else does to the Deployment."""
        self.kube.patch("apps/v1", "deployments", "sender", patch)

    def write(
        self,
        plural: str,
        name: str,
        patch: dict[str, Any],
        *,
        ledger: dict[str, Any] | str | None = "",
        manager: str = HOLDER,
    ) -> None:
        """A merge patch in our name; `ledger` maps fields to (baseline, applied), None takes it."""
        if ledger != "":
            text = None if ledger is None else self._ledger(ledger)
            patch = {**patch, "metadata": {"annotations": {LEDGER: text}}}
        api = {"deployments": "apps/v1", "configmaps": "v1"}[plural]
        self._patch(self.kube.path(api, plural, name), patch, manager=manager)

    def hold(self, replicas: int, *, baseline: int = 8) -> None:
        """As it should be: the number and its ledger in one write."""
        self.write(
            "deployments",
            "sender",
            {"spec": {"replicas": replicas}},
            ledger={"replicas": (baseline, replicas)},
        )

    def write_unknown(self, entry: dict[str, Any]) -> None:
        """What is applied, with a ledger that does not know what was there before."""
        text = json.dumps({"epoch": "u", "sequence": 1, "fields": {"replicas": entry}})
        patch = {
            "metadata": {"annotations": {LEDGER: text}},
            "spec": {"replicas": entry["applied"]},
        }
        self.write("deployments", "sender", patch)

    def give_back(self, replicas: int) -> None:
        """As it should be, if it is the right number: then our traces are taken away."""
        self.write(
            "deployments",
            "sender",
            {"spec": {"replicas": replicas}},
            ledger=None,
            manager=GIVER,
        )
        self.tidy()

    def tidy(self) -> None:
        live = self.kube.get("apps/v1", "deployments", "sender")
        kept = [
            entry
            for entry in live["metadata"]["managedFields"]
            if entry["manager"] not in (HOLDER, GIVER)
        ]
        self.write("deployments", "sender", {"metadata": {"managedFields": kept}})

    def _ledger(self, entries: Any) -> str:  # noqa: ANN401 -- as given by a test
        fields = {
            name: {"baseline": baseline, "applied": applied, "holder": "planted", "uid": "u"}
            for name, (baseline, applied) in entries.items()
        }
        return json.dumps({"epoch": "u", "sequence": next(self._sequence), "fields": fields})

    def _patch(self, path: str, patch: dict[str, Any], *, manager: str) -> None:
        self.kube.control_plane.request(
            "PATCH", f"{path}?fieldManager={manager}", body=patch, content_type=MERGE_PATCH
        )


@pytest.fixture
def served(kube: Kube) -> None:
    """Incidents can be stored."""

    def is_served() -> bool:
        try:
            kube.items(*INCIDENTS)
        except RequestFailedError:
            return False
        return True

    if not is_served():
        kube.apply((K8S / "base" / "crd.yaml").read_text())
        eventually_blocking(is_served, what="incidents are served")


@pytest.fixture
def auditor(kube: Kube, served: None) -> Iterator[Auditor]:
    """Watches, and is asked by the test itself."""
    del served
    watching = Auditor(kube)
    watching.start()
    yield watching
    watching.stop()


@pytest.fixture
def rogue(kube: Kube, auditor: Auditor) -> Rogue:
    """A Deployment of 8 that may be held, one that may not, and two campaigns."""
    del auditor
    kube.create("apps/v1", "deployments", deployment("sender", replicas=8, labels=ALLOWED))
    kube.create("apps/v1", "deployments", deployment("other", replicas=8, labels={}))
    for name, labels in (
        ("sale", {PREFIX + "campaign": "sale"}),
        ("reset", {PREFIX + "campaign": "reset", "stream": "transactional"}),
    ):
        metadata = {"name": name, "labels": labels}
        kube.create("v1", "configmaps", {"metadata": metadata, "data": {"subject": "Hello"}})
    return Rogue(kube)
