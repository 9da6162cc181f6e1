"""A sender of its own for each test, in front of one responder that all of these tests share.

Playbooks name their workload and their campaign by label, so that tests need no responder each; a
new one is started after a test that left something behind.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.auditor.auditor import Auditor, audited
from tests.controlplane import warm_start
from tests.controlplane.api_server import ApiServer
from tests.controlplane.eventually import NeverHappenedError, eventually_blocking
from tests.controlplane.kube import Kube
from tests.e2e.cluster import AUTOSCALERS, CONFIG_MAPS, DEPLOYMENTS, INCIDENTS, Cluster, phase
from tests.e2e.process import ResponderProcess
from tests.k8s.install import install

PLAYBOOK = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {{name: {name}}}
spec:
  matchers: [alertname="{name}"]
  holds:
    - {hold}
  resume: {{start: {{after: 0s}}}}
"""
HOLDS = {
    "milder": 'scale: {deployment: "{{ labels.workload }}", to: 4}',
    "stricter": 'scale: {deployment: "{{ labels.workload }}", to: 2}',
    "zero": 'scale: {deployment: "{{ labels.workload }}", to: 0}',
    "pause": 'pause: {campaign: "{{ labels.campaign }}"}',
    "halve": 'throttle: {campaign: "{{ labels.campaign }}", to: 50%}',
    "pause-pool": 'pause: {pool: "{{ labels.pool }}"}',
    "halve-pool": 'throttle: {pool: "{{ labels.pool }}", to: 50%}',
    "set-state": 'set: {campaign: "{{ labels.campaign }}", key: state, to: paused,'
    " order: [active, slow, paused]}",
    "quarantine": 'reroute: {campaign: "{{ labels.campaign }}", to: quarantine}',
}
PREFIX = "campaign-responder.dev/"
ALLOWED = {PREFIX + "hold": "allowed"}
LIMITS = {"milder": 4, "stricter": 2, "zero": 0}
REPLICAS = 6
Json = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """One sender, named after its test, and what a test does with it."""

    cluster: Cluster
    responder: ResponderProcess
    kubeconfig: Path
    """The responder's own."""
    auditor: Auditor
    name: str

    @property
    def kube(self) -> Kube:
        return self.cluster.kube

    # What is there before

    def deployment_manifest(self, *, labels: Json | None = None, image: str = "sender:1") -> Json:
        pods = {"app": self.name}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name, "labels": ALLOWED if labels is None else labels},
            "spec": {
                "replicas": REPLICAS,
                "selector": {"matchLabels": pods},
                "template": {
                    "metadata": {"labels": pods},
                    "spec": {"containers": [{"name": "sender", "image": f"none.invalid/{image}"}]},
                },
            },
        }

    def autoscaler_manifest(self, *, metric: str = "", lowest: int = 3, highest: int = 9) -> Json:
        """By default with a metric that nobody measures."""
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.name}
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
        measured = {
            "metric": {"name": metric},
            "target": {"type": "AverageValue", "averageValue": "10"},
        }
        return {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": self.name, "labels": ALLOWED},
            "spec": {
                "scaleTargetRef": target,
                "minReplicas": lowest,
                "maxReplicas": highest,
                "metrics": [
                    {"type": "External", "external": measured}
                    if metric
                    else {"type": "Resource", "resource": cpu}
                ],
            },
        }

    def campaign_manifest(self, *, labels: Json | None = None) -> Json:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.name,
                "labels": {PREFIX + "campaign": self.name, **(labels or {})},
            },
            "data": {"subject": "Spring sale", "messages-per-minute": "3000"},
        }

    def deploy(self, **options: Any) -> None:  # noqa: ANN401 -- as the manifest's
        self.kube.create(*DEPLOYMENTS, self.deployment_manifest(**options))

    def autoscale(self, **options: Any) -> None:  # noqa: ANN401 -- as above
        self.kube.create(*AUTOSCALERS, self.autoscaler_manifest(**options))

    def campaign(self, **options: Any) -> None:  # noqa: ANN401 -- as above
        self.kube.create(*CONFIG_MAPS, self.campaign_manifest(**options))

    # What is asked of it

    def open(self, playbook: str, *, pool: str = "") -> str:
        """Trigger a playbook by hand; returns the incident's name."""
        labels = {"workload": self.name, "campaign": self.name, **({"pool": pool} if pool else {})}
        answer = self.responder.trigger(playbook, **labels)
        assert answer.status == 201, answer.text
        return str(answer.json["name"])

    def release(self, incident: str) -> None:
        path = f"/api/v1/incidents/{self.kube.namespace}/{incident}/release"
        answer = self.responder.post(path, {"reason": "all is well", "by": "a test"})
        assert answer.status == 200, answer.text

    def wait_closed(self, incident: str) -> None:
        eventually_blocking(
            lambda: phase(self.kube.get(*INCIDENTS, incident)) == "Closed",
            what=f"{incident} is closed",
        )

    def give_back(self, *incidents: str) -> None:
        """Release them all, and wait until they are closed."""
        for incident in incidents:
            self.release(incident)
        for incident in incidents:
            self.wait_closed(incident)

    def release_all(self) -> str:
        """The hand tool, which needs no responder; returns what it says."""
        return release_all(self.kube, self.kubeconfig)

    def condition(self, incident: str, kind: str) -> Json:
        status = self.kube.get(*INCIDENTS, incident).get("status") or {}
        return next((c for c in status.get("conditions") or () if c["type"] == kind), {})

    # What becomes of it

    @property
    def replicas(self) -> int:
        return int(self.cluster.deployment(self.name)["spec"]["replicas"])

    @property
    def bounds(self) -> tuple[int, int]:
        spec = self.cluster.autoscaler(self.name)["spec"]
        return spec["minReplicas"], spec["maxReplicas"]

    def wait_replicas(self, number: int) -> None:
        eventually_blocking(lambda: self.replicas == number, what=f"{number} replicas")

    def wait_bounds(self, lowest: int, highest: int) -> None:
        eventually_blocking(
            lambda: self.bounds == (lowest, highest), what=f"bounds {lowest}..{highest}"
        )

    def wait_held(self, incident: str) -> None:
        """Returns once the incident says that it holds all that it asks for."""
        eventually_blocking(
            lambda: self.condition(incident, "Applied").get("status") == "True",
            what=f"{incident} is applied",
        )

    def wait_synced(self, *, disabled: bool = False) -> None:
        """Returns once the real autoscaler has looked at the bounds as they are now.

        With `disabled`, and at a workload that stands at zero.
        """

        def is_synced() -> bool:
            live = self.cluster.autoscaler(self.name)
            status = live.get("status") or {}
            assert status.get("observedGeneration", 1) >= live["metadata"].get("generation", 1)
            reasons = [condition["reason"] for condition in status.get("conditions") or ()]
            return ("ScalingDisabled" in reasons) if disabled else bool(reasons)

        eventually_blocking(is_synced, what="the autoscaler has seen its bounds")

    def values(self, kind: str, field: str) -> list[Any]:
        """Each value that a field of this sender had, in order, without repetitions."""
        found = [
            version.fields.get(field)
            for version in self.auditor.versions(kind, self.name)
            if not version.deleted
        ]
        return [value for at, value in enumerate(found) if at == 0 or value != found[at - 1]]

    def is_marked(self, resource: tuple[str, str]) -> bool:
        """Tell whether an object of this sender bears a ledger."""
        return self.cluster.ledger(self.kube.get(*resource, self.name)) is not None

    def wait_marked(self, resource: tuple[str, str], *, marked: bool = True) -> None:
        eventually_blocking(
            lambda: self.is_marked(resource) == marked, what=f"ledger on {resource[1]}: {marked}"
        )

    def traces(self) -> list[str]:
        return [found for found in self.cluster.traces() if found.startswith(f"{self.name}:")]

    def leave(self) -> None:
        """Take the sender away."""
        for resource in (AUTOSCALERS, DEPLOYMENTS, CONFIG_MAPS):
            if any(item["metadata"]["name"] == self.name for item in self.kube.items(*resource)):
                self.kube.delete(*resource, self.name)


def release_all(kube: Kube, kubeconfig: Path) -> str:
    """`responder release --all`; fails where something is left."""
    done = warm_start.run(
        *("release", "--all", "--reason=a test", "--within=20"),
        *(f"--kubeconfig={kubeconfig}", f"--namespace={kube.namespace}"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclasses.dataclass(slots=True)
class Theatre:
    """Gives scenes, over and over, and a new responder where the last scene ended badly."""

    control_plane: ApiServer
    folder: Path
    logs: Path
    ends: contextlib.ExitStack
    _serial: "itertools.count[int]" = dataclasses.field(default_factory=itertools.count)
    _present: tuple[ResponderProcess, Path] | None = None

    @contextlib.contextmanager
    def scene(self) -> Iterator[Scene]:
        if self._present is None or not _is_sound(self._present[0]):
            self._present = self._build()
        responder, kubeconfig = self._present
        cluster = Cluster(responder.kube)
        with audited(responder.kube) as auditor:
            name = f"sender-{next(self._serial)}"
            scene = Scene(cluster, responder, kubeconfig, auditor, name)
            yield scene
            auditor.settle(answering=responder.server.running)
        scene.leave()

    def _build(self) -> tuple[ResponderProcess, Path]:
        name = f"{self.folder.name}-{next(self._serial)}"
        self.control_plane.create_namespace(name)
        self.ends.callback(self.control_plane.clear_namespace, name)
        kube = Kube(self.control_plane, name)
        playbooks = self.folder / name / "playbooks"
        playbooks.mkdir(parents=True)
        for title, hold in HOLDS.items():
            (playbooks / f"{title}.yaml").write_text(PLAYBOOK.format(name=title, hold=hold))
        kubeconfig = install(kube)
        responder = ResponderProcess.start(
            kube, kubeconfig=kubeconfig, playbooks=playbooks, logs=self.logs / name
        )
        self.ends.callback(responder.server.kill)
        return responder, kubeconfig


def _is_sound(responder: ResponderProcess) -> bool:
    """Tell whether the last scene left nothing behind; its closed incidents are taken away."""
    cluster = Cluster(responder.kube)
    with contextlib.suppress(NeverHappenedError):
        eventually_blocking(
            lambda: not cluster.open_incidents() and not cluster.traces(), within_seconds=1.0
        )
    if not responder.server.running or cluster.open_incidents() or cluster.traces():
        responder.server.kill()
        return False
    for incident in cluster.incidents():
        cluster.kube.delete(*INCIDENTS, incident["metadata"]["name"])
    return True
