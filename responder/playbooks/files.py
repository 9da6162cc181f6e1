"""Files of manifests: their texts, what can't be read, and a digest that tells every change.

Nothing that stands in a folder makes reading raise, wait, or grow without bound.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from responder.errors import Problem

LARGEST_FILE_BYTES = 1024 * 1024
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Texts:
    """What was read: (file, text), in order. `digest` changes with each name and byte."""

    texts: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    digest: str = ""


def read_folder(path: Path, *, what: str) -> Texts:
    """Read every *.yaml and *.yml in a folder; hidden ones and folders inside are not read.

    Hidden entries are how Kubernetes mounts a ConfigMap: `..data` and its like hold every file a
    second time. `what` names in one word what the files should hold.
    """
    try:
        entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        return _only(Problem(f"can't be read: {error.strerror}", file=str(path)))
    files = [entry for entry in entries if entry.suffix in _SUFFIXES]
    if not files:
        return _only(Problem(f"holds no {what}", file=str(path), fix="put *.yaml files into it"))
    ignored = tuple(
        Problem(
            "a folder inside is not read",
            file=str(entry),
            fix=f"move its {what}s up",
            severity="warning",
        )
        for entry in entries
        if entry not in files and entry.is_dir()
    )
    found = read_files(files)
    return replace(found, problems=found.problems + ignored)


def read_files(files: Iterable[Path]) -> Texts:
    """Read these files."""
    texts: list[tuple[str, str]] = []
    problems: list[Problem] = []
    digest = hashlib.sha256()
    for path in files:
        content = _content(path)
        text = content if isinstance(content, Problem) else _text(content, file=str(path))
        if isinstance(text, Problem):
            problems.append(text)
        else:
            texts.append((str(path), text))
        known = str(content).encode() if isinstance(content, Problem) else content
        digest.update(hashlib.sha256(path.name.encode(errors="replace")).digest())
        digest.update(hashlib.sha256(known).digest())
    return Texts(texts=tuple(texts), problems=tuple(problems), digest=digest.hexdigest())


def given_text(text: str, *, file: str) -> Texts:
    """Take the text of a file that need not exist."""
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
    return Texts(texts=((file, text),), digest=digest)


def _only(problem: Problem) -> Texts:
    return Texts(problems=(problem,), digest=hashlib.sha256(str(problem).encode()).hexdigest())


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
