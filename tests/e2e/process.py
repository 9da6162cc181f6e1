"""The responder as its users run it: a process of its own, under its own ServiceAccount."""

import dataclasses
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.controlplane import warm_start
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.kube import Kube
from tests.controlplane.ports import free_port
from tests.controlplane.processes import ServerProcess, executed

TOKEN = "a-token-for-tests-alone"
_TIMEOUT_SECONDS = 30.0
Body = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:  # noqa: ANN401 -- JSON
        return json.loads(self.text)


@dataclasses.dataclass(slots=True)
class ResponderProcess:
    """`responder serve`, started, asked, killed and started again by a test."""

    url: str
    kube: Kube
    playbooks: Path
    server: ServerProcess

    @classmethod
    def start(
        cls,
        kube: Kube,
        *,
        kubeconfig: Path,
        playbooks: Path,
        logs: Path,
        flags: Sequence[str] = (),
        ready: bool = True,
        cold: bool = False,
    ) -> "ResponderProcess":
        """Returns once it is ready for notifications.

        With `cold` the interpreter and all, as users have it; otherwise a warm start.
        """
        port = free_port()
        token_file = playbooks.parent / "token"
        token_file.write_text(TOKEN)
        command = (
            *warm_start.RESPONDER,
            "serve",
            f"--listen=127.0.0.1:{port}",
            f"--kubeconfig={kubeconfig}",
            f"--namespace={kube.namespace}",
            f"--playbooks={playbooks}",
            f"--bearer-token-file={token_file}",
            *flags,
        )
        server = ServerProcess.start(
            command,
            log=logs / f"responder-{port}.log",
            begin=executed if cold else warm_start.begin,
        )
        found = cls(f"http://127.0.0.1:{port}", kube, playbooks, server)
        if ready:
            found.wait_ready()
        return found

    def wait_ready(self) -> None:
        eventually_blocking(self._is_ready, what="the responder is ready")

    def _is_ready(self) -> bool:
        self.server.require_running()
        try:
            return self.get("/readyz").status == 200
        except OSError:
            return False

    def again(self) -> None:
        """Start it once more after its end."""
        self.server.start_again()
        self.wait_ready()

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, body: Body | bytes) -> Answer:
        return self.send("POST", path, body)

    def notify(self, *alerts: Body, **top: Any) -> Answer:  # noqa: ANN401 -- JSON
        """Send a notification as Alertmanager would."""
        return self.post("/webhooks/alertmanager", notification(*alerts, **top))

    def trigger(self, playbook: str, **labels: str) -> Answer:
        body = {"labels": labels, "reason": "by hand", "by": "a test"}
        return self.post(f"/api/v1/playbooks/{playbook}/trigger", body)

    def send(
        self, method: str, path: str, body: Body | bytes | None = None, *, token: str = TOKEN
    ) -> Answer:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
                return Answer(response.status, dict(response.headers), response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())


def sample(responder: ResponderProcess, name: str, *labels: str) -> float:
    """The sum of a metric's samples that carry all of these labels."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in responder.get("/metrics").text.splitlines()
        if line.startswith(f"{name}{{") and all(label in line for label in labels)
    )


def alert(
    *,
    status: str = "firing",
    fingerprint: str = "00000000000000aa",
    starts_at: str = "2026-11-24T10:00:00.123456789Z",
    **labels: str,
) -> dict[str, Any]:
    """One alert as Alertmanager sends it; by default the article's."""
    return {
        "status": status,
        "labels": {
            "alertname": "HighBounceRate",
            "severity": "critical",
            "campaign": "spring-sale",
            **labels,
        },
        "annotations": {"summary": "bounces are too high"},
        "startsAt": starts_at,
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-24T11:00:00Z",
        "generatorURL": "http://prometheus.invalid/graph",
        "fingerprint": fingerprint,
    }


def notification(*alerts: Body, **top: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    firing = any(item["status"] == "firing" for item in alerts)
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HighBounceRate"}',
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "responder",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.invalid",
        "alerts": list(alerts),
        **top,
    }
