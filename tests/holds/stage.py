"""A workload or a campaign on the model of the API server, and what tests do and see there."""

from typing import Any

from responder.holds.fields import FieldFinding
from responder.holds.ledger import Ledger
from responder.holds.objects import LEDGER_ANNOTATION, ObjectKey, annotation, value_at
from responder.holds.planning import Step
from responder.holds.sending import SendingControl
from tests.holds.api_server import ApiServer
from tests.holds.conductor import (
    AUTOSCALER,
    CAMPAIGN,
    DEPLOYMENT,
    Conductor,
    autoscaler,
    deployment,
)
from tests.holds.field_sets import Json
from tests.holds.traces import traces_of_ours


class Stage(Conductor):
    """A conductor with a server of its own."""

    @property
    def replicas(self) -> int | None:
        found: int | None = value_at(self.server.get(DEPLOYMENT) or {}, ("spec", "replicas"))
        return found

    @property
    def bounds(self) -> tuple[int, int]:
        spec = (self.server.get(AUTOSCALER) or {})["spec"]
        return spec["minReplicas"], spec["maxReplicas"]

    @property
    def data(self) -> dict[str, str]:
        found: dict[str, str] = (self.server.get(CAMPAIGN) or {}).get("data", {})
        return found

    def ledger(self, key: ObjectKey = DEPLOYMENT) -> Ledger | None:
        return Ledger.from_text(annotation(self.server.get(key) or {}, LEDGER_ANNOTATION))

    def annotations(self, key: ObjectKey = DEPLOYMENT) -> dict[str, str]:
        body = self.server.get(key) or {}
        return dict(body["metadata"].get("annotations", {}))

    def traces(self) -> list[str]:
        return [trace for key in self.server.objects for trace in traces_of_ours(self.get(key))]

    def get(self, key: ObjectKey) -> Json:
        return self.server.get(key) or {}

    def scale(self, replicas: int, *, by: str = "kubectl") -> None:
        patch = {"spec": {"replicas": replicas}}
        self.server.patch(DEPLOYMENT, patch, manager=by, subresource="scale")

    def edit(self, replicas: int) -> None:
        """A person's hand on the Deployment itself, which always bears a name."""
        self.server.patch(DEPLOYMENT, {"spec": {"replicas": replicas}}, manager="kubectl-edit")

    def sync(self, replicas: int) -> None:
        """The autoscaler's controller scales."""
        self.scale(replicas, by="kube-controller-manager")

    def bound(self, **spec: int) -> None:
        self.server.patch(AUTOSCALER, {"spec": spec}, manager="kubectl-edit")

    def strip(self, key: ObjectKey = DEPLOYMENT) -> None:
        patch = {"metadata": {"annotations": {LEDGER_ANNOTATION: None}}}
        self.server.patch(key, patch, manager="kubectl-annotate")

    def change_document(self, text: str | None) -> None:
        """A person's hand on the campaign's hold document."""
        self.server.patch(CAMPAIGN, {"data": {"hold.json": text}}, manager="kubectl-edit")

    def forget_copies(self) -> None:
        """Killed before the second copies were written."""
        for incident in (*self.incidents.values(), *self.cached):
            incident.copies = ()

    def vanish(self, uid: str) -> None:
        del self.incidents[uid]
        self.refresh()

    def release_all(self) -> Step:
        for incident in self.incidents.values():
            incident.asks = {}
        self.refresh()
        return self.reconcile()


def workload(*, replicas: int = 8, bounds: tuple[int, int] | None = None) -> Stage:
    server = ApiServer()
    server.create(DEPLOYMENT, deployment(replicas=replicas), manager="kubectl-create")
    if bounds is not None:
        body = autoscaler(lowest=bounds[0], highest=bounds[1])
        server.create(AUTOSCALER, body, manager="kubectl-create")
    return Stage(server, "workload")


def campaign(data: dict[str, str] | None = None, **controls: Any) -> Stage:  # noqa: ANN401
    server = ApiServer()
    if data is not None:
        server.create(CAMPAIGN, {"data": data}, manager="kubectl-create")
    return Stage(
        server, "document", controls={"hold.json": SendingControl("hold.json"), **controls}
    )


def found(step: Step) -> set[FieldFinding]:
    return {finding.what for finding in step.findings if isinstance(finding.what, FieldFinding)}


def original_forced(stage: Stage) -> None:
    """Its owner's forced server-side apply of the manifest."""
    manifest = {"metadata": {"annotations": {"team": "mail"}}, "spec": {"replicas": 6}}
    stage.server.apply(DEPLOYMENT, manifest, manager="argocd-controller", force=True)
