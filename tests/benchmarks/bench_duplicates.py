"""Duplicates of a known notification a second, against a bare server that only parses them."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.bench_brake import PAUSE, PLAYBOOK, campaign_map
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.controlplane.ports import free_port
from tests.controlplane.processes import ServerProcess
from tests.e2e.process import TOKEN, ResponderProcess, alert, notification

CONNECTIONS = 4
REQUESTS = 600


def request_bytes(port: int, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    head = (
        "POST /webhooks/alertmanager HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def client(port: int, request: bytes, *, count: int) -> None:
    """As cheap a client as can be: what is measured is the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
    finally:
        writer.close()
        await writer.wait_closed()


async def per_second(port: int, request: bytes) -> float:
    await client(port, request, count=50)
    began = time.perf_counter()
    each = REQUESTS // CONNECTIONS
    await asyncio.gather(*(client(port, request, count=each) for _ in range(CONNECTIONS)))
    return REQUESTS / (time.perf_counter() - began)


def serves(port: int) -> bool:
    async def connects() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return asyncio.run(connects())


@pytest.mark.parametrize("alerts", [1, 20], ids=["one-alert", "twenty-alerts"])
def bench_duplicates(bench_kube: Kube, bench_kubeconfig: Path, tmp_path: Path, alerts: int) -> None:
    bench_kube.create("v1", "configmaps", campaign_map("spring-sale"))
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "bench.yaml").write_text(PLAYBOOK + PAUSE)
    responder = ResponderProcess.start(
        bench_kube, kubeconfig=bench_kubeconfig, playbooks=folder, logs=tmp_path, cold=True
    )
    peer_port = free_port()
    peer = ServerProcess.start(
        (sys.executable, "-m", "tests.benchmarks.bare_webhook", str(peer_port)),
        log=tmp_path / "peer.log",
    )
    try:
        eventually_blocking(lambda: serves(peer_port), what="the peer serves")
        body = notification(
            *(alert(pod=f"p-{n}", sender="s", fingerprint=f"{n:016x}") for n in range(alerts))
        )
        assert responder.post("/webhooks/alertmanager", body).status == 200
        port = int(responder.url.rpartition(":")[2])
        ours, floor = [], []
        for _ in range(3):
            floor.append(asyncio.run(per_second(peer_port, request_bytes(peer_port, body))))
            ours.append(asyncio.run(per_second(port, request_bytes(port, body))))
        best, peak = max(ours), max(floor)
        print(
            f"\nduplicates with {alerts} alert(s): {best:.0f}/s against {peak:.0f}/s,"
            f" ratio {best / peak:.2f} (goal at least 0.7)"
        )
    finally:
        peer.terminate()
        responder.server.terminate()
