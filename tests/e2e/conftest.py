"""Fixtures: the sample sender in a namespace of its own, and a responder under its own rights."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from tests.auditor.auditor import Auditor, audited
from tests.controlplane import run_logs
from tests.controlplane.api_server import ApiServer
from tests.controlplane.kube import Kube
from tests.e2e.cluster import Cluster
from tests.e2e.process import ResponderProcess
from tests.e2e.scene import Scene, Theatre
from tests.k8s.install import K8S, install

ARTICLE = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: high-bounce-rate}
spec:
  matchers: [alertname="HighBounceRate", severity="critical"]
  holds:
    - pause: {campaign: "{{ labels.campaign }}"}
    - scale: {deployment: email-sender, to: 2}
  resume: {start: {after: 0s}}
"""


class StartResponder(Protocol):
    def __call__(
        self,
        *playbooks: str,
        flags: Sequence[str] = (),
        ready: bool = True,
        cold: bool = False,
    ) -> ResponderProcess: ...


@pytest.fixture
def auditor(server: ApiServer, namespace: str) -> Iterator[Auditor]:
    """Watches everything that a test and the responder do, and fails it for a broken promise."""
    with audited(Kube(control_plane=server, namespace=namespace)) as watching:
        yield watching


@pytest.fixture
def kube(auditor: Auditor) -> Kube:
    """The test's own namespace: there is none here that isn't audited."""
    return auditor.kube


@pytest.fixture
def own_auditor(own_server: ApiServer) -> Iterator[Auditor]:
    """The same for a private API server, which a test may stop for a while."""
    own_server.create_namespace("test")
    own = Kube(control_plane=own_server, namespace="test")
    with audited(own, patience_seconds=90) as watching:
        yield watching


@pytest.fixture
def own_kube(own_auditor: Auditor) -> Kube:
    return own_auditor.kube


@pytest.fixture
def kubeconfig(kube: Kube) -> Path:
    """The responder's own: the ServiceAccount, RBAC and policies of `k8s/`, and nothing more."""
    return install(kube)


@pytest.fixture
def cluster(kube: Kube) -> Cluster:
    """The sample sender, as `k8s/samples` has it."""
    for name in ("sender.yaml", "campaigns.yaml"):
        kube.apply((K8S / "samples" / name).read_text())
    return Cluster(kube)


@pytest.fixture
def start_responder(
    auditor: Auditor, kubeconfig: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[StartResponder]:
    """Starts responders; each is stopped when the test ends, once it has nothing left to answer."""
    kube = auditor.kube
    logs = run_logs.directory(request.config) / kube.namespace
    running: list[ResponderProcess] = []
    with contextlib.ExitStack() as started:

        def start(
            *playbooks: str,
            flags: Sequence[str] = (),
            ready: bool = True,
            cold: bool = False,
        ) -> ResponderProcess:
            folder = tmp_path / "playbooks"
            folder.mkdir(exist_ok=True)
            for number, text in enumerate(playbooks or (ARTICLE,)):
                (folder / f"{number}.yaml").write_text(text)
            responder = ResponderProcess.start(
                kube,
                kubeconfig=kubeconfig,
                playbooks=folder,
                logs=logs,
                flags=flags,
                ready=ready,
                cold=cold,
            )
            started.callback(responder.server.terminate)
            running.append(responder)
            return responder

        yield start
        auditor.settle(answering=any(responder.server.running for responder in running))


@pytest.fixture
def responder(cluster: Cluster, start_responder: StartResponder) -> ResponderProcess:
    """One responder with the article's playbook, beside the sample sender."""
    del cluster
    return start_responder()


@pytest.fixture(scope="session")
def theatre(
    server: ApiServer,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Theatre]:
    """A responder that many tests share, in a namespace that is none of the others'."""
    with contextlib.ExitStack() as ends:
        yield Theatre(
            server,
            folder=tmp_path_factory.mktemp("scenes"),
            logs=run_logs.directory(request.config),
            ends=ends,
        )


@pytest.fixture
def scene(theatre: Theatre) -> Iterator[Scene]:
    """A sender of the test's own, and the responder; audited like everything here."""
    with theatre.scene() as one:
        yield one
