"""The language of templates: what Jinja's parser may find in one, and what the filters do.

Everything that is not text, a label or a listed filter is refused with the reason and, where the
author's intention is plain, with the way to write it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from jinja2 import Environment, TemplateSyntaxError, nodes

from responder.playbooks.written import Mistake, shown

_MOST_INSERTS = 20
_MOST_FILTERS = 8

# Strips nothing of the author's own: a trailing newline is a mistake to be seen.
_JINJA = Environment(autoescape=False, keep_trailing_newline=True)  # noqa: S701 -- never renders


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new)


_FILTERS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {"lower": str.lower, "upper": str.upper, "trim": str.strip, "replace": _replace}
)
_ARGUMENTS = MappingProxyType({"lower": 0, "upper": 0, "trim": 0, "replace": 2})


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter with its constant arguments."""

    name: str
    arguments: tuple[str, ...] = ()

    def __call__(self, text: str) -> str:
        """Apply it; grows `text` at most by what `growth` says."""
        return _FILTERS[self.name](text, *self.arguments)

    def growth(self, text: str) -> int:
        """Say beforehand how many characters the result may have."""
        if self.name == "replace":
            old, new = self.arguments
            return len(text) + text.count(old) * max(0, len(new) - len(old))
        return 3 * len(text)  # the longest special casing of Unicode makes three of one


@dataclass(frozen=True, slots=True)
class Insert:
    """The place of a label, with the filters it passes through."""

    label: str
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """The place of something that is no label and that whoever renders knows, by its name."""

    name: str


def parse(text: str, *, words: Collection[str] = ()) -> tuple[str | Insert | Word, ...]:
    """Read a template into text and inserts, and those of `words` that it names; raises Mistake."""
    try:
        tree = _JINJA.parse(text)
    except TemplateSyntaxError as error:
        raise _syntax_mistake(text, error.message or "") from error
    except RecursionError:
        raise Mistake("is nested too deeply") from None
    parts: list[str | Insert | Word] = []
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            raise Mistake(
                "templates have no statements", fix="use `{{ labels.name }}`, without `{% %}`"
            )
        parts.extend(_part(node, words) for node in statement.nodes)
    if sum(isinstance(part, Insert) for part in parts) > _MOST_INSERTS:
        raise Mistake(f"inserts more than {_MOST_INSERTS} labels")
    return tuple(parts)


def _part(node: nodes.Expr, words: Collection[str]) -> str | Insert | Word:
    if isinstance(node, nodes.TemplateData):
        for stray in ("{{", "}}", "{%", "%}"):
            if stray in node.data:
                raise Mistake(f"has a stray `{stray}`", fix="write `{{ labels.name }}`")
        return node.data
    if isinstance(node, nodes.Name) and node.name in words:
        return Word(node.name)
    filters: list[Filter] = []
    while isinstance(node, nodes.Filter):
        filters.append(_filter(node))
        if node.node is None or len(filters) > _MOST_FILTERS:
            raise Mistake(f"uses more than {_MOST_FILTERS} filters on one label")
        node = node.node
    return Insert(label=_label(node), filters=tuple(reversed(filters)))


def _label(node: nodes.Expr) -> str:
    match node:
        case nodes.Getattr(node=nodes.Name(name="labels"), attr=str(label)):
            return label
        case nodes.Getitem(node=nodes.Name(name="labels"), arg=nodes.Const(value=str(label))):
            if not label:
                raise Mistake("asks for a label without a name")
            return label
        case _:
            raise _no_label(node)


def _no_label(node: nodes.Expr) -> Mistake:
    match node:
        case nodes.Name(name="labels"):
            message, fix = "inserts all labels at once", "write `{{ labels.name }}`"
        case nodes.Name(name=name):
            message, fix = f"`{name}` is unknown", f"write `{{{{ labels.{name} }}}}`"
        case nodes.Getattr(node=nodes.Getattr(node=nodes.Name(name="labels"), attr=a), attr=b):
            message = "a label's value has no parts"
            fix = f'if the label is called so, write labels["{a}.{b}"]'
        case nodes.Getattr(node=nodes.Name(name=name)) | nodes.Getitem(node=nodes.Name(name=name)):
            message, fix = f"`{name}` is unknown", "only `labels` can be inserted"
        case nodes.Sub():
            message = "templates don't calculate"
            fix = 'a label with a `-` in its name is written labels["the-name"]'
        case nodes.CondExpr() | nodes.Or() | nodes.And():
            message = "templates have no conditions or fallbacks"
            fix = "a hold whose label is missing is refused, so that it never widens"
        case nodes.Call():
            message, fix = "templates call nothing", "write `{{ labels.name }}`"
        case _:
            message, fix = "inserts what is not a label", "write `{{ labels.name }}`"
    return Mistake(message, fix=fix)


def _filter(node: nodes.Filter) -> Filter:
    if node.name in ("default", "d"):
        raise Mistake(
            "the filter `default` is not allowed: a missing label must never widen a hold",
            fix="leave it out; the hold is refused when the label is missing",
        )
    if node.name not in _FILTERS:
        close = get_close_matches(node.name, _FILTERS, n=1)
        fix = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(_FILTERS)}"
        raise Mistake(f"the filter {shown(node.name)} is unknown", fix=fix)
    constants = [arg.value for arg in node.args if isinstance(arg, nodes.Const)]
    texts = tuple(value for value in constants if isinstance(value, str))
    extra = node.kwargs or node.dyn_args or node.dyn_kwargs or len(texts) < len(node.args)
    if extra or len(texts) != _ARGUMENTS[node.name]:
        needs = 'two texts: replace("old", "new")' if _ARGUMENTS[node.name] else "no arguments"
        raise Mistake(f"the filter `{node.name}` takes {needs}")
    if node.name == "replace" and not texts[0]:
        raise Mistake("the filter `replace` can't replace an empty text")
    return Filter(name=node.name, arguments=texts)


def _syntax_mistake(text: str, message: str) -> Mistake:
    if "{{ ." in text or "{{." in text or "$labels" in text:
        return Mistake(
            "is a Go template, as Prometheus uses them", fix="write `{{ labels.name }}` here"
        )
    return Mistake(f"is not a template: {message}", fix="write `{{ labels.name }}`")
