"""A real Alertmanager: a test fires and resolves alerts, it groups them and calls the webhook."""

import dataclasses
import datetime as dt
import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.controlplane.binaries import find
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.ports import free_port
from tests.controlplane.processes import ServerProcess
from tests.controlplane.toolsets import ALERTMANAGER

_TIMEOUT_SECONDS = 10.0
_ALONE = ("--cluster.listen-address=",)
Labels = Mapping[str, str]


def webhook_configuration(
    url: str,
    *,
    bearer_token: str = "",
    group_by: tuple[str, ...] = ("alertname",),
    group_wait: str = "100ms",
    group_interval: str = "500ms",
    repeat_interval: str = "4h",
    **webhook_options: Any,  # noqa: ANN401 - whatever a `webhook_configs` entry takes
) -> dict[str, Any]:
    """One route to one webhook, with intervals for a test: minutes in production."""
    webhook: dict[str, Any] = {"url": url, **webhook_options}
    if bearer_token:
        webhook["http_config"] = {
            "authorization": {"type": "Bearer", "credentials": bearer_token},
        }
    return {
        "route": {
            "receiver": "responder",
            "group_by": list(group_by),
            "group_wait": group_wait,
            "group_interval": group_interval,
            "repeat_interval": repeat_interval,
        },
        "receivers": [{"name": "responder", "webhook_configs": [webhook]}],
    }


@dataclasses.dataclass(frozen=True, slots=True)
class Alertmanager:
    """Forgets all that fires when it is stopped."""

    url: str
    directory: Path
    server: ServerProcess
    _started: dict[frozenset[tuple[str, str]], str] = dataclasses.field(default_factory=dict)

    @classmethod
    def start(
        cls, configuration: Mapping[str, Any], *, logs: Path, flags: Sequence[str] = ()
    ) -> "Alertmanager":
        """Returns when it is ready. `configuration` is what alertmanager.yml would hold.

        It works alone, unless flags tell otherwise.
        """
        program = find(ALERTMANAGER)["alertmanager"]
        directory = Path(tempfile.mkdtemp(prefix="alertmanager-"))
        # JSON is YAML, and needs no dumper.
        (directory / "alertmanager.yml").write_text(json.dumps(configuration, indent=2))
        port = free_port()
        command = (
            program,
            f"--config.file={directory / 'alertmanager.yml'}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            *(() if any(flag.startswith("--cluster.") for flag in flags) else _ALONE),
            *flags,
        )
        alertmanager = cls(
            url=f"http://127.0.0.1:{port}",
            directory=directory,
            server=ServerProcess.start(command, log=logs / "alertmanager.log"),
        )
        try:
            eventually_blocking(alertmanager._is_ready, what=f"{alertmanager.url} is ready")
        except BaseException:
            alertmanager.stop()
            raise
        return alertmanager

    def reconfigure(self, configuration: Mapping[str, Any]) -> None:
        """Takes another configuration; what fires stays."""
        (self.directory / "alertmanager.yml").write_text(json.dumps(configuration, indent=2))
        self._post("/-/reload", {})

    def fire(self, *alerts: Labels, annotations: Mapping[str, str] | None = None) -> None:
        """Each alert is its labels. Fired again before it is resolved, it keeps its start."""
        now = _now()
        self._send(
            [
                {
                    "labels": dict(labels),
                    "annotations": dict(annotations or {}),
                    "startsAt": self._started.setdefault(_key(labels), now),
                    "generatorURL": "http://prometheus.invalid/graph",
                }
                for labels in alerts
            ]
        )

    def resolve(self, *alerts: Labels) -> None:
        now = _now()
        self._send(
            [
                {
                    "labels": dict(labels),
                    "startsAt": self._started.pop(_key(labels), now),
                    "endsAt": now,
                }
                for labels in alerts
            ]
        )

    def silence(self, labels: Labels) -> str:
        """Silences what has these labels, for an hour; gives the silence's id."""
        now = dt.datetime.now(dt.UTC)
        answer = self._post(
            "/api/v2/silences",
            {
                "matchers": [
                    {"name": name, "value": value, "isRegex": False, "isEqual": True}
                    for name, value in labels.items()
                ],
                "startsAt": now.isoformat(),
                "endsAt": (now + dt.timedelta(hours=1)).isoformat(),
                "createdBy": "a test",
                "comment": "to be quiet",
            },
        )
        return str(json.loads(answer)["silenceID"])

    def expire(self, silence: str) -> None:
        request = urllib.request.Request(f"{self.url}/api/v2/silence/{silence}", method="DELETE")
        urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS).close()

    def stop(self) -> None:
        self.server.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _send(self, alerts: list[dict[str, Any]]) -> None:
        self._post("/api/v2/alerts", alerts)

    def _post(self, path: str, body: object) -> bytes:
        request = urllib.request.Request(
            f"{self.url}{path}",
            method="POST",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            return bytes(answer.read())

    def _is_ready(self) -> bool:
        self.server.require_running()
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=_TIMEOUT_SECONDS):
                return True
        except OSError:  # refused, or 503 while it starts
            return False


def _key(labels: Labels) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
