"""Watches one namespace during a test, and fails the test for every promise that was broken."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from responder.sandbox.audit.judge import judge
from responder.sandbox.audit.report import report
from responder.sandbox.audit.rules import Violation
from responder.sandbox.audit.versions import Version, by_us
from tests.auditor.recorder import Recorder
from tests.controlplane.eventually import NeverHappenedError, eventually_blocking
from tests.controlplane.kube import Kube

_CAUGHT_UP_WITHIN_SECONDS = 30.0


@dataclass(slots=True)
class Auditor:
    """What was seen of a namespace, and what is wrong with it."""

    kube: Kube
    patience_seconds: float = 20.0
    """So long a change by somebody else may stand unanswered."""
    _recorder: Recorder = field(init=False)
    _ghosts_released_at: int | None = None
    _answering: bool = False
    _of_others: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._recorder = Recorder(self.kube)

    def start(self) -> None:
        self._recorder.start()

    def stop(self) -> None:
        self._recorder.stop()

    # What a test tells

    def allow_release_of_ghosts(self) -> None:
        """From now on a person may have commanded to give back what vanished incidents held."""
        self._ghosts_released_at = self._newest()

    @contextlib.contextmanager
    def hands_of_others(self) -> Iterator[None]:
        """Inside, what vanishes is taken away by the test: a removal bears nobody's name."""
        since = self._newest()
        yield
        self._of_others.append((since, self._newest()))

    def _newest(self) -> int:
        return max((version.revision for version in self.history()), default=0)

    def settle(self, *, answering: bool, within_seconds: float = 15.0) -> None:
        """Wait, while a responder still runs, until nothing is left for it to answer.

        Without one (`answering` is False) what others change stays unanswered, and is no fault.
        """
        self._answering = answering
        if answering:
            # What is not in order by then is told at the end.
            with contextlib.suppress(NeverHappenedError):
                eventually_blocking(
                    lambda: not self.violations(), within_seconds=within_seconds, every_seconds=0.1
                )

    # What a test may ask

    def history(self) -> list[Version]:
        """Give every version up to now, in order; raises OSError without an API server."""
        eventually_blocking(
            self._recorder.is_caught_up,
            within_seconds=_CAUGHT_UP_WITHIN_SECONDS,
            what="the auditor has seen what the API server has",
        )
        return [
            replace(version, by_others=True)
            if any(since < version.revision <= until for since, until in self._of_others)
            else version
            for version in self._recorder.versions()
        ]

    def versions(self, kind: str, name: str) -> list[Version]:
        """Give the versions of one object, also of those before it under the same name."""
        return [v for v in self.history() if (v.kind, v.name) == (kind, name)]

    def writes(self, kind: str, name: str) -> list[Version]:
        """Give the versions of one object that we wrote."""
        found: list[Version] = []
        before: Version | None = None
        for version in self.versions(kind, name):
            same = before if before is not None and before.uid == version.uid else None
            if not version.deleted and by_us(same, version):
                found.append(version)
            before = version
        return found

    def violations(self) -> Sequence[Violation]:
        """Replay the history up to now and judge it, its end included."""
        return self._judge(self.history())

    def _judge(self, history: Sequence[Version]) -> Sequence[Violation]:
        return judge(
            history,
            patience_seconds=self.patience_seconds,
            answering=self._answering,
            ghosts_released_at=self._ghosts_released_at,
        )

    def verdict(self) -> str:
        """Give the report, "" where every promise was kept."""
        history = self.history()
        return report(self._judge(history), history)


@contextlib.contextmanager
def audited(kube: Kube, *, patience_seconds: float = 20.0) -> Iterator[Auditor]:
    """Audit a namespace from before the first change on; fails the test at the end."""
    auditor = Auditor(kube, patience_seconds=patience_seconds)
    started = time.monotonic()
    auditor.start()
    try:
        yield auditor
        try:
            told = auditor.verdict()
        except OSError as error:
            told = f"the API server must be there at the end of a test: {error}"
    finally:
        auditor.stop()
    if told:
        seconds = time.monotonic() - started
        pytest.fail(f"The auditor of {kube.namespace} ({seconds:.0f} s):\n{told}", pytrace=False)
