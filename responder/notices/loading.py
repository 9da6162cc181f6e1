"""The file of destinations and the folder of templates, with every mistake and its line.

Nothing that stands in the file is ever repeated in an error: a token in the wrong line is a token.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Final

from responder.errors import Problem
from responder.notices.destinations import DIGEST, NOTICE, Destination, NotifyFile
from responder.notices.rendering import TemplateFault, check_syntax, file_name, render
from responder.notices.samples import sample_digest, sample_notice
from responder.playbooks.documents import Document, read_documents
from responder.playbooks.files import Texts, read_files
from responder.playbooks.manifests import validated
from responder.playbooks.written import Mistake

_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", flags=re.DOTALL)
_WORDS: Final = frozenset(
    {"destinations", "name", "url", "moments", "playbooks", "template", "every"}
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found; `digest` changes whenever a byte of the file or of a template does."""

    destinations: tuple[Destination, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)
    """The operator's own, by file name."""
    problems: tuple[Problem, ...] = ()
    digest: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Where each destination's address stands, by its name."""

    def own(self, name: str, *, markdown: bool) -> str | None:
        """Give the operator's template of this name, if there is one."""
        return self.templates.get(file_name(name, markdown=markdown))


def load(
    path: FilePath | None, templates: FilePath | None = None, *, try_out: bool = False
) -> Loaded:
    """Read the file and the folder of templates; whatever stands there, it does not raise.

    `try_out` also renders the templates, which may take as long as their author wants.
    """
    own = _own_templates(templates)
    problems = [*own.problems, *_template_problems(own, try_out=try_out)]
    found = Texts() if path is None else read_files([path])
    problems += found.problems
    digest = f"{found.digest} {own.digest}"
    texts = {FilePath(file).name: text for file, text in own.texts}
    for file, text in found.texts:
        documents = read_documents(text, file=file)
        if len(documents) != 1:
            problem = Problem("must hold one document", file=file, fix="begin `destinations:`")
            problems.append(problem)
            continue
        (document,) = documents
        read = validated(document, NotifyFile)
        if read is not None:
            _lint_templates(read, document, texts, folder=templates)
        problems += [discreet(problem) for problem in document.problems]
        if read is not None and not document.is_wrong:
            lines = {
                each.name: document.line_of(("destinations", number, "url"))
                for number, each in enumerate(read.destinations)
            }
            return Loaded(read.destinations, texts, tuple(problems), digest, lines)
    return Loaded((), texts, tuple(problems), digest)


def _own_templates(folder: FilePath | None) -> Texts:
    if folder is None:
        return Texts()
    try:
        files = sorted(entry for entry in folder.iterdir() if entry.suffix == ".jinja")
    except OSError as error:
        found = Problem(f"can't be read: {error.strerror}", file=str(folder))
        return Texts(problems=(found,), digest=str(found))
    return read_files(files)


def _template_problems(own: Texts, *, try_out: bool) -> Iterable[Problem]:
    for file, text in own.texts:
        name = FilePath(file).name
        markdown = name == file_name(name.partition(".")[0], markdown=True)
        if not markdown and name != file_name(name.partition(".")[0], markdown=False):
            fix = "call it NAME.txt.jinja or NAME.md.jinja"
            yield Problem("is neither text nor markdown", file=file, fix=fix)
            continue
        try:
            check_syntax(text, markdown=markdown)
            if try_out:
                is_digest = name.startswith(f"{DIGEST}.")
                for facts in [sample_digest()] if is_digest else sample_notice():
                    render(text, facts, markdown=markdown)
        except TemplateFault as fault:
            fix = "see docs/notifications.md for what a template may use"
            yield Problem(str(fault), file=file, line=fault.line, fix=fix)


def _lint_templates(
    read: NotifyFile, document: Document, texts: Iterable[str], *, folder: FilePath | None
) -> None:
    known = set(texts)
    for number, each in enumerate(read.destinations):
        wanted = {file_name(each.template, markdown=markdown) for markdown in (False, True)}
        missing = sorted(wanted - known)
        if each.template == NOTICE or not missing:
            continue
        where = "the folder of templates" if folder is None else str(folder)
        mistake = Mistake(f"{' and '.join(missing)} not in {where}", fix="a template has both")
        document.report(("destinations", number, "template"), mistake)


def discreet(problem: Problem) -> Problem:
    """Take out of a problem what its author wrote, but for the words of the format itself."""
    parts = re.split(r"([.\[\]])", problem.field)
    kept = (part if part in _WORDS or part.isdigit() or part in ".[]" else "***" for part in parts)
    message = problem.message
    if problem.message.startswith("is not YAML"):
        message = "is not YAML"  # the parser's words may hold an anchor, a tag or a key
    elif problem.message.startswith("the tag"):
        message = "a tag is not allowed"
    fix = "" if "put it in quotes" in problem.fix else problem.fix
    return replace(
        problem,
        message=_QUOTED.sub("***", message),
        fix=_QUOTED.sub("***", fix),
        field="".join(part for part in kept if part),
    )
