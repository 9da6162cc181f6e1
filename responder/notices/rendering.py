"""From facts and a template to a message: a title and a body. Pure.

Templates are Jinja's, in its sandbox. Whatever a template inserts is made harmless, unless it is
of our own making: a template need not think of it and can't forget it. In markdown what strangers
wrote stands in code spans, where nothing is markup.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from responder.notices.neutral import Sound, clipped, lines_within, neutral

LONGEST_TITLE: Final = 180
LONGEST_BODY: Final = 3_500
_SUFFIXES: Final = {False: ".txt.jinja", True: ".md.jinja"}


@dataclass(frozen=True, slots=True)
class Message:
    """What one destination is sent."""

    title: str
    body: str


class TemplateFault(Exception):  # noqa: N818 -- a fault of its author's, as elsewhere a mistake
    """A template that can't be rendered: `line` is None where nobody knows it."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        self.line = line
        super().__init__(message)


def file_name(name: str, *, markdown: bool) -> str:
    """Give the file of a template: `notice` is in `notice.txt.jinja` and `notice.md.jinja`."""
    return name + _SUFFIXES[markdown]


def _shown(value: object) -> object:
    if isinstance(value, Sound | int | float):
        return value
    return neutral(str(value))


def _shown_in_markdown(value: object) -> object:
    told = _shown(value)
    if isinstance(told, Sound) or not isinstance(told, str):
        return told
    return f"`{told}`" if told else ""


@cache
def _environment(*, markdown: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=_shown_in_markdown if markdown else _shown,
        autoescape=False,  # no HTML is made here, and finalize sees every value
        trim_blocks=True,
        lstrip_blocks=True,
    )


def check_syntax(source: str, *, markdown: bool) -> None:
    """Raise TemplateFault where a template can't even be read; nothing of it is run."""
    try:
        _environment(markdown=markdown).from_string(source)
    except TemplateError as error:
        raise _fault(error) from error


def render(source: str, facts: Mapping[str, Any], *, markdown: bool) -> Message:
    """Render a message, its first line the title; raises TemplateFault."""
    try:
        text = _environment(markdown=markdown).from_string(source).render(_marked(facts))
    except TemplateError as error:
        raise _fault(error) from error
    except (ArithmeticError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise TemplateFault(f"{type(error).__name__}: {error}") from error
    lines = (line.rstrip() for line in text.strip().split("\n"))
    title, _, body = "\n".join(lines).partition("\n")
    if not title:
        raise TemplateFault("renders to nothing; its first line is the title")
    plain = title.replace("`", "").replace("**", "") if markdown else title
    return Message(
        clipped(plain, most=LONGEST_TITLE), lines_within(body.strip("\n"), most=LONGEST_BODY)
    )


def _fault(error: TemplateError) -> TemplateFault:
    message = (error.message or type(error).__name__).splitlines()[0]
    return TemplateFault(message, line=getattr(error, "lineno", None))


SOUND: Final = frozenset(
    {"command", "command_does", "count", "eased", "headline", "link", "moment", "moments", "name"}
    | {"namespace", "phase", "playbook", "seconds", "told", "until", "verb"}
)
"""The facts that are of our own making: `facts.py` writes them, and nobody else has a say."""


def _marked(facts: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(facts, Mapping):
        return {
            key: Sound(value) if key in SOUND and isinstance(value, str) else _marked(value)
            for key, value in facts.items()
        }
    return [_marked(item) for item in facts] if isinstance(facts, list) else facts


@cache
def shipped(name: str, *, markdown: bool) -> str:
    """Give a template of ours: `notice`, of one incident, or `digest`, of many."""
    folder = resources.files("responder.notices") / "templates"
    return (folder / file_name(name, markdown=markdown)).read_text(encoding="utf-8")
