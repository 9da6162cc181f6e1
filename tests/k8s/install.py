"""Installs `k8s/base` into a namespace as its users do, and gives the responder's own rights.

Shared with every test that runs the responder: it gets exactly the ServiceAccount, the RBAC and
the admission policies of the manifests.
"""

import os
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane.admin_client import AdminClient, RequestFailedError
from tests.controlplane.api_server import ApiServer
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.controlplane.kubectl import KubectlFailedError

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
ACCOUNT = "campaign-responder"
Manifest = dict[str, Any]
_ANYWHERE = "the-namespace-of-a-test"
_built: list[Manifest] = []
_in_force: set[str] = set()
"""Control planes, by URL, that have what is there once for the whole cluster."""


def build(plane: ApiServer, folder: Path, *, namespace: str = "") -> list[Manifest]:
    """What `kubectl kustomize` makes of the folder, put into a namespace by an overlay if given."""
    if not namespace:
        return list(yaml.safe_load_all(plane.kubectl("kustomize", str(folder))))
    with tempfile.TemporaryDirectory(prefix="overlay-") as overlay:
        # kustomize takes no absolute path.
        relative = os.path.relpath(folder, Path(overlay).resolve())
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": namespace,
            "resources": [relative],
        }
        (Path(overlay) / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return list(yaml.safe_load_all(plane.kubectl("kustomize", overlay)))


def install(kube: Kube, *, without: Collection[str] = ("Deployment",)) -> Path:
    """Returns a kubeconfig of the responder's ServiceAccount, once everything is in force.

    Without the Deployment, because tests run the responder themselves.
    """
    plane = kube.control_plane
    known = plane.url in _in_force
    kube.apply(
        *(
            manifest
            for manifest in _base(plane, namespace=kube.namespace)
            if manifest["kind"] not in without and (not known or _is_namespaced(manifest))
        ),
        server_side="true",
        force_conflicts="true",
    )
    if not known:
        plane.kubectl("wait", "--for=condition=Established", "crd/incidents.campaign-responder.dev")
        eventually_blocking(
            lambda: _is_served(kube) and _are_confined(kube),
            what="the incidents are served and the admission policies are in force",
        )
        _in_force.add(plane.url)
    return plane.service_account_kubeconfig(namespace=kube.namespace, name=ACCOUNT)


def _base(plane: ApiServer, *, namespace: str) -> list[Manifest]:
    """The base for a namespace; built once in a run, as every build is a process of its own."""
    if not _built:
        _built.extend(build(plane, K8S / "base", namespace=_ANYWHERE))
    return list(yaml.safe_load_all(yaml.safe_dump_all(_built).replace(_ANYWHERE, namespace)))


def _is_namespaced(manifest: Manifest) -> bool:
    return "namespace" in manifest["metadata"]


def _is_served(kube: Kube) -> bool:
    try:
        kube.items("campaign-responder.dev/v1alpha1", "incidents")
    except RequestFailedError:
        return False
    return True


def _are_confined(kube: Kube) -> bool:
    """Each policy comes into force by itself, some moments after its create."""
    if not kube.control_plane.evaluates_policies:
        return True
    probes = (
        ("configmap", "probe"),
        ("deployment", "probe", "--image=none.invalid/none"),
    )
    # Impersonated with every right, so that nothing but the policies can refuse.
    responder = f"system:serviceaccount:{kube.namespace}:{ACCOUNT}"
    as_responder = ("--dry-run=server", f"--as={responder}", "--as-group=system:masters")
    for probe in probes:
        try:
            kube.kubectl("create", *probe, *as_responder)
        except KubectlFailedError as error:
            if "ValidatingAdmissionPolicy" not in str(error):
                raise
        else:
            return False
    return True


def client(plane: ApiServer, kubeconfig: Path) -> AdminClient:
    """Asks the API server with the token of a kubeconfig."""
    token = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
    return AdminClient(cluster=plane.cluster, token=token)
