"""Alerting as a whole: by a real Prometheus where there is one, by the built-in evaluator else."""

import asyncio
import contextlib
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import aiohttp
import yaml
from prometheus_client import CollectorRegistry

from responder.errors import ResponderError
from responder.sandbox.alerting.notifier import Notifier
from responder.sandbox.alerting.promql import Evaluation, Vector
from responder.sandbox.alerting.promql_tokens import duration_text, scaled_ms
from responder.sandbox.alerting.promql_tree import Expression
from responder.sandbox.alerting.rule_files import RuleFile, scaled, written
from responder.sandbox.alerting.rules import RuleSet
from responder.sandbox.alerting.samples import LOOKBACK_MS, NAME, Storage, labels_of

_RETENTION_MS: Final = 31 * 3_600_000
"""The shipped rules look back 24 hours, and six more."""
_SCRAPE_INTERVAL_MS: Final = 15_000
_LEAST_SCRAPE_MS: Final = 200
_LEAST_LOOKBACK_MS: Final = 1_000
_STARTS_WITHIN_SECONDS: Final = 30.0
_STOPS_WITHIN_SECONDS: Final = 10.0


class PrometheusError(ResponderError):
    """The Prometheus that was found does not run; says what it wrote last."""


def found(given: str | None = None) -> Path | None:
    """Find the program: the one given, or `prometheus` on PATH."""
    path = shutil.which(given or "prometheus")
    return None if path is None else Path(path)


def free_port() -> int:
    """Find a port of the loopback interface to be asked at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def scrape_interval_ms(speed: float) -> int:
    """Give how often is scraped: 15 seconds of the story, but five times a real second at most."""
    return max(_LEAST_SCRAPE_MS, scaled_ms(_SCRAPE_INTERVAL_MS, factor=speed))


def lookback_ms(speed: float) -> int:
    """Give how old a sample may be: five minutes of the story, and several scrapes at least."""
    return max(_LEAST_LOOKBACK_MS, scaled_ms(LOOKBACK_MS, factor=speed))


class BuiltIn:
    """Scrapes a registry directly, evaluates the rules, and hands the alerts to the notifier."""

    def __init__(
        self,
        rules: RuleFile,
        *,
        registry: CollectorRegistry,
        notifier: Notifier,
        speed: float = 1.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the rules as they are written: they are shortened here."""
        self.storage = Storage(retention_ms=max(60_000, scaled_ms(_RETENTION_MS, factor=speed)))
        self._lookback_ms = lookback_ms(speed)
        self.rules = RuleSet(scaled(rules, speed=speed), lookback_ms=self._lookback_ms)
        self._registry = registry
        self._notifier = notifier
        self._every_ms = min(scrape_interval_ms(speed), max(50, self.rules.interval_ms))
        self._now = now
        self._scraped: set[tuple[tuple[str, str], ...]] = set()

    def now_ms(self) -> int:
        return round(self._now() * 1000)

    def vector(self, expression: Expression, *, at_ms: int) -> Vector:
        """Evaluate what somebody asks, at one time; raises BadInput."""
        evaluation = Evaluation(self.storage, at_ms=at_ms, lookback_ms=self._lookback_ms)
        return evaluation.vector(expression)

    def turn(self) -> None:
        """Scrape and evaluate once."""
        now_ms = self.now_ms()
        seen = set()
        for metric in self._registry.collect():
            for sample in metric.samples:
                if sample.name.endswith("_created"):
                    continue
                labels = labels_of({**sample.labels, NAME: sample.name})
                self.storage.append(labels, float(sample.value), at_ms=now_ms)
                seen.add(labels)
        for gone in self._scraped - seen:
            self.storage.end(gone, at_ms=now_ms)
        self._scraped = seen
        self.rules.evaluate(self.storage, now_ms=now_ms)
        self._notifier.take_from_rules(self.rules.alerts())

    async def run(self) -> None:
        """Do it again and again, until cancelled."""
        while True:
            self.turn()
            await asyncio.sleep(self._every_ms / 1000)


def configuration(*, rules: Path, senders: str, alertmanager: str, speed: float) -> str:
    """Write prometheus.yml; senders and alertmanager are host:port."""
    interval = duration_text(scrape_interval_ms(speed))
    return yaml.safe_dump(
        {
            "global": {
                "scrape_interval": interval,
                "scrape_timeout": interval,
                "evaluation_interval": duration_text(max(50, scaled_ms(60_000, factor=speed))),
            },
            "rule_files": [str(rules)],
            "alerting": {
                "alertmanagers": [
                    {"static_configs": [{"targets": [alertmanager]}], "api_version": "v2"}
                ]
            },
            "scrape_configs": [
                {
                    "job_name": "senders",
                    "static_configs": [{"targets": [senders]}],
                    # All senders answer as one: the article's rule, which keeps every label,
                    # would have these two in its alerts and tell nobody anything.
                    "metric_relabel_configs": [{"action": "labeldrop", "regex": "instance|job"}],
                }
            ],
        },
        sort_keys=False,
    )


@contextlib.asynccontextmanager
async def running(
    program: Path,
    rules: RuleFile,
    *,
    port: int,
    senders: str,
    alertmanager: str,
    speed: float = 1.0,
) -> AsyncIterator[str]:
    """Run a Prometheus with the shortened rules, and give its URL once it is ready.

    Its data lies in a folder that goes with it. Raises PrometheusError.
    """
    folder = Path(tempfile.mkdtemp(prefix="sandbox-prometheus-"))
    process = None
    try:
        (folder / "rules.yaml").write_text(written(scaled(rules, speed=speed)), encoding="utf-8")
        told = configuration(
            rules=folder / "rules.yaml", senders=senders, alertmanager=alertmanager, speed=speed
        )
        (folder / "prometheus.yml").write_text(told, encoding="utf-8")
        resend = duration_text(max(1000, scaled_ms(60_000, factor=speed)))
        with (folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                str(program),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                f"--query.lookback-delta={duration_text(lookback_ms(speed))}",
                # At a high speed an alert that lasts is said again in time for its expiry.
                f"--rules.alert.resend-delay={resend}",
                stdout=log,
                stderr=log,
            )
        url = f"http://127.0.0.1:{port}"
        await _ready(process, url, folder / "log")
        yield url
    finally:
        if process is not None:
            await _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


async def _ready(process: asyncio.subprocess.Process, url: str, log: Path) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(round(_STARTS_WITHIN_SECONDS / 0.1)):
            if process.returncode is not None:
                break
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{url}/-/ready") as answer:
                    if answer.ok:
                        return
            await asyncio.sleep(0.1)
    raise PrometheusError(f"Prometheus is not ready: {_last_words(log)}")


def _last_words(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:] or "it wrote nothing"


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOPS_WITHIN_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
