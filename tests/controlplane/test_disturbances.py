"""A private control plane can be stopped, killed and started again without losing anything."""

import time

import pytest

from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually
from tests.controlplane.kube import Kube
from tests.controlplane.kubectl import KubectlFailedError

pytestmark = pytest.mark.real_control_plane("it is what is tested")

SOME_CONFIG = {"metadata": {"name": "some"}, "data": {"key": "value"}}


def test_a_suspended_api_server_lets_requests_hang_until_it_resumes(
    own_control_plane: ControlPlane,
) -> None:
    own_control_plane.suspend()
    asked = time.monotonic()
    with pytest.raises(TimeoutError):
        own_control_plane.request("GET", "/readyz", timeout_seconds=0.5)
    assert time.monotonic() - asked >= 0.5
    own_control_plane.resume()
    assert own_control_plane.request("GET", "/readyz") == "ok"


def test_a_killed_api_server_refuses_and_comes_back_with_what_was_stored(
    own_control_plane: ControlPlane, own_kube: Kube
) -> None:
    own_kube.create("v1", "configmaps", SOME_CONFIG)
    before = own_kube.get("v1", "configmaps", "some")
    own_control_plane.kill_api_server()
    with pytest.raises(ConnectionRefusedError):
        own_kube.get("v1", "configmaps", "some")
    own_control_plane.start_api_server()
    assert own_kube.get("v1", "configmaps", "some") == before


def test_two_private_control_planes_know_nothing_of_each_other(own_kube: Kube, kube: Kube) -> None:
    own_kube.create("v1", "configmaps", SOME_CONFIG)
    with pytest.raises(KubectlFailedError, match="NotFound"):
        kube.kubectl("get", "configmap", "some")


async def test_a_service_account_may_do_what_rbac_grants_it_and_nothing_else(kube: Kube) -> None:
    reader = f"--serviceaccount={kube.namespace}:reader"
    kube.kubectl("create", "serviceaccount", "reader")
    kube.kubectl("create", "role", "reader", "--verb=get,list", "--resource=configmaps")
    kube.kubectl("create", "rolebinding", "reader", "--role=reader", reader)
    kubeconfig = kube.control_plane.service_account_kubeconfig(
        namespace=kube.namespace, name="reader"
    )

    def as_reader(*arguments: str) -> str:
        return kube.control_plane.kubectl(*arguments, kubeconfig=kubeconfig)

    # The authorizer sees a new binding through its own watch, a moment later.
    await eventually(lambda: "configmaps" in as_reader("auth", "can-i", "--list"))
    assert "kube-root-ca.crt" in as_reader("get", "configmaps")
    with pytest.raises(KubectlFailedError, match="forbidden"):
        as_reader("create", "configmap", "other")
    with pytest.raises(KubectlFailedError, match="Forbidden"):
        as_reader("get", "configmaps", "--namespace=kube-system")
