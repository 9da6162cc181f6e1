"""Fixtures: the sample sender in a namespace of its own, and a responder under its own rights."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from tests.controlplane import run_logs
from tests.controlplane.kube import Kube
from tests.e2e.cluster import Cluster
from tests.e2e.process import ResponderProcess
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
        self, *playbooks: str, flags: Sequence[str] = (), ready: bool = True
    ) -> ResponderProcess: ...


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
    kube: Kube, kubeconfig: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[StartResponder]:
    """Starts responders; each is stopped when the test ends."""
    logs = run_logs.directory(request.config) / kube.namespace
    with contextlib.ExitStack() as started:

        def start(
            *playbooks: str, flags: Sequence[str] = (), ready: bool = True
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
            )
            started.callback(responder.server.terminate)
            return responder

        yield start


@pytest.fixture
def responder(cluster: Cluster, start_responder: StartResponder) -> ResponderProcess:
    """One responder with the article's playbook, beside the sample sender."""
    del cluster
    return start_responder()
