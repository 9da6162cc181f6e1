"""kubectl works against the embedded server, as people use it."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from responder.sandbox.api.kubeconfig import write_kubeconfig
from responder.sandbox.api.server import ApiServer, serving
from responder.sandbox.controllers.controllers import Controllers
from tests.controlplane.binaries import find
from tests.controlplane.eventually import eventually
from tests.controlplane.fixtures import require
from tests.controlplane.toolsets import KUBERNETES

K8S = Path(__file__).parents[3] / "k8s"
Kubectl = Callable[..., Awaitable[str]]


@pytest.fixture
async def kubectl(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Kubectl]:
    """Against a server with controllers, the sample sender and our definition on it."""
    require(KUBERNETES, request.config)
    program = find(KUBERNETES)["kubectl"]
    config = tmp_path / "kubeconfig"

    async def run(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "KUBECONFIG": str(config), "HOME": str(tmp_path)},
        )
        output, _ = await asyncio.wait_for(process.communicate(), timeout=30)
        assert process.returncode == 0, output.decode()
        return output.decode()

    server = ApiServer()
    async with serving(server) as url, Controllers(server, sync_seconds=0.1).running():
        write_kubeconfig(config, url, token="any", namespace="default")
        samples = [K8S / "samples" / name for name in ("sender.yaml", "campaigns.yaml")]
        for manifest in (K8S / "base" / "crd.yaml", *samples):
            await run("apply", "-f", str(manifest))
        yield run


async def test_it_gets_what_was_applied(kubectl: Kubectl) -> None:
    listed = await kubectl("get", "deploy,hpa,cm,pods")
    assert "deployment.apps/email-sender" in listed
    assert "8/8" in listed
    assert "Deployment/email-sender" in listed
    assert listed.count("Running") == 8
    assert "No resources found" in await kubectl("get", "inc")


async def test_it_applies_again_without_a_change(kubectl: Kubectl) -> None:
    again = await kubectl("apply", "-f", str(K8S / "samples" / "campaigns.yaml"))
    assert again.count("unchanged") == 3


async def test_it_applies_on_the_servers_side(kubectl: Kubectl) -> None:
    manifest = str(K8S / "samples" / "sender.yaml")
    first = await kubectl("apply", "--server-side", "--force-conflicts", "-f", manifest)
    assert "serverside-applied" in first
    shown = await kubectl("get", "deploy/email-sender", "-o=yaml", "--show-managed-fields")
    assert "operation: Apply" in shown


async def test_it_scales_and_patches(kubectl: Kubectl) -> None:
    await kubectl("scale", "deploy/email-sender", "--replicas=3")
    assert "3/3" in await kubectl("get", "deploy/email-sender")
    await kubectl("patch", "hpa/email-sender-hpa", "-p", '{"spec":{"maxReplicas":2}}')

    async def is_bounded() -> bool:
        return "2/2" in await kubectl("get", "deploy/email-sender")

    await eventually(is_bounded, what="brought down by the autoscaler")
    await kubectl("annotate", "cm/spring-sale", "note=hello")
    await kubectl("label", "cm/spring-sale", "tier=one")
    assert "hello" in await kubectl("get", "cm/spring-sale", "-o=jsonpath={.metadata.annotations}")


async def test_it_describes(kubectl: Kubectl) -> None:
    told = await kubectl("describe", "deploy/email-sender")
    assert "8 desired | 8 updated | 8 total | 8 available" in told
    assert "NewReplicaSet:" in told
    assert "Reference:" in await kubectl("describe", "hpa/email-sender-hpa")
    assert "Spring sale" in await kubectl("describe", "cm/spring-sale")


async def test_it_deletes_and_what_was_owned_goes_too(kubectl: Kubectl) -> None:
    await kubectl("delete", "deploy/email-sender")
    assert "No resources found" in await kubectl("get", "pods,rs")


async def test_it_watches(kubectl: Kubectl, tmp_path: Path) -> None:
    manifest = tmp_path / "late.yaml"
    manifest.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: late}}")
    watch = ("get", "cm", "-w", "--request-timeout=3s", "-o=custom-columns=N:.metadata.name")
    listed, _ = await asyncio.gather(kubectl(*watch), kubectl("apply", "-f", str(manifest)))
    assert {"spring-sale", "late"} <= set(listed.split())


async def test_what_it_sends_as_protobuf_is_refused_in_words(kubectl: Kubectl) -> None:
    with pytest.raises(AssertionError, match="kubectl apply"):
        await kubectl("create", "configmap", "late", "--from-literal=x=1")


async def test_it_diffs_and_waits(kubectl: Kubectl) -> None:
    manifest = str(K8S / "samples" / "campaigns.yaml")
    assert await kubectl("diff", "-f", manifest) == ""
    await kubectl("wait", "--for=condition=Available", "deploy/email-sender", "--timeout=5s")
