"""Simulated nodes: pods that are scheduled to them go Running, and go away when deleted."""

from typing import TYPE_CHECKING

from tests.controlplane import commands
from tests.controlplane.eventually import eventually_blocking

if TYPE_CHECKING:
    from tests.controlplane.control_plane import ControlPlane

NODES = ("node-1", "node-2")


def add(plane: "ControlPlane") -> None:
    """Returns when each node is Ready and takes pods."""
    for name in NODES:
        plane.request("POST", "/api/v1/nodes", body=_node(name))
    for name in NODES:
        eventually_blocking(
            lambda name=name: _is_ready(plane, name),  # type: ignore[misc]
            what=f"{name} is ready",
        )
        # Admission puts a not-ready taint on every new node. The controller that would remove it
        # would also put it back whenever this machine is too busy to simulate the heartbeats.
        plane.request(
            "PATCH",
            f"/api/v1/nodes/{name}",
            body={"spec": {"taints": None}},
            content_type="application/merge-patch+json",
        )


def _node(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {commands.FAKE_NODE_ANNOTATION: "fake"},
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"},
        },
    }


def _is_ready(plane: "ControlPlane", name: str) -> bool:
    for server in plane.others.values():
        server.require_running()
    status = plane.request("GET", f"/api/v1/nodes/{name}")["status"]
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions", ())
    )
