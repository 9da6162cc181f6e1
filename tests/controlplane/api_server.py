"""What the real control plane and the embedded one have in common: all that most tests need."""

from pathlib import Path
from typing import Any, Protocol

from tests.controlplane.credentials import Cluster


class ApiServer(Protocol):
    """A Kubernetes API server, as its cluster-admin and as any ServiceAccount."""

    @property
    def url(self) -> str: ...

    @property
    def admin_token(self) -> str: ...

    @property
    def kubeconfig(self) -> Path:
        """cluster-admin (a member of system:masters)."""

    @property
    def cluster(self) -> Cluster: ...

    @property
    def evaluates_policies(self) -> bool:
        """Whether it holds anybody to ValidatingAdmissionPolicies."""

    def service_account_kubeconfig(
        self, *, namespace: str, name: str, lifetime_seconds: int = 3600
    ) -> Path:
        """A kubeconfig with a token of this ServiceAccount, as TokenRequest gives it to pods."""

    def create_namespace(self, name: str) -> None:
        """Returns when pods can be created in it, if there are controllers at all."""

    def clear_namespace(self, name: str) -> None:
        """Takes away what controllers would work on without end."""

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,  # noqa: ANN401 - any JSON
        content_type: str = "application/json",
        timeout_seconds: float = ...,
    ) -> Any:  # noqa: ANN401 - as above
        """One request as cluster-admin: see AdminClient."""

    def kubectl(
        self, *arguments: str, stdin: str = "", namespace: str = "", kubeconfig: Path | None = None
    ) -> str:
        """Runs kubectl, as cluster-admin unless told otherwise; returns its stdout."""


def service_account_token(
    server: ApiServer, *, namespace: str, name: str, lifetime_seconds: int
) -> str:
    """As TokenRequest gives it to pods."""
    answer = server.request(
        "POST",
        f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
        body={
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": lifetime_seconds},
        },
    )
    return str(answer["status"]["token"])
