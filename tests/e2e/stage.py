"""The sample sender and one responder behind a proxy, kept from test to test while it is sound.

A responder's start costs over a second. Tests that end with everything given back leave the stage
as they found it; after a test that failed there is a new one.
"""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.auditor.auditor import Auditor, audited
from tests.controlplane.api_server import ApiServer
from tests.controlplane.eventually import NeverHappenedError, eventually_blocking
from tests.controlplane.kube import Kube
from tests.e2e.api_proxy import ApiProxy
from tests.e2e.cluster import INCIDENTS, Cluster, phase
from tests.e2e.process import ResponderProcess
from tests.k8s.install import K8S, install


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """What a test acts on."""

    cluster: Cluster
    proxy: ApiProxy
    responder: ResponderProcess
    auditor: Auditor

    def revive(self) -> None:
        """After a kill: forward again, and start the responder again."""
        self.responder.server.kill()
        self.proxy.mend()
        self.responder.again()

    def values(self, kind: str, name: str, field: str) -> list[Any]:
        """Each value that a field had since the test began, in order; None while it was absent."""
        values = [version.fields.get(field) for version in self.auditor.versions(kind, name)]
        return [value for at, value in enumerate(values) if at == 0 or value != values[at - 1]]


@dataclasses.dataclass(slots=True)
class Stages:
    """Gives a sound stage, over and over."""

    control_plane: ApiServer
    playbook: str
    folder: Path
    logs: Path
    ends: contextlib.ExitStack
    _serial: "itertools.count[int]" = dataclasses.field(default_factory=itertools.count)
    _present: tuple[Cluster, ApiProxy, ResponderProcess] | None = None

    @contextlib.contextmanager
    def act(self) -> Iterator[Stage]:
        if self._present is None or not _is_sound(*self._present):
            self._present = self._build()
        cluster, proxy, responder = self._present
        with audited(cluster.kube) as auditor:
            yield Stage(cluster, proxy, responder, auditor)
            auditor.settle(answering=responder.server.running)

    def _build(self) -> tuple[Cluster, ApiProxy, ResponderProcess]:
        number = next(self._serial)
        name = f"{self.folder.name.replace('_', '-')}-{number}"
        kube = Kube(self.control_plane, name)
        self.control_plane.create_namespace(name)
        self.ends.callback(self.control_plane.clear_namespace, name)
        for sample in ("sender.yaml", "campaigns.yaml"):
            kube.apply((K8S / "samples" / sample).read_text())
        proxy = ApiProxy(self.control_plane)
        self.ends.callback(proxy.stop)
        playbooks = self.folder / str(number) / "playbooks"
        playbooks.mkdir(parents=True)
        (playbooks / "playbook.yaml").write_text(self.playbook)
        responder = ResponderProcess.start(
            kube,
            kubeconfig=proxy.kubeconfig(install(kube)),
            playbooks=playbooks,
            logs=self.logs / name,
        )
        self.ends.callback(responder.server.kill)
        cluster = Cluster(kube)
        eventually_blocking(lambda: cluster.pods() == 8, what="the sender's pods run")
        return cluster, proxy, responder


def _is_sound(cluster: Cluster, proxy: ApiProxy, responder: ResponderProcess) -> bool:
    proxy.mend()
    proxy.delay_seconds = 0.0
    with contextlib.suppress(NeverHappenedError):
        eventually_blocking(lambda: is_over(cluster), within_seconds=1.0)
    if not responder.server.running or not is_over(cluster):
        responder.server.kill()
        return False
    for incident in cluster.incidents():
        cluster.kube.delete(*INCIDENTS, incident["metadata"]["name"])
    return True


def is_over(cluster: Cluster) -> bool:
    """Everything is given back, tidied and told."""
    found = cluster.incidents()
    return (
        all(phase(item) == "Closed" for item in found)
        and not any(item["metadata"].get("finalizers") for item in found)
        and cluster.traces() == []
    )
