"""A real API server that stops answering, dies and comes back, as a request sees it."""

import time

import pytest

from responder.cluster.api import KubernetesApi
from responder.cluster.connection import connect
from responder.cluster.failures import Denied, TimedOut, Unavailable
from responder.cluster.resources import CONFIGMAPS
from responder.cluster.transport import Limits
from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually
from tests.controlplane.kube import Kube

QUICK = Limits(connect_seconds=0.5, total_seconds=1.0)


async def test_a_request_to_a_stopped_or_dead_server_ends_in_time_and_says_what_it_knows(
    own_control_plane: ControlPlane, own_kube: Kube
) -> None:
    plane = own_control_plane

    async def create(api: KubernetesApi, name: str) -> None:
        body = {"metadata": {"name": name}}
        await api.create(CONFIGMAPS, namespace="test", body=body, field_manager="me")

    async def fail(api: KubernetesApi, name: str) -> Unavailable:
        asked = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            await create(api, name)
        assert time.monotonic() - asked < 3.0
        return caught.value

    async with (
        await connect(plane.kubeconfig) as pooled,
        await connect(plane.kubeconfig) as unused,
    ):
        api = KubernetesApi(pooled, limits=QUICK)
        await create(KubernetesApi(pooled), "before")

        plane.suspend()
        stopped = await fail(api, "sent")
        assert isinstance(stopped, TimedOut)
        assert stopped.ambiguous
        # A new connection hangs in its TLS handshake: nothing was sent.
        unsent = await fail(KubernetesApi(unused, limits=QUICK), "unsent")
        assert isinstance(unsent, TimedOut)
        assert not unsent.ambiguous
        plane.resume()
        await eventually(lambda: own_kube.get("v1", "configmaps", "before"))

        plane.kill_api_server()
        dead = await fail(api, "dead")
        assert type(dead) is Unavailable
        assert not (await fail(api, "refused")).ambiguous
        plane.start_api_server()
        await create(KubernetesApi(pooled), "after")

    names = {item["metadata"]["name"] for item in own_kube.items("v1", "configmaps")}
    assert {"before", "after"} <= names
    assert {"unsent", "dead", "refused"}.isdisjoint(names)


async def test_right_after_a_restart_a_service_account_is_not_told_that_it_may_not(
    own_control_plane: ControlPlane, own_kube: Kube
) -> None:
    """Some of its requests are refused by an authorizer that knows no binding yet."""
    plane = own_control_plane
    account = "--serviceaccount=test:reader"
    own_kube.kubectl("create", "serviceaccount", "reader")
    own_kube.kubectl("create", "role", "reader", "--verb=get,list,watch", "--resource=configmaps")
    own_kube.kubectl("create", "rolebinding", "reader", "--role=reader", account)
    kubeconfig = plane.service_account_kubeconfig(namespace="test", name="reader")
    verdicts: list[Denied] = []
    async with await connect(kubeconfig) as connection:
        reader = KubernetesApi(connection)

        async def ask() -> bool:
            try:
                await reader.list(CONFIGMAPS, namespace="test")
            except Unavailable:
                return False
            except Denied as failure:
                verdicts.append(failure)
                return False
            return True

        await eventually(ask)
        verdicts.clear()
        for _ in range(3):
            plane.api_server.kill()
            plane.api_server.start_again()
            await eventually(ask, every_seconds=0.001)
    assert not verdicts
