"""A real Kubernetes control plane of plain processes: started, disturbed and stopped by tests."""

import dataclasses
import itertools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.controlplane import commands, nodes
from tests.controlplane.admin_client import AdminClient, RequestFailedError
from tests.controlplane.api_server import service_account_token
from tests.controlplane.binaries import find
from tests.controlplane.credentials import (
    Cluster,
    write_admin_token,
    write_service_account_key,
)
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kubectl import run_kubectl
from tests.controlplane.ports import free_port
from tests.controlplane.processes import ServerProcess
from tests.controlplane.toolsets import KUBERNETES

_READY_WITHIN_SECONDS = 60.0
_REQUEST_TIMEOUT_SECONDS = 30.0


@dataclasses.dataclass(slots=True)
class ControlPlane:
    """etcd and an API server; with `controllers` also the controllers, scheduler and nodes."""

    layout: commands.Layout
    programs: Mapping[str, Path]
    admin_token: str
    etcd: ServerProcess
    api_server: ServerProcess
    others: dict[str, ServerProcess]
    _admin: AdminClient | None = None
    _serial: "itertools.count[int]" = dataclasses.field(default_factory=itertools.count)

    @classmethod
    def start(cls, *, logs: Path, controllers: bool = True) -> Self:
        """Returns once it serves (and pods can run, with `controllers`), in some 5 s.

        `logs` gets one file per process. All else lives in a temporary folder until `stop`.
        """
        programs = find(KUBERNETES)
        layout = commands.Layout(
            directory=Path(tempfile.mkdtemp(prefix="control-plane-")),
            etcd_port=free_port(),
            etcd_peer_port=free_port(),
            api_port=free_port(),
            kwok_port=free_port(),
        )
        write_service_account_key(layout.service_account_key)
        token = write_admin_token(layout.admin_tokens)
        plane = cls(
            layout=layout,
            programs=programs,
            admin_token=token,
            etcd=ServerProcess.start(commands.etcd(programs, layout), log=logs / "etcd.log"),
            api_server=ServerProcess.start(
                commands.api_server(programs, layout), log=logs / "kube-apiserver.log"
            ),
            others={},
        )
        try:
            plane._become_ready(logs=logs, controllers=controllers)
        except BaseException:
            plane.stop()
            raise
        return plane

    def _become_ready(self, *, logs: Path, controllers: bool) -> None:
        self.wait_until_ready()
        self.cluster.write_kubeconfig(self.kubeconfig, user="admin", token=self.admin_token)
        if not controllers:
            return
        for build in (commands.controller_manager, commands.scheduler, commands.kwok):
            command = build(self.programs, self.layout)
            name = Path(command[0]).name
            self.others[name] = ServerProcess.start(command, log=logs / f"{name}.log")
        nodes.add(self)

    def stop(self) -> None:
        """Ends all processes, stopped ones too, and removes everything but the logs."""
        if self._admin is not None:
            self._admin.close()
        for server in (*self.others.values(), self.api_server, self.etcd):
            server.kill()
        shutil.rmtree(self.layout.directory, ignore_errors=True)

    # What the tests connect with

    @property
    def url(self) -> str:
        return self.layout.api_url

    @property
    def kubeconfig(self) -> Path:
        """cluster-admin (a member of system:masters)."""
        return self.layout.kubeconfig

    @property
    def cluster(self) -> Cluster:
        return Cluster(
            url=self.url,
            # A self-signed certificate comes with the authority that signed it in one file.
            certificate_authority=self.layout.serving_certificates / "apiserver.crt",
        )

    @property
    def evaluates_policies(self) -> bool:
        return True

    def service_account_kubeconfig(
        self, *, namespace: str, name: str, lifetime_seconds: int = 3600
    ) -> Path:
        """A kubeconfig with a token of this ServiceAccount, as TokenRequest gives it to pods."""
        token = service_account_token(
            self, namespace=namespace, name=name, lifetime_seconds=lifetime_seconds
        )
        path = self.layout.directory / f"{namespace}-{name}-{next(self._serial)}.kubeconfig"
        return self.cluster.write_kubeconfig(path, user=name, token=token, namespace=namespace)

    def create_namespace(self, name: str) -> None:
        """Returns when pods can be created in it, if there are controllers at all."""
        self.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
        if self.others:
            # Admission refuses a pod whose service account isn't there yet, and the controllers
            # then try again later and later.
            eventually_blocking(
                lambda: self.request("GET", f"/api/v1/namespaces/{name}/serviceaccounts")["items"],
                what=f"namespace {name} has its service account",
            )

    def clear_namespace(self, name: str) -> None:
        """Takes away what controllers would work on without end.

        The rest stays: to delete a namespace costs the servers a tenth of a second, as they look
        for everything that could be in it.
        """
        for root, plural in (
            ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
            ("/apis/apps/v1", "deployments"),
        ):
            self.request("DELETE", f"{root}/namespaces/{name}/{plural}")

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,  # noqa: ANN401 - any JSON
        content_type: str = "application/json",
        timeout_seconds: float = _REQUEST_TIMEOUT_SECONDS,
    ) -> Any:  # noqa: ANN401 - as above
        """One request as cluster-admin: see AdminClient."""
        if self._admin is None:
            self._admin = AdminClient(cluster=self.cluster, token=self.admin_token, keep_alive=True)
        return self._admin.request(
            method, path, body=body, content_type=content_type, timeout_seconds=timeout_seconds
        )

    def kubectl(
        self, *arguments: str, stdin: str = "", namespace: str = "", kubeconfig: Path | None = None
    ) -> str:
        """Runs kubectl, as cluster-admin unless told otherwise; returns its stdout.

        Raises:
            KubectlFailedError: with its stderr.

        """
        return run_kubectl(
            self.programs["kubectl"],
            *arguments,
            kubeconfig=kubeconfig or self.kubeconfig,
            cache=self.layout.directory / "kubectl-cache",
            stdin=stdin,
            namespace=namespace,
        )

    # What the tests do to it

    def suspend(self) -> None:
        """From now on the API server takes connections and requests, and answers none."""
        self.api_server.suspend()

    def resume(self) -> None:
        self.api_server.resume()

    def kill_api_server(self) -> None:
        """SIGKILL: connections break, new ones are refused. etcd keeps what was committed."""
        self.api_server.kill()

    def start_api_server(self) -> None:
        """Starts it again at the same address and returns when it is ready."""
        self.api_server.start_again()
        self.wait_until_ready()

    def wait_until_ready(self, *, within_seconds: float = _READY_WITHIN_SECONDS) -> None:
        eventually_blocking(
            self._is_ready, within_seconds=within_seconds, what=f"{self.url}/readyz is ok"
        )

    def _is_ready(self) -> bool:
        self.etcd.require_running()
        self.api_server.require_running()
        authority = self.cluster.certificate_authority
        if authority is None or not authority.exists():
            return False
        try:
            return bool(self.request("GET", "/readyz", timeout_seconds=2.0) == "ok")
        except (OSError, RequestFailedError):
            return False
