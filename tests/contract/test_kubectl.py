"""kubectl works against the embedded server."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest

from responder.cluster.kubeconfig import find_server
from responder.sandbox.api.server import Running
from tests.contract.conftest import WIDGETS
from tests.contract.manifests import autoscaler, configmap, deployment
from tests.controlplane.binaries import find
from tests.controlplane.fixtures import require
from tests.controlplane.toolsets import KUBERNETES

_SECONDS = 60


class Kubectl:
    def __init__(self, program: Path, kubeconfig: Path) -> None:
        self.command = [str(program), f"--kubeconfig={kubeconfig}"]
        self.environment = {**os.environ, "HOME": str(kubeconfig.parent)}

    def __call__(self, *arguments: str, stdin: object = None) -> str:
        done = subprocess.run(
            [*self.command, *arguments],
            input=None if stdin is None else json.dumps(stdin),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            env=self.environment,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def kubectl(running: Running, tmp_path: Path, request: pytest.FixtureRequest) -> Kubectl:
    require(KUBERNETES, request.config)
    kubeconfig = running.write_kubeconfig(tmp_path / "config")
    return Kubectl(find(KUBERNETES)["kubectl"], kubeconfig)


def typed(api_version: str, kind: str, body: dict[str, object]) -> dict[str, object]:
    return {"apiVersion": api_version, "kind": kind, **body}


WEB = typed("apps/v1", "Deployment", deployment("web"))


def test_apply_twice_get_and_delete(kubectl: Kubectl) -> None:
    assert "configured" not in kubectl("apply", "-f", "-", stdin=WEB)
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=WEB)
    three = typed("apps/v1", "Deployment", deployment("web", 3))
    assert "configured" in kubectl("apply", "-f", "-", stdin=three)
    kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    assert "3/3" in kubectl("get", "deployments")
    assert len(kubectl("get", "pods", "-l", "app=web", "-o", "name").split()) == 3
    assert "3 desired" in kubectl("describe", "deployment", "web")
    assert "deleted" in kubectl("delete", "deployment", "web")
    assert "web" not in kubectl("get", "deployments")


def test_scale_and_patch(kubectl: Kubectl) -> None:
    kubectl(
        "apply", "--server-side", "-f", "-", stdin=typed("apps/v1", "Deployment", deployment("s"))
    )
    kubectl("scale", "deployment", "s", "--replicas=4")
    assert kubectl("get", "deploy", "s", "-o", "jsonpath={.spec.replicas}") == "4"
    kubectl("patch", "deployment", "s", "-p", '{"spec": {"replicas": 1}}')
    kubectl(
        "patch",
        "deploy",
        "s",
        "--type=json",
        "-p",
        '[{"op":"replace","path":"/spec/replicas","value":0}]',
    )
    assert kubectl("get", "deploy", "s", "-o", "jsonpath={.spec.replicas}") == "0"
    kubectl("annotate", "deployment", "s", "a=b")
    kubectl("label", "deployment", "s", "c=d")
    kubectl("delete", "deployment", "s")


def test_autoscaler_has_effect(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=typed("apps/v1", "Deployment", deployment("h", 1)))
    hpa = typed("autoscaling/v2", "HorizontalPodAutoscaler", autoscaler("h", 3, 5, "h"))
    kubectl("create", "-f", "-", stdin=hpa)
    kubectl("wait", "deployment/h", "--for=jsonpath={.spec.replicas}=3", "--timeout=20s")
    assert "Deployment/h" in kubectl("get", "hpa")
    assert "Min replicas" in kubectl("describe", "hpa", "h")
    kubectl("delete", "hpa/h", "deploy/h")


def test_custom_resources(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=WIDGETS)
    kubectl("wait", "crd/widgets.contract.test", "--for=condition=Established", "--timeout=10s")
    widget = typed("contract.test/v1", "Widget", {"metadata": {"name": "w"}, "spec": {"size": 1}})
    kubectl("apply", "-f", "-", stdin=widget)
    assert "COLOUR" in kubectl("get", "widgets")
    assert "red" in kubectl("get", "wg", "w")
    assert "Size:" in kubectl("describe", "widget", "w")
    kubectl("patch", "widget", "w", "--type=merge", "-p", '{"spec": {"colour": "green"}}')
    assert "green" in kubectl("get", "wg", "w")
    kubectl("delete", "widget", "w")


async def test_watch(kubectl: Kubectl) -> None:
    watch = await asyncio.create_subprocess_exec(
        *kubectl.command,
        *("get", "configmaps", "-w", "-o", "name"),
        stdout=asyncio.subprocess.PIPE,
        env=kubectl.environment,
    )
    assert watch.stdout is not None
    try:
        body = typed("v1", "ConfigMap", configmap("seen"))
        await asyncio.to_thread(kubectl, "create", "-f", "-", stdin=body)
        async with asyncio.timeout(_SECONDS):
            while (await watch.stdout.readline()).strip() != b"configmap/seen":
                pass
    finally:
        watch.kill()
        await watch.wait()
    await asyncio.to_thread(kubectl, "delete", "configmap", "seen")


def test_responder_finds_the_server(running: Running, tmp_path: Path) -> None:
    server = find_server(running.write_kubeconfig(tmp_path / "config"))
    assert (server.url.startswith(running.url), server.tls) == (True, None)


def test_what_k8s_installs(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=typed("v1", "Namespace", {"metadata": {"name": "mail"}}))
    base = Path(__file__).parents[2] / "k8s" / "base"
    kubectl("apply", "-n", "mail", "-f", str(base / "crd.yaml"))
    kubectl("wait", "crd/incidents.campaign-responder.dev", "--for=condition=Established")
    assert "PHASE" not in kubectl("get", "inc", "-n", "mail")  # there are none
    applied = kubectl("apply", "-n", "mail", "--server-side", "-f", str(base / "rbac.yaml"))
    assert "serverside-applied" in applied
    kubectl("delete", "namespace", "mail")
    assert "mail" not in kubectl("get", "namespaces")
