"""Manifests: documents of one kind, named once, each valid or with all of its mistakes told."""

from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from responder.playbooks.documents import Document
from responder.playbooks.json_schema import schema_of
from responder.playbooks.mistakes import report_mistakes
from responder.playbooks.names import label_fault
from responder.playbooks.schema import API_VERSION
from responder.playbooks.written import Mistake, Path, described

M = TypeVar("M", bound=BaseModel)

_NAME: Path = ("metadata", "name")


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


def name_after_file(documents: Iterable[Document], *, file: str) -> None:
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


def lint_names(documents: Iterable[Document], *, what: str) -> None:
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
