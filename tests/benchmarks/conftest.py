"""A private API server without controllers, with everything of `k8s/base` installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from responder.logs import configure_logs
from tests.controlplane import run_logs
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixtures import require
from tests.controlplane.kube import Kube
from tests.controlplane.toolsets import KUBERNETES
from tests.k8s.install import install


@pytest.fixture(scope="session")
def bare_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    require(KUBERNETES, request.config)
    plane = ControlPlane.start(
        logs=run_logs.directory(request.config) / "benchmarks", controllers=False
    )
    yield plane
    plane.stop()


@pytest.fixture(scope="session", autouse=True)
def logs_as_in_production() -> None:
    configure_logs("json")


@pytest.fixture
def bench_kube(bare_plane: ControlPlane, request: pytest.FixtureRequest) -> Kube:
    name = f"bench-{abs(hash(request.node.name)) % 10**8}"
    bare_plane.create_namespace(name)
    return Kube(control_plane=bare_plane, namespace=name)


@pytest.fixture
def bench_kubeconfig(bench_kube: Kube) -> Path:
    return install(bench_kube)
