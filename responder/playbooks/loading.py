"""Playbooks from files: all that are valid, and every mistake of every file with its line.

Nothing that stands in a file makes loading raise, run something, or grow without bound. What a
caller does about mistakes (refuse to start, keep the last good set) is the caller's decision.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from responder.errors import Problem
from responder.playbooks.documents import Document
from responder.playbooks.files import Texts, given_text, read_files, read_folder
from responder.playbooks.lint import lint, lint_metrics, lint_orders
from responder.playbooks.manifests import gathered, is_of_kind, validated
from responder.playbooks.references import KnownMetric
from responder.playbooks.schema import KIND, Playbook
from responder.playbooks.unsupported import unsupported

_WHAT = "playbook"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found. `digest` changes whenever the name or a byte of a file does."""

    playbooks: tuple[Playbook, ...] = ()
    problems: tuple[Problem, ...] = ()
    digest: str = ""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The mistakes; without any, the set is good."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is right and does not do all that it says."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")


def load_directory(path: Path, *, metrics: Iterable[KnownMetric] | None = None) -> Loaded:
    """Load every playbook in a folder.

    `metrics` are those that playbooks may name; without them, any name will do.
    """
    return _load(read_folder(path, what=_WHAT), metrics)


def load_file(path: Path, *, metrics: Iterable[KnownMetric] | None = None) -> Loaded:
    """Load the playbooks of one file."""
    return _load(read_files([path]), metrics)


def read_playbooks(text: str, *, file: str, metrics: Iterable[KnownMetric] | None = None) -> Loaded:
    """Load playbooks from the text of a file that need not exist."""
    return _load(given_text(text, file=file), metrics)


def _load(found: Texts, metrics: Iterable[KnownMetric] | None) -> Loaded:
    playbooks = gathered(found, what=_WHAT, reading=_playbook)
    lint_orders(playbooks.documents)
    if metrics is not None:
        lint_metrics(playbooks.read, metrics)
    return Loaded(playbooks.valid(), playbooks.all_problems(), found.digest)


def _playbook(document: Document) -> Playbook | None:
    """Report all that is wrong with a document; give its playbook, if it is one."""
    if not is_of_kind(document, KIND):
        return None
    playbook = validated(document, Playbook)
    lint(document)
    for warning in unsupported(playbook) if playbook is not None else ():
        document.warn(warning)
    return playbook
