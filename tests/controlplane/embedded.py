"""The embedded API server with the face of the real control plane, so that tests run on both."""

import asyncio
import contextlib
import itertools
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from responder.sandbox.api.server import Running, serve
from responder.sandbox.api.store import HISTORY
from tests.controlplane.admin_client import AdminClient
from tests.controlplane.api_server import service_account_token
from tests.controlplane.binaries import find
from tests.controlplane.commands import AUTOSCALER_SYNC_SECONDS
from tests.controlplane.credentials import Cluster
from tests.controlplane.kubectl import run_kubectl
from tests.controlplane.toolsets import KUBERNETES

_STARTS_WITHIN_SECONDS = 10.0
_REQUEST_TIMEOUT_SECONDS = 30.0


@contextlib.contextmanager
def running_in_thread(*, history: int = HISTORY) -> Iterator[Running]:
    """Runs in a thread of its own, so that it serves tests of any loop."""
    found: list[Running] = []
    loops: list[asyncio.AbstractEventLoop] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        async with serve(history=history, sync_seconds=AUTOSCALER_SYNC_SECONDS) as server:
            found.append(server)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(_STARTS_WITHIN_SECONDS)
    yield found[0]
    loops[0].call_soon_threadsafe(stop.set)
    thread.join(_STARTS_WITHIN_SECONDS)


@dataclass(slots=True)
class EmbeddedControlPlane:
    """See ApiServer. It has controllers of its own, which know Deployments and autoscalers."""

    server: Running
    directory: Path
    ends: contextlib.ExitStack
    _serial: "itertools.count[int]" = field(default_factory=itertools.count)

    @classmethod
    def start(cls) -> Self:
        """Returns once it serves, in no time."""
        ends = contextlib.ExitStack()
        directory = Path(tempfile.mkdtemp(prefix="embedded-"))
        ends.callback(shutil.rmtree, directory, ignore_errors=True)
        return cls(ends.enter_context(running_in_thread()), directory, ends)

    def stop(self) -> None:
        self.ends.close()

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def admin_token(self) -> str:
        return self.server.admin_token

    @property
    def kubeconfig(self) -> Path:
        path = self.directory / "admin.kubeconfig"
        return path if path.exists() else self.server.write_kubeconfig(path)

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.url, certificate_authority=None)

    @property
    def evaluates_policies(self) -> bool:
        return False

    def service_account_kubeconfig(
        self, *, namespace: str, name: str, lifetime_seconds: int = 3600
    ) -> Path:
        token = service_account_token(
            self, namespace=namespace, name=name, lifetime_seconds=lifetime_seconds
        )
        path = self.directory / f"{namespace}-{name}-{next(self._serial)}.kubeconfig"
        return self.server.write_kubeconfig(path, token=token, namespace=namespace)

    def create_namespace(self, name: str) -> None:
        self.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})

    def clear_namespace(self, name: str) -> None:
        self.request("DELETE", f"/api/v1/namespaces/{name}")

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,  # noqa: ANN401 - any JSON
        content_type: str = "application/json",
        timeout_seconds: float = _REQUEST_TIMEOUT_SECONDS,
    ) -> Any:  # noqa: ANN401 - as above
        return AdminClient(cluster=self.cluster, token=self.admin_token).request(
            method, path, body=body, content_type=content_type, timeout_seconds=timeout_seconds
        )

    def kubectl(
        self, *arguments: str, stdin: str = "", namespace: str = "", kubeconfig: Path | None = None
    ) -> str:
        return run_kubectl(
            find(KUBERNETES)["kubectl"],
            *arguments,
            kubeconfig=kubeconfig or self.kubeconfig,
            cache=self.directory / "kubectl-cache",
            stdin=stdin,
            namespace=namespace,
        )
