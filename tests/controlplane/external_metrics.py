"""External metrics for autoscalers: a test sets a number, the real controller sees it next sync."""

import dataclasses
import sys
from pathlib import Path

from tests.controlplane.control_plane import ControlPlane
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.ports import free_port
from tests.controlplane.processes import ServerProcess

_GROUP, _VERSION = "external.metrics.k8s.io", "v1beta1"
_SERVER = Path(__file__).with_name("external_metrics_server.py")
_SERVICE_NAMESPACE = "kube-system"
_SERVICE = "external-metrics"


@dataclasses.dataclass(frozen=True, slots=True)
class ExternalMetrics:
    """The metrics API of one control plane."""

    control_plane: ControlPlane
    server: ServerProcess

    @classmethod
    def start(cls, control_plane: ControlPlane, *, logs: Path) -> "ExternalMetrics":
        """Returns when the API server sees the API as available."""
        port = free_port()
        certificates = control_plane.layout.serving_certificates
        command = (
            sys.executable,
            _SERVER,
            str(port),
            certificates / "apiserver.crt",
            certificates / "apiserver.key",
        )
        metrics = cls(
            control_plane=control_plane,
            server=ServerProcess.start(command, log=logs / "external-metrics.log"),
        )
        try:
            metrics._register(port)
            eventually_blocking(metrics._is_available, what="the external metrics API")
        except BaseException:
            metrics.stop()
            raise
        return metrics

    def set(self, name: str, value: float | str, *, namespace: str) -> None:
        """`value` is a number or a Kubernetes quantity ("1500m")."""
        path = self._path(name, namespace=namespace)
        self.control_plane.request("PUT", path, body={"value": str(value)})

    def remove(self, name: str, *, namespace: str) -> None:
        """As if nobody measured it any more."""
        self.control_plane.request("DELETE", self._path(name, namespace=namespace))

    def stop(self) -> None:
        self.server.kill()

    def _path(self, name: str, *, namespace: str) -> str:
        return f"/apis/{_GROUP}/{_VERSION}/namespaces/{namespace}/{name}"

    def _register(self, port: int) -> None:
        """An APIService wants a Service, and endpoints may not be loopback addresses: the one
        kind of Service that leads to this machine is a name, which the API server looks up.
        """
        self.control_plane.request(
            "POST",
            f"/api/v1/namespaces/{_SERVICE_NAMESPACE}/services",
            body={
                "metadata": {"name": _SERVICE},
                "spec": {"type": "ExternalName", "externalName": "localhost"},
            },
        )
        self.control_plane.request(
            "POST",
            "/apis/apiregistration.k8s.io/v1/apiservices",
            body={
                "metadata": {"name": f"{_VERSION}.{_GROUP}"},
                "spec": {
                    "group": _GROUP,
                    "version": _VERSION,
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                    "insecureSkipTLSVerify": True,
                    "service": {"namespace": _SERVICE_NAMESPACE, "name": _SERVICE, "port": port},
                },
            },
        )

    def _is_available(self) -> bool:
        self.server.require_running()
        service = self.control_plane.request(
            "GET", f"/apis/apiregistration.k8s.io/v1/apiservices/{_VERSION}.{_GROUP}"
        )
        conditions = service.get("status", {}).get("conditions", ())
        assert any(
            condition["type"] == "Available" and condition["status"] == "True"
            for condition in conditions
        ), conditions
        return True
