"""From a notification received to the last patch committed, against the bare writes."""

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from responder.app import Responder, running
from responder.settings import Settings
from tests.benchmarks.floor import BareClient, at_once, bare_client, median, told
from tests.controlplane.kube import Kube
from tests.e2e.process import alert, notification

PLAYBOOK = """
apiVersion: campaign-responder.dev/v1alpha1
kind: Playbook
metadata: {name: bench}
spec:
  matchers: [alertname="HighBounceRate"]
  incidentPer: [campaign, sender]
  holds:
"""
PAUSE = '    - pause: {campaign: "{{ labels.campaign }}"}\n'
SCALE = '    - scale: {deployment: "{{ labels.sender }}", to: 2}\n'
SERIAL = 200
INCIDENTS = "/apis/campaign-responder.dev/v1alpha1/namespaces/{}/incidents"
CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


def campaign_map(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"campaign-responder.dev/campaign": name}},
        "data": {"subject": "hello", "template": "t-1"},
    }


def sender(name: str) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "sender", "image": "none.invalid/none"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"campaign-responder.dev/hold": "allowed"}},
        "spec": {
            "replicas": 8,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        },
    }


def settings_for(kube: Kube, kubeconfig: Path, folder: Path, holds: str) -> Settings:
    folder.mkdir(exist_ok=True)
    (folder / "bench.yaml").write_text(PLAYBOOK + holds)
    return Settings(
        listen="127.0.0.1:0",
        kubeconfig=kubeconfig,
        namespace=kube.namespace,
        playbooks=folder,
        most_requests=1000,
        request_seconds=60,
    )


async def post(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> None:
    async with session.post(f"{url}/webhooks/alertmanager", json=body) as answer:
        text = await answer.text()
        assert answer.status == 200, text


def observed(responder: Responder) -> list[float]:
    """Every brake time from now on, in seconds."""
    seconds: list[float] = []
    responder.metrics.brake_seconds.observe = seconds.append  # type: ignore[method-assign, assignment]
    return seconds


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def stored_incident(client_kube: Kube) -> dict[str, Any]:
    """A stored incident as the body of a bare create."""
    found = client_kube.items("campaign-responder.dev/v1alpha1", "incidents")[0]
    return {
        "apiVersion": "campaign-responder.dev/v1alpha1",
        "kind": "Incident",
        "metadata": {
            key: found["metadata"].get(key) for key in ("namespace", "labels", "finalizers")
        },
        "spec": found["spec"],
    }


def hold_patch() -> dict[str, Any]:
    """A hold of a campaign, as large as ours."""
    return {
        "metadata": {"annotations": {"campaign-responder.dev/ledger": "x" * 520}},
        "data": {"hold.json": "x" * 260},
    }


async def serial_floor(client: BareClient, kube: Kube, body: dict[str, Any]) -> list[float]:
    taken: list[float] = []
    for number in range(SERIAL):
        incident = copy.deepcopy(body)
        incident["metadata"]["name"] = f"floor-{number}"
        incident["metadata"]["finalizers"] = []
        began = time.perf_counter()
        await client.write("POST", INCIDENTS.format(kube.namespace), incident)
        path = f"{CONFIG_MAPS.format(kube.namespace)}/floor-{number}"
        await client.write("PATCH", path, hold_patch())
        taken.append(time.perf_counter() - began)
    return taken


async def bench_one_alert_to_its_hold(
    bench_kube: Kube, bench_kubeconfig: Path, tmp_path: Path
) -> None:
    kube = bench_kube
    settings = settings_for(kube, bench_kubeconfig, tmp_path / "playbooks", PAUSE)
    for number in range(SERIAL):
        kube.create("v1", "configmaps", campaign_map(f"camp-{number}"))
        kube.create("v1", "configmaps", campaign_map(f"floor-{number}"))
    async with running(settings) as (responder, url), aiohttp.ClientSession() as session:
        await until(lambda: not responder.not_ready())
        seconds = observed(responder)
        for number in range(SERIAL):
            firing = alert(campaign=f"camp-{number}", fingerprint=f"{number:016x}", sender="s")
            await post(session, url, notification(firing))
            await until(lambda expected=number + 1: len(seconds) >= expected)  # type: ignore[misc]
        body = await stored_incident(kube)
    async with bare_client(bench_kubeconfig) as client:
        floor = await serial_floor(client, kube, body)
    print()
    print(told("one alert to its hold, median", median(seconds), median(floor), "at most 3"))


async def bench_a_thousand_alerts_of_a_thousand_campaigns(
    bench_kube: Kube, bench_kubeconfig: Path, tmp_path: Path
) -> None:
    kube, namespace = bench_kube, bench_kube.namespace
    settings = settings_for(kube, bench_kubeconfig, tmp_path / "playbooks", PAUSE + SCALE)
    async with bare_client(bench_kubeconfig) as _:
        for number in range(1000):
            kube.create("v1", "configmaps", campaign_map(f"camp-{number}"))
            kube.create("v1", "configmaps", campaign_map(f"floor-{number}"))
        for number in range(200):
            kube.create("apps/v1", "deployments", sender(f"sender-{number}"))
            kube.create("apps/v1", "deployments", sender(f"floor-{number}"))
    async with running(settings) as (responder, url), aiohttp.ClientSession() as session:
        await until(lambda: not responder.not_ready())
        seconds = observed(responder)
        alerts = [
            alert(campaign=f"camp-{n}", sender=f"sender-{n % 200}", fingerprint=f"{n:016x}")
            for n in range(1000)
        ]
        began = time.perf_counter()
        posts = (
            post(session, url, notification(*alerts[first : first + 100]))
            for first in range(0, 1000, 100)
        )
        await asyncio.gather(*posts)
        await until(lambda: len(seconds) >= 1000)
        ours = time.perf_counter() - began
        body = await stored_incident(kube)
    async with bare_client(bench_kubeconfig) as client:
        writes: list[Callable[[], Awaitable[None]]] = []
        for number in range(1000):
            incident = copy.deepcopy(body)
            incident["metadata"]["name"] = f"floor-{number}"
            writes.append(partial(client.write, "POST", INCIDENTS.format(namespace), incident))
            path = f"{CONFIG_MAPS.format(namespace)}/floor-{number}"
            writes.append(partial(client.write, "PATCH", path, hold_patch()))
        for number in range(200):
            patch = {"spec": {"replicas": 2}, "metadata": hold_patch()["metadata"]}
            path = f"{DEPLOYMENTS.format(namespace)}/floor-{number}"
            writes.append(partial(client.write, "PATCH", path, patch))
        floor = await at_once(writes, in_flight=32)
    print()
    print(told("1,000 alerts over 200 workloads", ours, floor, "at most 2", unit="s"))
