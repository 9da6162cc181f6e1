"""A scenario from its file: the story, or every mistake with its line."""

from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from responder.errors import BadInput, Problem
from responder.playbooks.documents import read_documents
from responder.playbooks.json_schema import schema_of
from responder.playbooks.mistakes import report_mistakes
from responder.playbooks.written import Mistake, described
from responder.sandbox.scenario.lint import lint
from responder.sandbox.scenario.schema import API_VERSION, Scenario

_SHIPPED = "shipped"
_LARGEST_BYTES = 1024 * 1024


def shipped() -> tuple[str, ...]:
    """Name the scenarios that come with the responder."""
    folder = files(__package__) / _SHIPPED
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir()))


def load_scenario(given: str) -> Scenario:
    """Load a shipped scenario by its name, or one from a file; raises BadInput."""
    if given in shipped():
        entry = files(__package__) / _SHIPPED / f"{given}.yaml"
        return read_scenario(entry.read_text(encoding="utf-8"), file=f"{given}.yaml")
    try:
        with Path(given).open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise BadInput([Problem("is larger than 1 MiB", file=given)])
        text = content.decode("utf-8-sig")
    except OSError as error:
        known = ", ".join(shipped())
        fix = f"give a file, or one of those that are shipped: {known}"
        message = f"can't be read: {error.strerror}"
        raise BadInput([Problem(message, file=given, fix=fix)]) from error
    except UnicodeDecodeError as error:
        raise BadInput([Problem("is not UTF-8", file=given, fix="save it as UTF-8")]) from error
    return read_scenario(text, file=given)


def read_scenario(text: str, *, file: str) -> Scenario:
    """Read a scenario from its text; raises BadInput with every mistake."""
    documents = read_documents(text, file=file)
    if len(documents) != 1:
        told = "holds no scenario" if not documents else "holds more than one document"
        raise BadInput([Problem(told, file=file, fix="one file is one scenario")])
    document = documents[0]
    scenario = None
    if not isinstance(document.data, dict):
        fix = f"begin with `apiVersion: {API_VERSION}`"
        document.report((), Mistake(f"must be a mapping, not {described(document.data)}", fix=fix))
    else:
        metadata = document.data.setdefault("metadata", {})
        if isinstance(metadata, dict):
            metadata.setdefault("name", Path(file).stem)
        try:
            scenario = Scenario.model_validate(document.data)
        except ValidationError as error:
            report_mistakes(error, document, schema=schema_of(Scenario))
    if scenario is not None:
        lint(scenario, document)
    if scenario is None or document.is_wrong:
        raise BadInput(sorted(document.problems, key=lambda problem: problem.line or 0))
    return scenario
