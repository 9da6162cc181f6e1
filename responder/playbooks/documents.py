"""YAML read with its lines: plain data, where each value stands, and every mistake in between.

Each document of a file is read by itself, so that a syntax error in one doesn't hide the others'
mistakes. Nothing in a file can run, and nothing grows: tags are refused, and aliases are followed
only as far as a bounded number of values.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import yaml
from yaml.constructor import SafeConstructor

from responder.errors import Problem
from responder.playbooks.written import QUOTE, Mistake, Path

_MOST_VALUES = 10_000
_DEEPEST = 30
_LONGEST_QUOTED = 80
_PLAIN_TAG = "tag:yaml.org,2002:"
_NUMBERS = ("int", "float")
# A line that begins so ends a document whatever stands around it, even in a block scalar.
_BOUNDARY = re.compile(r"^---(?=[ \t\r\n]|\Z)", flags=re.MULTILINE)


@dataclass(slots=True)
class Document:
    """One YAML document; `data` holds dicts, lists and scalars only. It collects its problems."""

    file: str
    line: int
    data: object = None
    problems: dict[Problem, None] = field(default_factory=dict)
    """In the order in which they were found, each once."""
    lines: dict[Path, int] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    """Scalars as they stand in the file, where YAML reads `0017` as 15."""
    unreadable: set[Path] = field(default_factory=set)
    """Where nothing more is to be said: the value there couldn't be read at all."""

    def line_of(self, path: Path) -> int:
        """Give the line of a value, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)

    def report(self, path: Path, mistake: Mistake) -> None:
        """Add a mistake at its place, once, and unless it only follows from an unreadable value."""
        if any(path[:length] in self.unreadable for length in range(len(path) + 1)):
            return
        fix = mistake.fix
        if fix == QUOTE and len(self.texts.get(path, "")) in range(1, _LONGEST_QUOTED):
            fix = f'{QUOTE}: "{self.texts[path]}"'
        found = Problem(
            mistake.message, field=dotted(path), fix=fix, file=self.file, line=self.line_of(path)
        )
        self.problems[found] = None

    def warn(self, warning: Problem) -> None:
        """Add a warning, at the line of its field."""
        lines = {dotted(path): line for path, line in self.lines.items()}
        line = lines.get(warning.field, self.line)
        self.problems[replace(warning, file=self.file, line=line)] = None

    @property
    def is_wrong(self) -> bool:
        """Whether there is an error among its problems."""
        return any(problem.severity == "error" for problem in self.problems)


def dotted(path: Path) -> str:
    """Write a path as people do: `spec.holds[0].pause`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def read_documents(text: str, *, file: str) -> tuple[Document, ...]:
    """Read a file's documents; those that hold nothing but comments are left out."""
    documents = []
    for first_line, chunk in _chunks(text):
        document = Document(file=file, line=first_line)
        try:
            root = yaml.compose(chunk, Loader=yaml.CSafeLoader)
        except yaml.YAMLError as error:
            line, mistake = _syntax_mistake(error, chunk)
            document.lines[()] = first_line + line
            document.report((), mistake)
            document.unreadable.add(())
        else:
            if root is None or _kind(root) == "null":
                continue
            document.line = first_line + root.start_mark.line
            document.data = _Reading(document, first_line).value(root, ())
        documents.append(document)
    return tuple(documents)


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    starts = [0, *(found.start() for found in _BOUNDARY.finditer(text))]
    ends = [*starts[1:], len(text)]
    line = 1
    for start, end in zip(starts, ends, strict=True):
        yield line, text[start:end]
        line += text.count("\n", start, end)


def _syntax_mistake(error: yaml.YAMLError, chunk: str) -> tuple[int, Mistake]:
    """Give the line, counted from the chunk's first, and what is wrong there."""
    line, fix, message = 0, "", str(error)
    if isinstance(error, yaml.MarkedYAMLError):
        told = (error.problem or "", error.context or "")
        message = " ".join(part for part in told if part)
        if error.problem_mark is not None:
            # An error noticed at the very end belongs to the last line that says something.
            last = len(chunk.rstrip().splitlines()) - 1
            line = min(error.problem_mark.line, max(last, 0))
        if "cannot start any token" in message:
            fix = "indent with spaces, not tabs, and quote what begins with a special character"
        elif "mapping values are not allowed" in message:
            fix = "check the indentation, and quote text that holds `: `"
    elif isinstance(error, yaml.reader.ReaderError):
        message = error.reason
        line = chunk.count("\n", 0, error.position)
    return line, Mistake(f"is not YAML: {message}", fix=fix)


def _kind(node: yaml.Node) -> str:
    """Give the YAML type in a word, or the whole tag where it is none of YAML's own."""
    return str(node.tag).removeprefix(_PLAIN_TAG)


class _Reading:
    """Turns nodes into data and remembers where each stood."""

    def __init__(self, document: Document, first_line: int) -> None:
        self._document = document
        self._first_line = first_line
        self._left = _MOST_VALUES
        self._overflown = False
        self._scalars = SafeConstructor()

    def _mistake(self, node: yaml.Node, path: Path, message: str, *, fix: str = "") -> None:
        self._document.lines.setdefault(path, self._line(node))
        self._document.report(path, Mistake(message, fix=fix))
        self._document.unreadable.add(path)

    def _line(self, node: yaml.Node) -> int:
        return int(node.start_mark.line) + self._first_line

    def value(self, node: yaml.Node, path: Path) -> object:
        if self._overflown:
            return None
        self._left -= 1
        self._document.lines.setdefault(path, self._line(node))
        if self._left < 0 or len(path) > _DEEPEST:
            self._overflown = True
            self._mistake(node, (), "holds more than a playbook can", fix="remove its aliases")
            return None
        match node:
            case yaml.CollectionNode() if _kind(node) not in {"map", "seq"}:
                self._mistake(node, path, f"the tag {node.tag} is not allowed", fix="remove it")
                return None
            case yaml.MappingNode():
                return self._mapping(node, path)
            case yaml.SequenceNode():
                return [self.value(item, (*path, at)) for at, item in enumerate(node.value)]
            case _:
                return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object] | None:
        data: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._mistake(
                    node,
                    path,
                    "has a key that is not text",
                    fix='a template needs quotes: "{{ labels.name }}"',
                )
                return None
            key, here = str(key_node.value), self._line(key_node)
            if _kind(key_node) == "merge":
                fix = "write the keys out"
                self._mistake(key_node, (*path, key), "merge keys are not supported", fix=fix)
                data[key] = None
            elif (*path, key) in self._document.lines:
                twice = Mistake(f"is given again on line {here}", fix="keep one of them")
                self._document.report((*path, key), twice)
            else:
                self._document.lines[*path, key] = here
                data[key] = self.value(value_node, (*path, key))
        return data

    def _scalar(self, node: yaml.Node, path: Path) -> object:
        text = str(node.value)
        self._document.texts[path] = text
        match _kind(node):
            case "str" | "timestamp":  # a campaign may well be called 2026-11-24
                return text
            case "null":
                fix = "give it a value, or remove the line"
                self._mistake(node, path, "is empty", fix=fix)
                return None
            case "bool":
                return bool(SafeConstructor.bool_values[text.lower()])
            case kind if kind in _NUMBERS:
                return self._number(node, path)
            case _:
                self._mistake(node, path, f"the tag {node.tag} is not allowed", fix="remove it")
                return None

    def _number(self, node: yaml.Node, path: Path) -> object:
        try:
            return self._scalars.construct_object(node)
        except (ValueError, OverflowError):
            self._mistake(node, path, "is not a number that can be read")
            return None
