"""The playbooks in force: read at the start, read again when their files change.

A set with a mistake in it never replaces the last good one, and says so in a metric and a log line.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from responder.errors import Problem
from responder.metrics import Metrics
from responder.playbooks.loading import Loaded, load_directory
from responder.playbooks.schema import Playbook

_LOOK_SECONDS: Final = 2.0

log = structlog.get_logger()


class Rulebook:
    """The last good set of playbooks of one folder."""

    def __init__(self, folder: Path, *, metrics: Metrics) -> None:
        self._folder = folder
        self._metrics = metrics
        self._digest: str | None = None
        self._playbooks: tuple[Playbook, ...] | None = None
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
        self._take(load_directory(self._folder))

    def _take(self, loaded: Loaded) -> None:
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
        for problem in loaded.warnings:
            log.warning("playbook_warning", problem=str(problem))
        self._playbooks = loaded.playbooks
        self._metrics.playbooks.set(len(loaded.playbooks))
        names = [playbook.name for playbook in loaded.playbooks]
        log.info("playbooks_loaded" if first else "playbooks_reloaded", playbooks=names)

    async def follow(self) -> None:
        """Look at the files again and again."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._take(await asyncio.to_thread(load_directory, self._folder))
