"""What is built from Go modules, from which pinned module, and how: the one list of versions."""

import dataclasses
import hashlib
import platform
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
KUBERNETES_VERSION = "1.36.3"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Toolset:
    """One Go module and the programs that are built from it, together."""

    name: str
    """Names the folder beside this file that holds go.mod and go.sum."""
    packages: Mapping[str, str]
    """Program to Go package: the programs' names are ours, not the last part of the package."""
    ldflags: str = "-s -w"
    """Without symbol tables the programs are a third smaller; stack traces stay readable."""
    tags: str = ""
    copied: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Files that the programs need beside them: name to `module:path inside the module`."""

    @property
    def module_directory(self) -> Path:
        return HERE / self.name

    @property
    def build_flags(self) -> tuple[str, ...]:
        return ("-trimpath", f"-ldflags={self.ldflags}", f"-tags={self.tags}")

    def cache_key(self, programs: frozenset[str]) -> str:
        """Changes with everything that changes the result, and with nothing else."""
        digest = hashlib.sha256()
        for name in ("go.mod", "go.sum"):
            digest.update((self.module_directory / name).read_bytes())
        for part in (*self.build_flags, platform.system(), platform.machine()):
            digest.update(f"\0{part}".encode())
        for program in sorted(programs):
            digest.update(f"\0{program}={self.packages[program]}".encode())
        for name, source in sorted(self.copied.items()):
            digest.update(f"\0{name}={source}".encode())
        return f"{self.name}-{digest.hexdigest()[:16]}"


def _version_ldflags() -> str:
    """Without these the API server calls itself v0.0.0, and kubectl warns about the difference."""
    major, minor, _ = KUBERNETES_VERSION.split(".")
    stamps = {"gitVersion": f"v{KUBERNETES_VERSION}", "gitMajor": major, "gitMinor": minor}
    return " ".join(
        f"-X k8s.io/component-base/version.{name}={value}" for name, value in stamps.items()
    )


_STAGES = "sigs.k8s.io/kwok:kustomize/stage"

KUBERNETES = Toolset(
    name="kubernetes",
    packages={
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
        "kwok": "sigs.k8s.io/kwok/cmd/kwok",
    },
    ldflags=f"-s -w {_version_ldflags()}",
    copied={
        "node-initialize.yaml": f"{_STAGES}/node/fast/node-initialize.yaml",
        "node-heartbeat.yaml": f"{_STAGES}/node/heartbeat/node-heartbeat.yaml",
        "pod-ready.yaml": f"{_STAGES}/pod/fast/pod-ready.yaml",
        "pod-complete.yaml": f"{_STAGES}/pod/fast/pod-complete.yaml",
        "pod-delete.yaml": f"{_STAGES}/pod/fast/pod-delete.yaml",
    },
)
ALERTMANAGER = Toolset(
    name="alertmanager",
    packages={"alertmanager": "github.com/prometheus/alertmanager/cmd/alertmanager"},
)
PROMETHEUS = Toolset(
    name="prometheus",
    packages={
        "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
        "promtool": "github.com/prometheus/prometheus/cmd/promtool",
    },
    # The clouds' service discoveries are most of what there is to compile, and nothing here.
    tags="remove_all_sd",
)
TOOLSETS = {toolset.name: toolset for toolset in (KUBERNETES, ALERTMANAGER, PROMETHEUS)}
