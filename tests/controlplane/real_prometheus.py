"""A real Prometheus: it scrapes what a test exports, as often as the test needs."""

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.controlplane.binaries import find
from tests.controlplane.eventually import eventually_blocking
from tests.controlplane.ports import free_port
from tests.controlplane.processes import ServerProcess
from tests.controlplane.toolsets import PROMETHEUS

_READY = "Server is ready to receive web requests."


def scrape_configuration(
    *targets: str,
    interval: str = "200ms",
    rule_files: Sequence[Path] = (),
    alertmanagers: Sequence[str] = (),
) -> dict[str, Any]:
    """One job that scrapes all targets; targets and alertmanagers are host:port."""
    return {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
        },
        "scrape_configs": [
            {"job_name": "senders", "static_configs": [{"targets": list(targets)}]},
        ],
        "rule_files": [str(path) for path in rule_files],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
    }


@dataclasses.dataclass(frozen=True, slots=True)
class Prometheus:
    """Alone; forgets everything when stopped."""

    url: str
    directory: Path
    server: ServerProcess

    @classmethod
    def start(
        cls,
        configuration: Mapping[str, Any],
        *,
        logs: Path,
        web: Mapping[str, Any] | None = None,
        flags: Sequence[str] = (),
    ) -> "Prometheus":
        """Returns when it is ready. `web` is what its web configuration file would hold."""
        program = find(PROMETHEUS)["prometheus"]
        directory = Path(tempfile.mkdtemp(prefix="prometheus-"))
        # JSON is YAML, and needs no dumper.
        (directory / "prometheus.yml").write_text(json.dumps(configuration, indent=2))
        (directory / "web.yml").write_text(json.dumps(web or {}))
        port = free_port()
        command: list[str | Path] = [
            program,
            f"--config.file={directory / 'prometheus.yml'}",
            f"--web.config.file={directory / 'web.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            # A hidden flag: by default nothing is scraped in the first five seconds.
            "--scrape.discovery-reload-interval=100ms",
            *flags,
        ]
        scheme = "https" if web and "tls_server_config" in web else "http"
        prometheus = cls(
            url=f"{scheme}://127.0.0.1:{port}",
            directory=directory,
            server=ServerProcess.start(command, log=logs / "prometheus.log"),
        )
        try:
            eventually_blocking(prometheus._is_ready, what=f"{prometheus.url} is ready")
        except BaseException:
            prometheus.stop()
            raise
        return prometheus

    def stop(self) -> None:
        self.server.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _is_ready(self) -> bool:
        """By its log: its own readiness page may ask for a password or a certificate."""
        self.server.require_running()
        return _READY in self.server.log.read_text(errors="replace")
