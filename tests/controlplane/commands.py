"""The command line of each server of the control plane, with the reason for each odd flag."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

# Only what the tests rely on: fewer informers, and a faster start.
_CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "deployment-controller",
    "disruption-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
    "job-controller",
    "namespace-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "statefulset-controller",
)
_STAGES = (
    "node-initialize.yaml",
    "node-heartbeat.yaml",
    "pod-ready.yaml",
    "pod-complete.yaml",
    "pod-delete.yaml",
)
FAKE_NODE_ANNOTATION = "kwok.x-k8s.io/node"
AUTOSCALER_SYNC_SECONDS = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """The files and ports that the command lines share."""

    directory: Path
    etcd_port: int
    etcd_peer_port: int
    api_port: int
    kwok_port: int

    @property
    def service_account_key(self) -> Path:
        return self.directory / "service-accounts.key"

    @property
    def admin_tokens(self) -> Path:
        return self.directory / "tokens.csv"

    @property
    def serving_certificates(self) -> Path:
        return self.directory / "certificates"

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "admin.kubeconfig"

    @property
    def api_url(self) -> str:
        return f"https://127.0.0.1:{self.api_port}"


def etcd(programs: Mapping[str, Path], layout: Layout) -> tuple[str, ...]:
    client = f"http://127.0.0.1:{layout.etcd_port}"
    peer = f"http://127.0.0.1:{layout.etcd_peer_port}"
    return (
        str(programs["etcd"]),
        f"--data-dir={layout.directory / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",  # nothing here has to survive the machine
        "--log-level=warn",
    )


def api_server(programs: Mapping[str, Path], layout: Layout) -> tuple[str, ...]:
    return (
        str(programs["kube-apiserver"]),
        f"--etcd-servers=http://127.0.0.1:{layout.etcd_port}",
        f"--secure-port={layout.api_port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={layout.serving_certificates}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={layout.service_account_key}",
        f"--service-account-signing-key-file={layout.service_account_key}",
        f"--token-auth-file={layout.admin_tokens}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        # v1 is on by default; the older ones are asked for by manifests in the wild.
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
        "--event-ttl=1h",
        "--profiling=false",
        "--v=1",
    )


def controller_manager(programs: Mapping[str, Path], layout: Layout) -> tuple[str, ...]:
    return (
        str(programs["kube-controller-manager"]),
        f"--kubeconfig={layout.kubeconfig}",
        f"--controllers={','.join(_CONTROLLERS)}",
        f"--service-account-private-key-file={layout.service_account_key}",
        f"--root-ca-file={layout.serving_certificates / 'apiserver.crt'}",
        "--leader-elect=false",
        "--secure-port=0",
        # Client-side throttling, not the controllers, would be what the tests wait for.
        "--kube-api-qps=300",
        "--kube-api-burst=600",
        "--concurrent-gc-syncs=5",
        # 15 s, 5 min, 5 min and 30 s in production: the same decisions, sooner.
        f"--horizontal-pod-autoscaler-sync-period={AUTOSCALER_SYNC_SECONDS}s",
        "--horizontal-pod-autoscaler-downscale-stabilization=1s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
        "--v=2",
    )


def scheduler(programs: Mapping[str, Path], layout: Layout) -> tuple[str, ...]:
    return (
        str(programs["kube-scheduler"]),
        f"--kubeconfig={layout.kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=300",
        "--kube-api-burst=600",
        "--v=1",
    )


def kwok(programs: Mapping[str, Path], layout: Layout) -> tuple[str, ...]:
    return (
        str(programs["kwok"]),
        f"--kubeconfig={layout.kubeconfig}",
        "--manage-all-nodes=false",
        f"--manage-nodes-with-annotation-selector={FAKE_NODE_ANNOTATION}=fake",
        *(f"--config={programs[stage]}" for stage in _STAGES),
        f"--server-address=127.0.0.1:{layout.kwok_port}",
    )
