"""The API of the real servers, as cluster-admin and as a ServiceAccount."""

from collections.abc import AsyncIterator

import pytest

from responder.cluster.api import KubernetesApi
from responder.cluster.connection import connect
from tests.controlplane.kube import Kube


@pytest.fixture
async def api(kube: Kube) -> AsyncIterator[KubernetesApi]:
    """Cluster-admin on the shared control plane."""
    async with await connect(kube.control_plane.kubeconfig) as connection:
        yield KubernetesApi(connection)


@pytest.fixture
async def own_api(own_kube: Kube) -> AsyncIterator[KubernetesApi]:
    """Cluster-admin on the test's own control plane, which may be disturbed."""
    async with await connect(own_kube.control_plane.kubeconfig) as connection:
        yield KubernetesApi(connection)
