"""Templates: a hostile label value is only ever inserted, never run, never believed to be short.

The syntax is Jinja's, the language is three things: text, `{{ labels.name }}`, and a few filters.
Jinja parses the author's template once, when the playbook is loaded; whatever the tree holds
beyond those three is a mistake of the author's. An alert's labels then meet a loop that joins
strings, not Jinja's runtime: there is no attribute to reach, no loop to spin and no code to run,
and a label called `items` is a label. Every step is bounded, inserted values before anything else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from pydantic.json_schema import JsonSchemaValue

from responder.playbooks.names import config_map_fault, id_fault, label_fault, subdomain_fault
from responder.playbooks.refusals import Refused
from responder.playbooks.template_syntax import Insert, Word, parse
from responder.playbooks.written import Mistake, Written, shown

LONGEST_TEMPLATE = 500
# Of one inserted value, and of the text after each step: four times the longest valid name.
LONGEST_VALUE = 1_024


@dataclass(frozen=True, slots=True)
class Template(Written):
    """A text with labels in it. `labels` are the names it uses, sorted."""

    text: str
    parts: tuple[str | Insert, ...]
    labels: tuple[str, ...]

    what: ClassVar[str] = "text"
    longest: ClassVar[int] = LONGEST_TEMPLATE
    json_schema: ClassVar[JsonSchemaValue] = {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_TEMPLATE,
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        if not text.strip():
            raise Mistake("is empty")
        if len(text) > cls.longest:
            raise Mistake(f"is longer than {cls.longest} characters")
        parts = tuple(part for part in parse(text) if not isinstance(part, Word))
        used = {part.label for part in parts if isinstance(part, Insert)}
        template = cls(text=text, parts=parts, labels=tuple(sorted(used)))
        template._reject_what_never_fits()
        return template

    @classmethod
    def fault(cls, _rendered: str) -> str:
        """Say what is wrong with what was rendered, or nothing."""
        return ""

    @property
    def written(self) -> str:
        return self.text

    def render(self, labels: Mapping[str, str]) -> str:
        """Insert the labels and check the result; raises Refused, whatever the labels hold."""
        values = {name: label_value(labels, name) for name in self.labels}
        rendered = self._join(values)
        # Without labels, nothing has changed since it was checked at loading.
        if self.labels and (fault := self.fault(rendered)):
            raise Refused("InvalidName", f"the {self.what} {shown(rendered)} {fault}")
        return rendered

    def _join(self, values: Mapping[str, str]) -> str:
        rendered = ""
        for part in self.parts:
            rendered += part if isinstance(part, str) else inserted(part, values[part.label])
            if len(rendered) > LONGEST_VALUE:
                raise _too_long()
        return rendered

    def _reject_what_never_fits(self) -> None:
        """Find at loading what no label could mend: a name wrong in the author's own letters."""
        if any(isinstance(part, Insert) and part.filters for part in self.parts):
            return  # a filter may mend or break any letter
        rendered = self._join(dict.fromkeys(self.labels, "a"))
        if fault := self.fault(rendered):
            raise Mistake(f"the {self.what} {shown(self.text)} {fault}")


class Id(Template):
    """The id of a campaign, pool, segment or provider."""

    __slots__ = ()
    what: ClassVar[str] = "id"

    @classmethod
    def fault(cls, rendered: str) -> str:
        return id_fault(rendered)


class WorkloadName(Template):
    """The name of a workload or a route, a DNS subdomain."""

    __slots__ = ()
    what: ClassVar[str] = "name"

    @classmethod
    def fault(cls, rendered: str) -> str:
        return subdomain_fault(rendered)


class ConfigMapName(Template):
    """The name of a ConfigMap that is not ours."""

    __slots__ = ()
    what: ClassVar[str] = "ConfigMap"

    @classmethod
    def fault(cls, rendered: str) -> str:
        return config_map_fault(rendered)


class NamespaceName(Template):
    """The name of a namespace."""

    __slots__ = ()
    what: ClassVar[str] = "namespace"

    @classmethod
    def fault(cls, rendered: str) -> str:
        return label_fault(rendered)


def label_value(labels: Mapping[str, str], name: str) -> str:
    """Give a label that must be there; raises Refused where it is missing, empty or too long."""
    value = labels.get(name, "")
    if not value:
        known = "is empty" if name in labels else "is missing"
        raise Refused("MissingLabel", f"the label {shown(name)} {known}")
    if len(value) > LONGEST_VALUE:
        raise Refused(
            "InvalidName", f"the label {shown(name)} has {len(value)} characters: {shown(value)}"
        )
    return value


def inserted(insert: Insert, value: str) -> str:
    """Pass a label's value through its filters; raises Refused where it would grow too long."""
    for step in insert.filters:
        if step.growth(value) > LONGEST_VALUE:
            raise _too_long()
        value = step(value)
    return value


def _too_long() -> Refused:
    return Refused("TemplateFailed", f"renders to more than {LONGEST_VALUE} characters")
