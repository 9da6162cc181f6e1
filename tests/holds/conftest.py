"""A real API server without controllers, shared by this folder's tests."""

import itertools
from collections.abc import Iterator

import pytest

from tests.controlplane import run_logs
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixtures import require
from tests.controlplane.kube import Kube
from tests.controlplane.toolsets import KUBERNETES

_serial = itertools.count(1)


@pytest.fixture(scope="module")
def quiet_control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Nobody but the test writes: no Deployment's revision, no status."""
    require(KUBERNETES, request.config)
    plane = ControlPlane.start(logs=run_logs.directory(request.config) / "quiet", controllers=False)
    yield plane
    plane.stop()


@pytest.fixture
def quiet_kube(quiet_control_plane: ControlPlane) -> Kube:
    namespace = f"test-{next(_serial)}"
    quiet_control_plane.create_namespace(namespace)
    return Kube(control_plane=quiet_control_plane, namespace=namespace)
