"""A breakpoint meets the request that a test means, and no other."""

import http.client
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controlplane.admin_client import MERGE_PATCH
from tests.controlplane.kube import Kube
from tests.e2e.api_proxy import ApiProxy, Fault

STALE = {"metadata": {"resourceVersion": "1"}, "data": {"key": "stale"}}
FRESH = {"data": {"key": "fresh"}}


@pytest.fixture
def proxy(kube: Kube) -> Iterator[ApiProxy]:
    between = ApiProxy(kube.control_plane)
    yield between
    between.stop()


def patch(proxy: ApiProxy, kube: Kube, body: dict[str, Any], *, folder: Path) -> int:
    """Through the proxy; returns the status."""
    given = folder / "kubeconfig"
    given.write_text(kube.control_plane.kubeconfig.read_text())
    config = json.loads(proxy.kubeconfig(given).read_text())
    address = urllib.parse.urlsplit(config["clusters"][0]["cluster"]["server"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    try:
        connection.request(
            "PATCH",
            kube.path("v1", "configmaps", "some"),
            body=json.dumps(body),
            headers={
                "Authorization": f"Bearer {kube.control_plane.admin_token}",
                "Content-Type": MERGE_PATCH,
            },
        )
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_request_that_is_refused_is_not_the_one_that_has_to_be_carried_out(
    kube: Kube, proxy: ApiProxy, tmp_path: Path
) -> None:
    kube.create("v1", "configmaps", {"metadata": {"name": "some"}})
    point = proxy.break_at("PATCH", "/configmaps/", Fault.LOST)
    assert patch(proxy, kube, STALE, folder=tmp_path) == 409
    assert not point.reached.is_set()
    with pytest.raises(http.client.RemoteDisconnected):
        patch(proxy, kube, FRESH, folder=tmp_path)
    assert point.reached.is_set()
    assert kube.get("v1", "configmaps", "some")["data"] == FRESH["data"]
    assert patch(proxy, kube, FRESH, folder=tmp_path) == 200
