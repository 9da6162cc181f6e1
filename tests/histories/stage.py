"""The cluster of a history: what is in it at first, what others do to it, what became of it.

Who writes is known here by the way the write came, not by managedFields.
"""

import contextlib
import math
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import yaml

from responder.sandbox.api import scale
from responder.sandbox.api.access import ADMIN, Access
from responder.sandbox.api.acting import attempt, set_status
from responder.sandbox.api.failures import Refused
from responder.sandbox.api.kinds import Kind
from responder.sandbox.api.service import Service
from responder.sandbox.api.store import Change, Store
from responder.sandbox.api.strategy import Options
from responder.sandbox.api.workloads import Workloads
from responder.sandbox.api.writing import Objects
from responder.sandbox.audit.versions import AUTOSCALER, CONFIG_MAP, DEPLOYMENT, INCIDENT, Version
from responder.sandbox.recording import version_of
from responder.shipped import MANIFESTS
from tests.histories.virtual_time import Clocks

Json = dict[str, Any]
NAMESPACE: Final = "mail"
PREFIX: Final = "campaign-responder.dev/"
SWITCH: Final = "campaign-responder-switch"
TOKEN: Final = "token"
RESPONDER, CONTROLLER, OTHERS = "responder", "controller", "others"
_API: Final = {
    DEPLOYMENT: "apps/v1",
    AUTOSCALER: "autoscaling/v2",
    CONFIG_MAP: "v1",
    INCIDENT: f"{PREFIX}v1alpha1",
}
CAMPAIGNS: Final = ("spring-sale", "autumn-news")
WORKLOADS: Final = ("sender", "bulk")


@cache
def _definition() -> Json:
    found: Json = yaml.safe_load((MANIFESTS / "crd.yaml").read_text(encoding="utf-8"))
    return found


def manifest(kind: str, name: str) -> Json:
    """Give an object as its owner has it in Git."""
    allowed = {PREFIX + "hold": "allowed"}
    metadata: Json = {"name": name, "namespace": NAMESPACE, "labels": allowed}
    body: Json = {"apiVersion": _API[kind], "kind": kind, "metadata": metadata}
    if kind == DEPLOYMENT:
        pods = {"app": name}
        container = {"name": "sender", "image": "none.invalid/sender:1"}
        return body | {
            "spec": {
                "replicas": 6,
                "selector": {"matchLabels": pods},
                "template": {"metadata": {"labels": pods}, "spec": {"containers": [container]}},
            }
        }
    if kind == AUTOSCALER:
        reference = {"apiVersion": "apps/v1", "kind": DEPLOYMENT, "name": name}
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
        return body | {
            "spec": {
                "scaleTargetRef": reference,
                "minReplicas": 3,
                "maxReplicas": 9,
                "metrics": [{"type": "Resource", "resource": cpu}],
            }
        }
    metadata["labels"] = allowed | {PREFIX + "campaign": name}
    metadata["annotations"] = {PREFIX + "keys": "state"}
    return body | {"data": {"subject": "Spring sale", "state": "active"}}


@dataclass(slots=True)
class Stage:
    """The embedded server and its history."""

    clocks: Clocks
    chance: random.Random
    store: Store = field(default_factory=Store)
    versions: list[Version] = field(default_factory=list)
    writer: str = OTHERS
    listeners: list[Callable[[Change, str], None]] = field(default_factory=list)
    ghosts_released_at: int | None = None
    armed_since: float = -1e9
    """In seconds of the loop; for ever later while it is disarmed."""
    disarmed_at: float = -1e9
    disarmed: list[tuple[int, float]] = field(default_factory=list)
    """From which version to which it was; what is stored then holds nothing."""
    is_healthy: Callable[[], bool] = lambda: False
    """Whether a responder is there to answer, and can."""
    objects: Objects = field(init=False)
    service: Service = field(init=False)
    _workloads: Workloads = field(init=False)
    _changed: set[str] = field(default_factory=set)
    _healthy_seconds: float = 0.0
    _looked_at: float = 0.0

    def __post_init__(self) -> None:
        self.objects = Objects(
            self.store,
            now=self.clocks.metadata_time,
            new_uid=lambda: str(uuid.UUID(int=self.chance.getrandbits(128), version=4)),
        )
        self.service = _Watched(self.objects, Access(self.store, {TOKEN: ADMIN}))
        self.service.stage = self
        self._workloads = Workloads(self.objects)
        self.store.listen(self._noticed)
        self._create("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", _definition())
        self._create("v1", "Namespace", "", {"metadata": {"name": NAMESPACE}})
        for name in WORKLOADS:
            self.put(DEPLOYMENT, name)
        self.put(AUTOSCALER, "bulk")
        for name in CAMPAIGNS:
            self.put(CONFIG_MAP, name)
        self.store.forget()

    @contextlib.contextmanager
    def writing_as(self, who: str) -> Iterator[None]:
        before, self.writer = self.writer, who
        try:
            yield
        finally:
            self.writer = before

    def healthy_seconds(self) -> float:
        """Count the time in which a responder could have answered."""
        now = self.clocks.loop.time()
        if self.is_healthy():
            self._healthy_seconds += now - self._looked_at
        self._looked_at = now
        return self._healthy_seconds

    def _noticed(self, change: Change) -> None:
        version = version_of(change, seen=self.healthy_seconds())
        if version is None:
            return
        self.versions.append(version)
        if version.kind == DEPLOYMENT and not version.deleted and self.writer != CONTROLLER:
            self._changed.add(version.name)
        for listener in self.listeners:
            listener(change, self.writer)

    # What the controllers do

    def roll_out(self) -> None:
        """Pods follow what was written."""
        kind = self.kind(DEPLOYMENT)
        with self.writing_as(CONTROLLER):
            for name in sorted(self._changed):
                live = self.store.get(kind.key, (NAMESPACE, name))
                if live is None:
                    continue
                number = live["spec"]["replicas"]
                counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
                status = dict.fromkeys(counts, number) if number else {}
                status["observedGeneration"] = live["metadata"]["generation"]
                attempt(
                    lambda live=live, status=status: set_status(  # type: ignore[misc]
                        self.objects, kind, live, status
                    )
                )
            self._changed.clear()

    def sync(self) -> None:
        with self.writing_as(CONTROLLER):
            self._workloads.sync()

    # What others do

    def kind(self, name: str) -> Kind:
        found = self.objects.kinds.of(_API.get(name, "v1"), name)
        if found is None:
            raise LookupError(name)
        return found

    def get(self, kind: str, name: str) -> Json | None:
        return self.store.get(self.kind(kind).key, (NAMESPACE, name))

    def listed(self, kind: str) -> list[Json]:
        return self.store.listed(self.kind(kind).key, NAMESPACE)

    def _create(self, api_version: str, kind: str, namespace: str, body: Json) -> None:
        found = self.objects.kinds.of(api_version, kind)
        assert found is not None
        self.objects.create(found, namespace, body, Options("kubectl"))

    def put(self, kind: str, name: str, *, force: bool = True) -> None:
        """Apply what stands in Git, as a GitOps controller does."""
        options = Options("argocd-controller", force=force)
        with contextlib.suppress(Refused):
            self.objects.apply(self.kind(kind), NAMESPACE, name, manifest(kind, name), options)

    def change(
        self, kind: str, name: str, change: Callable[[Json], Json], *, manager: str = "kubectl-edit"
    ) -> bool:
        """Change an object that is there, as a person does."""
        try:
            self.objects.update(self.kind(kind), NAMESPACE, name, change, Options(manager))
        except Refused:
            return False
        return True

    def rescale(self, name: str, replicas: int) -> None:
        def rescaled(body: Json) -> Json:
            wanted = scale.of(body)
            wanted["spec"] = {"replicas": replicas}
            return scale.into(wanted, body)

        with contextlib.suppress(Refused):
            self.objects.update(
                self.kind(DEPLOYMENT), NAMESPACE, name, rescaled,
                Options("kubectl"), subresource="scale",
            )  # fmt: skip

    def delete(self, kind: str, name: str) -> None:
        with contextlib.suppress(Refused):
            self.objects.delete(self.kind(kind), NAMESPACE, name, {})

    def throw_switch(self, arming: str) -> None:
        was_armed, self.armed_since = self.armed_since < math.inf, math.inf
        if arming == "armed":
            self.armed_since = self.clocks.loop.time()
            if self.disarmed and not was_armed:
                self.disarmed[-1] = (self.disarmed[-1][0], self.store.version)
            self.delete(CONFIG_MAP, SWITCH)
            return
        if was_armed:
            self.disarmed_at = self.clocks.loop.time()
            self.disarmed.append((self.store.version, math.inf))
        body = {"metadata": {"name": SWITCH, "namespace": NAMESPACE}, "data": {"arming": arming}}
        if not self.change(CONFIG_MAP, SWITCH, lambda live: {**live, "data": body["data"]}):
            self.objects.create(self.kind(CONFIG_MAP), NAMESPACE, body, Options("kubectl"))


class _Watched(Service):
    """The server's door: what comes through it is the responder's."""

    stage: Stage

    async def answer(self, request: Any) -> Any:  # noqa: ANN401 -- as the server's own
        with self.stage.writing_as(RESPONDER):
            answered = await super().answer(request)
        self.stage.roll_out()
        return answered
