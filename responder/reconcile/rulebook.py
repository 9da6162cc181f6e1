"""The playbooks in force: read at the start, read again when their files change.

A set with a mistake in it never replaces the last good one, and says so in a metric and a log line.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from responder.errors import Problem
from responder.evidence.loading import LoadedMetrics, load_metrics
from responder.evidence.metric import Metric
from responder.metrics import Metrics
from responder.playbooks.loading import Loaded, load_directory
from responder.playbooks.schema import Playbook
from responder.shipped import METRICS

USUAL_METRICS: Final = Path("rules/metrics")
"""Where that exists, it goes before the metrics that come with the responder."""
_LOOK_SECONDS: Final = 2.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rules:
    """Playbooks, and the metrics that they may name, as they were read together."""

    loaded: Loaded
    metrics: LoadedMetrics

    @property
    def digest(self) -> str:
        return f"{self.loaded.digest} {self.metrics.digest}"

    @property
    def errors(self) -> tuple[Problem, ...]:
        return (*self.metrics.errors, *self.loaded.errors)


def read_rules(playbooks: Path, metrics: Path | None) -> Rules:
    """Read both folders; without one of metrics, the usual one, or that of the box."""
    named = load_metrics(metrics or (USUAL_METRICS if USUAL_METRICS.is_dir() else METRICS))
    # A metric that has mistakes is no unknown one.
    loaded = load_directory(playbooks, metrics=None if named.errors else named.known)
    return Rules(loaded, named)


class Rulebook:
    """The last good set of playbooks of one folder, and of the metrics that they name."""

    def __init__(
        self, folder: Path, *, metrics: Metrics, metrics_folder: Path | None = None
    ) -> None:
        self._folder = folder
        self._metrics_folder = metrics_folder
        self._metrics = metrics
        self._digest: str | None = None
        self._playbooks: tuple[Playbook, ...] | None = None
        self.named: Mapping[str, Metric] = {}
        """The metrics in force."""
        self.errors: tuple[Problem, ...] = ()

    @property
    def playbooks(self) -> Sequence[Playbook]:
        return self._playbooks or ()

    @property
    def is_good(self) -> bool:
        """Tell whether some set, the present one or an earlier one, is in force."""
        return self._playbooks is not None

    def load(self) -> None:
        """Look at the files now."""
        self._take(read_rules(self._folder, self._metrics_folder))

    def _take(self, loaded: Rules) -> None:
        if loaded.digest == self._digest and self._digest is not None:
            return
        first, self._digest = self._digest is None, loaded.digest
        self.errors = loaded.errors
        self._metrics.playbooks_valid.set(0 if loaded.errors else 1)
        if loaded.errors:
            for problem in loaded.errors:
                log.error("playbook_mistake", problem=str(problem))
            log.error(
                "playbooks_not_loaded",
                mistakes=len(loaded.errors),
                in_force=len(self.playbooks),
                fix="run `responder check`",
            )
            return
        for problem in loaded.loaded.warnings:
            log.warning("playbook_warning", problem=str(problem))
        self._playbooks = loaded.loaded.playbooks
        self.named = loaded.metrics.metrics
        self._metrics.playbooks.set(len(self._playbooks))
        names = [playbook.name for playbook in self._playbooks]
        log.info("playbooks_loaded" if first else "playbooks_reloaded", playbooks=names)

    async def follow(self) -> None:
        """Look at the files again and again."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._take(await asyncio.to_thread(read_rules, self._folder, self._metrics_folder))
