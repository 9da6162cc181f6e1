"""Fixtures: `k8s/base`, installed on a real API server."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane import commands, run_logs
from tests.controlplane.api_server import ApiServer
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.fixtures import EMBEDDED, require
from tests.controlplane.kube import Kube
from tests.controlplane.processes import ServerProcess
from tests.controlplane.toolsets import KUBERNETES
from tests.k8s.account import Account
from tests.k8s.install import ACCOUNT, client, install

_serial = itertools.count(1)


@pytest.fixture(scope="session")
def api_server(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Without controllers: what admission and validation say needs no pods."""
    require(KUBERNETES, request.config)
    plane = ControlPlane.start(logs=run_logs.directory(request.config) / "k8s", controllers=False)
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def controllers(api_server: ControlPlane, request: pytest.FixtureRequest) -> Iterator[None]:
    """The two controllers that read what is installed here."""
    names = ("clusterrole-aggregation-controller", "validatingadmissionpolicy-status-controller")
    command = [
        f"--controllers={','.join(names)}" if part.startswith("--controllers=") else part
        for part in commands.controller_manager(api_server.programs, api_server.layout)
    ]
    log = run_logs.directory(request.config) / "k8s" / "kube-controller-manager.log"
    server = ServerProcess.start(command, log=log)
    yield
    server.kill()


@pytest.fixture
def fresh(api_server: ControlPlane) -> Kube:
    """An empty namespace for one test."""
    name = f"mail-{next(_serial)}"
    api_server.create_namespace(name)
    return Kube(control_plane=api_server, namespace=name)


@pytest.fixture(scope="session")
def plain_server(request: pytest.FixtureRequest) -> ApiServer:
    """The embedded one, then the real one without controllers."""
    found: ApiServer = request.getfixturevalue(
        "embedded_control_plane" if request.param == EMBEDDED else "api_server"
    )
    return found


@pytest.fixture(scope="module")
def installed(plain_server: ApiServer, request: pytest.FixtureRequest) -> Kube:
    """A namespace with everything of `k8s/base` but the Deployment; one for all of a module."""
    name = Path(request.node.name).stem.replace("_", "-")
    plain_server.create_namespace(name)
    kube = Kube(control_plane=plain_server, namespace=name)
    install(kube)
    return kube


@pytest.fixture(scope="module")
def responder(installed: Kube) -> Account:
    """The ServiceAccount with exactly the rights of the manifests."""
    plane = installed.control_plane
    kubeconfig = plane.service_account_kubeconfig(namespace=installed.namespace, name=ACCOUNT)
    return Account(client=client(plane, kubeconfig), kube=installed)


@pytest.fixture(scope="module")
def mighty(responder: Account) -> Account:
    """The same account after somebody gave it every right: only the policies confine it now."""
    name = f"{responder.kube.namespace}:{ACCOUNT}"
    responder.kube.kubectl(
        "create", "rolebinding", "mighty", "--clusterrole=cluster-admin", f"--serviceaccount={name}"
    )
    return responder
