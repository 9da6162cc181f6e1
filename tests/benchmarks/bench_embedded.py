"""Creates and patches a second: the embedded API server beside the real one, in the same run."""

import time
from pathlib import Path

from responder.sandbox.api.server import serve
from tests.benchmarks.floor import BareClient, at_once, bare_client
from tests.controlplane.control_plane import ControlPlane

_WRITES = 1000
_IN_FLIGHT = 32


async def _measured(client: BareClient, namespace: str) -> tuple[float, float]:
    """Creates and patches per second."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"

    def create(number: int) -> "_Write":
        return _Write(client, "POST", path, {"metadata": {"name": f"c{number}"}})

    def patch(number: int) -> "_Write":
        return _Write(client, "PATCH", f"{path}/c{number}", {"data": {"a": str(number)}})

    rates = []
    for write in (create, patch):
        seconds = await at_once([write(n) for n in range(_WRITES)], in_flight=_IN_FLIGHT)
        rates.append(_WRITES / seconds)
    return rates[0], rates[1]


class _Write:
    def __init__(self, client: BareClient, method: str, path: str, body: dict[str, object]) -> None:
        self._client, self._method, self._path, self._body = client, method, path, body

    async def __call__(self) -> None:
        await self._client.write(self._method, self._path, self._body)


async def bench_embedded_beside_the_real_one(bare_plane: ControlPlane, tmp_path: Path) -> None:
    name = f"embedded-{int(time.time())}"
    bare_plane.create_namespace(name)
    async with bare_client(bare_plane.kubeconfig) as client:
        real = await _measured(client, name)
    async with serve() as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "config")
        async with bare_client(kubeconfig) as client:
            embedded = await _measured(client, "default")
    print()
    for what, ours, theirs in zip(("create", "patch"), embedded, real, strict=True):
        print(
            f"{what}: embedded {ours:.0f}/s (its client in the same process),"
            f" real {theirs:.0f}/s, ratio {ours / theirs:.2f}"
        )
