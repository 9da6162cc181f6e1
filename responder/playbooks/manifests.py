"""Manifests: documents of one kind, named once, each valid or with all of its mistakes told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from responder.errors import Problem
from responder.playbooks.documents import Document, read_documents
from responder.playbooks.files import Texts
from responder.playbooks.json_schema import schema_of
from responder.playbooks.mistakes import report_mistakes
from responder.playbooks.names import label_fault
from responder.playbooks.schema import API_VERSION
from responder.playbooks.written import Mistake, Path, described

M = TypeVar("M", bound=BaseModel)

_NAME: Path = ("metadata", "name")


@dataclass(slots=True)
class Gathered(Generic[M]):
    """The documents of some files, each with what it says if it is valid."""

    read: list[tuple[Document, M | None]]
    problems: tuple[Problem, ...]
    """Of the files themselves."""

    @property
    def documents(self) -> tuple[Document, ...]:
        return tuple(document for document, _ in self.read)

    def valid(self) -> tuple[M, ...]:
        """Give what the documents without a mistake say."""
        return tuple(
            said for document, said in self.read if said is not None and not document.is_wrong
        )

    def all_problems(self) -> tuple[Problem, ...]:
        """Give those of the files and of the documents by now, by file and line."""
        found = [*self.problems]
        found += [problem for document in self.documents for problem in document.problems]
        return tuple(sorted(found, key=lambda problem: (problem.file, problem.line or 0)))


def gathered(found: Texts, *, what: str, reading: Callable[[Document], M | None]) -> Gathered[M]:
    """Read the manifests of files; `what` names in one word what a file should hold.

    `reading` reports all that is wrong with a document, and gives what it says if it can.
    """
    problems = list(found.problems)
    read: list[tuple[Document, M | None]] = []
    for file, text in found.texts:
        documents = read_documents(text, file=file)
        if not documents:
            fix = "write one, or remove the file"
            problems.append(Problem(f"holds no {what}", file=file, fix=fix))
        _name_after_file(documents, file=file)
        read += [(document, reading(document)) for document in documents]
    _lint_names((document for document, _ in read), what=what)
    return Gathered(read, tuple(problems))


def is_of_kind(document: Document, kind: str) -> bool:
    """Tell whether it is a manifest of this kind; reports to the document where it is not."""
    data = document.data
    if not isinstance(data, dict):
        fix = f"begin with `apiVersion: {API_VERSION}`"
        document.report((), Mistake(f"must be a mapping, not {described(data)}", fix=fix))
        return False
    if isinstance(data.get("kind"), str) and data["kind"] != kind:
        wrong = Mistake(
            f"must be `{kind}`, not {described(data['kind'])}",
            fix=f"did you mean `{kind}`?"
            if data["kind"].lower() == kind.lower()
            else f"keep only {kind.lower()}s in this folder",
        )
        document.report(("kind",), wrong)
        return False
    return True


def validated(document: Document, model: type[M]) -> M | None:
    """Give what the document says, or report all that is wrong with single values and keys."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        report_mistakes(error, document, schema=schema_of(model))
        return None


def _name_after_file(documents: Iterable[Document], *, file: str) -> None:
    """Name the one document without a name after its file, if the file's name can be one."""
    nameless = [
        document.data
        for document in documents
        if isinstance(document.data, dict)
        and isinstance(document.data.get("metadata", {}), dict)
        and "name" not in document.data.get("metadata", {})
    ]
    stem = FilePath(file).stem
    if len(nameless) == 1 and not label_fault(stem):
        nameless[0].setdefault("metadata", {})["name"] = stem


def _lint_names(documents: Iterable[Document], *, what: str) -> None:
    """Find names that are given twice."""
    first: dict[str, Document] = {}
    for document in documents:
        data = document.data
        metadata = data.get("metadata") if isinstance(data, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if isinstance(name, str) and (known := first.setdefault(name, document)) is not document:
            where = f"{known.file}:{known.line_of(_NAME)}"
            mistake = Mistake(
                f"the name `{name}` is taken by {where}",
                fix=f"give each {what} a name of its own",
            )
            document.report(_NAME, mistake)
