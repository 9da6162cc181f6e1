"""Playbooks from files: all that are valid, and every mistake of every file with its line.

Nothing that stands in a file makes loading raise, run something, or grow without bound. What a
caller does about mistakes (refuse to start, keep the last good set) is the caller's decision.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from responder.errors import Problem
from responder.playbooks.documents import Document, read_documents
from responder.playbooks.json_schema import schema_of
from responder.playbooks.lint import lint, lint_names, lint_orders
from responder.playbooks.mistakes import report_mistakes
from responder.playbooks.names import label_fault
from responder.playbooks.schema import API_VERSION, KIND, Playbook
from responder.playbooks.unsupported import unsupported
from responder.playbooks.written import Mistake, described

LARGEST_FILE_BYTES = 1024 * 1024
_SUFFIXES = (".yaml", ".yml")


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


def load_directory(path: Path) -> Loaded:
    """Load every *.yaml and *.yml in a folder; hidden ones and folders inside are not read.

    Hidden entries are how Kubernetes mounts a ConfigMap: `..data` and its like hold every file a
    second time.
    """
    try:
        entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        return _only(Problem(f"can't be read: {error.strerror}", file=str(path)))
    files = [entry for entry in entries if entry.suffix in _SUFFIXES]
    found = _load(files)
    ignored = tuple(
        Problem(
            "a folder inside is not read",
            file=str(entry),
            fix="move its playbooks up",
            severity="warning",
        )
        for entry in entries
        if entry not in files and entry.is_dir()
    )
    if not files:
        return _only(Problem("holds no playbook", file=str(path), fix="put *.yaml files into it"))
    return replace(found, problems=found.problems + ignored)


def load_file(path: Path) -> Loaded:
    """Load the playbooks of one file."""
    return _load([path])


def read_playbooks(text: str, *, file: str) -> Loaded:
    """Load playbooks from the text of a file that need not exist."""
    reading = _Reading()
    reading.read(text, file=file)
    return reading.finish(digest=hashlib.sha256(text.encode(errors="replace")).hexdigest())


def _only(problem: Problem) -> Loaded:
    return Loaded(problems=(problem,), digest=hashlib.sha256(str(problem).encode()).hexdigest())


def _load(files: Iterable[Path]) -> Loaded:
    reading = _Reading()
    digest = hashlib.sha256()
    for path in files:
        content = _content(path)
        text = content if isinstance(content, Problem) else _text(content, file=str(path))
        if isinstance(text, Problem):
            reading.problems.append(text)
        else:
            reading.read(text, file=str(path))
        known = str(content).encode() if isinstance(content, Problem) else content
        digest.update(hashlib.sha256(path.name.encode(errors="replace")).digest())
        digest.update(hashlib.sha256(known).digest())
    return reading.finish(digest=digest.hexdigest())


def _content(path: Path) -> bytes | Problem:
    try:
        if not path.is_file() and (path.is_dir() or path.exists()):
            return Problem("is not a file", file=str(path))  # opening a pipe would wait for ever
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        return Problem(f"can't be read: {error.strerror}", file=str(path))
    if len(content) > LARGEST_FILE_BYTES:
        return Problem("is larger than 1 MiB", file=str(path), fix="split it")
    return content


def _text(content: bytes, *, file: str) -> str | Problem:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem("is not UTF-8", file=file, line=line, fix="save it as UTF-8")


class _Reading:
    """Collects documents, then looks at them together."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._documents: list[tuple[Document, Playbook | None]] = []

    def read(self, text: str, *, file: str) -> None:
        documents = read_documents(text, file=file)
        if not documents:
            self.problems.append(
                Problem("holds no playbook", file=file, fix="write one, or remove the file")
            )
        _name_after_file(documents, stem=Path(file).stem)
        for document in documents:
            playbook = _playbook(document)
            self._documents.append((document, playbook))
            for warning in unsupported(playbook) if playbook is not None else ():
                document.warn(warning)

    def finish(self, *, digest: str) -> Loaded:
        documents = [document for document, _ in self._documents]
        lint_names(documents)
        lint_orders(documents)
        problems = [*self.problems, *(found for each in documents for found in each.problems)]
        problems.sort(key=lambda problem: (problem.file, problem.line or 0))
        playbooks = tuple(
            playbook
            for document, playbook in self._documents
            if playbook is not None and not document.is_wrong
        )
        return Loaded(playbooks=playbooks, problems=tuple(problems), digest=digest)


def _playbook(document: Document) -> Playbook | None:
    """Report all that is wrong with a document; give its playbook, if it is one."""
    data = document.data
    if not isinstance(data, dict):
        fix = f"begin with `apiVersion: {API_VERSION}`"
        document.report((), Mistake(f"must be a mapping, not {described(data)}", fix=fix))
        return None
    if isinstance(data.get("kind"), str) and data["kind"] != KIND:
        wrong = Mistake(
            f"must be `{KIND}`, not {described(data['kind'])}",
            fix=f"did you mean `{KIND}`?"
            if data["kind"].lower() == KIND.lower()
            else "keep only playbooks in this folder",
        )
        document.report(("kind",), wrong)
        return None
    playbook = None
    try:
        playbook = Playbook.model_validate(data)
    except ValidationError as error:
        report_mistakes(error, document, schema=schema_of(Playbook))
    lint(document)
    return playbook


def _name_after_file(documents: tuple[Document, ...], *, stem: str) -> None:
    """Name the one playbook without a name after its file, if the file's name can be one."""
    nameless = [
        document.data
        for document in documents
        if isinstance(document.data, dict)
        and isinstance(document.data.get("metadata", {}), dict)
        and "name" not in document.data.get("metadata", {})
    ]
    if len(nameless) == 1 and not label_fault(stem):
        nameless[0].setdefault("metadata", {})["name"] = stem
