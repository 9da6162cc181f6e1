"""Playbooks from files: all that are valid, and every mistake of every file with its line.

Nothing that stands in a file makes loading raise, run something, or grow without bound. What a
caller does about mistakes (refuse to start, keep the last good set) is the caller's decision.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from responder.errors import Problem
from responder.playbooks.documents import Document, read_documents
from responder.playbooks.files import Texts, given_text, read_files, read_folder
from responder.playbooks.lint import lint, lint_metrics, lint_orders
from responder.playbooks.manifests import is_of_kind, lint_names, name_after_file, validated
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
    problems = list(found.problems)
    read: list[tuple[Document, Playbook | None]] = []
    for file, text in found.texts:
        documents = read_documents(text, file=file)
        if not documents:
            fix = "write one, or remove the file"
            problems.append(Problem(f"holds no {_WHAT}", file=file, fix=fix))
        name_after_file(documents, file=file)
        read += [(document, _playbook(document)) for document in documents]
    documents = tuple(document for document, _ in read)
    lint_names(documents, what=_WHAT)
    lint_orders(documents)
    if metrics is not None:
        lint_metrics(read, metrics)
    problems += [problem for document in documents for problem in document.problems]
    problems.sort(key=lambda problem: (problem.file, problem.line or 0))
    playbooks = tuple(
        playbook for document, playbook in read if playbook is not None and not document.is_wrong
    )
    return Loaded(playbooks=playbooks, problems=tuple(problems), digest=found.digest)


def _playbook(document: Document) -> Playbook | None:
    """Report all that is wrong with a document; give its playbook, if it is one."""
    if not is_of_kind(document, KIND):
        return None
    playbook = validated(document, Playbook)
    lint(document)
    for warning in unsupported(playbook) if playbook is not None else ():
        document.warn(warning)
    return playbook
