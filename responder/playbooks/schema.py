"""The playbook: what a file says, read strictly, immutable, and compiled once.

A playbook that exists is valid: its matchers and templates are parsed, its verbs make sense. What
needs more than one look at it (the labels of its templates, other playbooks) is in the lint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.json_schema import JsonSchemaValue

from responder.alerts.matchers import Matcher, MatcherSyntaxError, all_match, parse_matchers
from responder.playbooks.hold import Hold
from responder.playbooks.model import Many, Part, distinct, exactly_one
from responder.playbooks.names import DNS_LABEL, LONGEST_LABEL, label_fault
from responder.playbooks.quantities import Duration
from responder.playbooks.queries import Query
from responder.playbooks.resume import AnyResume, Evidence, ResumePolicy, resume_policy
from responder.playbooks.templates import Template
from responder.playbooks.written import Mistake, Written, reported

API_VERSION: Final = "campaign-responder.dev/v1alpha1"
KIND: Final = "Playbook"

MOST_HOLDS = 50


@dataclass(frozen=True, slots=True)
class MatcherLine(Written):
    """One line of `matchers`, in Alertmanager's syntax; it may hold several, all of which count."""

    text: str
    matchers: tuple[Matcher, ...]

    json_schema: ClassVar[JsonSchemaValue] = {
        "type": "string",
        "minLength": 1,
        "examples": ['alertname="HighBounceRate"', 'severity=~"warning|critical"'],
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            matchers = parse_matchers(text)
        except MatcherSyntaxError as error:
            raise reported(
                Mistake(problem.message, fix=problem.fix) for problem in error.problems
            ) from error
        if not matchers:
            raise Mistake("is empty", fix='write a matcher like `severity="critical"`')
        return cls(text=text, matchers=matchers)

    @classmethod
    def misfit(cls, given: object) -> Mistake:
        if isinstance(given, Mapping) and len(given) == 1:
            ((name, value),) = given.items()
            return Mistake("must be a matcher, not a mapping", fix=f'write `{name}="{value}"`')
        return super(MatcherLine, cls).misfit(given)

    @property
    def written(self) -> str:
        return self.text


def _distinguish(lines: tuple[MatcherLine, ...]) -> tuple[MatcherLine, ...]:
    if all_match([matcher for line in lines for matcher in line.matchers], {}):
        raise reported(
            [
                Mistake(
                    "match an alert without any label, so every alert",
                    fix="at least one matcher must not match the empty string, as in "
                    '`alertname="HighBounceRate"`',
                )
            ]
        )
    return lines


def _a_name(name: str) -> str:
    if fault := label_fault(name):
        raise reported([Mistake(f"the name {name!r} {fault}")])
    return name


class Metadata(Part):
    """Which one it is. Labels and annotations are the author's own; nothing reads them."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("required"))

    name: Annotated[str, AfterValidator(_a_name)] = Field(
        description="Unique among all of its kind. By default the file's name, where the file "
        "holds one without a name.",
        json_schema_extra={"pattern": f"^{DNS_LABEL}$", "maxLength": LONGEST_LABEL},
    )
    labels: dict[str, str] | None = Field(default=None, description="Your own; not read.")
    annotations: dict[str, str] | None = Field(default=None, description="Your own; not read.")


class When(Evidence):
    """What makes a stage necessary. Unknown evidence never escalates by itself."""

    for_: Duration = Field(alias="for", description="How long it must have been true, like `20m`.")
    confirmed: Literal[False] | None = Field(
        default=None,
        description="Instead of a question: `false` is for a brake that is seen not to take hold. "
        "It begins to count at the deadline by which its effect should be seen.",
    )

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        if "confirmed" not in written:
            return super().misuse(written)
        others = sorted(Evidence.known() & written.keys())
        return exactly_one(("confirmed", *others), written=written)

    @property
    def is_question(self) -> bool:
        """Whether Prometheus is asked for it."""
        return self.confirmed is None


class Stage(Part):
    """Further holds, when the first ones were not enough."""

    when: When = Field(description="The evidence that makes the stage necessary.")
    holds: Many[Hold] = Field(
        min_length=1, max_length=MOST_HOLDS, description="What to hold in that stage."
    )


class Approval(Part):
    """How long a person's approval is waited for."""

    within: Duration = Field(description="How long, like `10m`.")
    otherwise: Literal["act", "expire"] = Field(
        description="If nobody decides by then: act holds all the same; expire holds nothing."
    )


class Guards(Part):
    """Exceptions from the responder's own caution."""

    include_transactional: bool = Field(
        default=False,
        description="Whether transactional mail may be held as well, where its owner agrees too: "
        "by the label campaign-responder.dev/hold: even-transactional.",
    )


class Spec(Part):
    """What the playbook does."""

    mode: Literal["observe", "approve", "auto"] = Field(
        default="auto",
        description="observe: say what would be held; approve: a person must agree first; "
        "auto: hold. Capped by --max-mode.",
    )
    approval: Approval | None = Field(
        default=None,
        description="With `mode: approve`: how long a person is waited for, and what then. By "
        "default for as long as the alert fires.",
    )
    matchers: Annotated[Many[MatcherLine], AfterValidator(_distinguish)] = Field(
        min_length=1,
        max_length=50,
        description="The matchers, in Alertmanager's syntax, one a line; all of them must match.",
    )
    incident_per: (
        Annotated[
            Many[Annotated[str, Field(min_length=1, max_length=200)]], AfterValidator(distinct)
        ]
        | None
    ) = Field(
        default=None,
        max_length=20,
        description="The labels that tell incidents apart; by default those in the templates.",
    )
    holds: Many[Hold] = Field(min_length=1, max_length=MOST_HOLDS, description="What to hold.")
    escalate: Many[Stage] = Field(
        default=(), max_length=10, description="Further stages, when the first was not enough."
    )
    resume: AnyResume | None = Field(
        default=None,
        description="When to give back: `manual`, or a mapping. By default 30 minutes after the "
        "last alert resolved.",
    )
    guards: Guards = Field(default=Guards(), description="Exceptions from caution.")
    review_after: Duration | None = Field(
        default=None, description="When a person should look at a hold that still stands."
    )

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        if "approval" in written and written.get("mode") != "approve":
            unused = Mistake("counts only with `mode: approve`", fix="write that, or remove it")
            return (unused.inside("approval"),)
        return ()

    def all_holds(self) -> tuple[Hold, ...]:
        """Give the holds of every stage."""
        return self.holds + tuple(hold for stage in self.escalate for hold in stage.holds)


class Playbook(Part):
    """When an alert matches, hold these things until resuming is safe."""

    api_version: Literal["campaign-responder.dev/v1alpha1"] = Field(
        default=API_VERSION, description="The version of this format."
    )
    kind: Literal["Playbook"] = Field(default=KIND, description="Always `Playbook`.")
    metadata: Metadata = Field(description="The `name` of the playbook.")
    spec: Spec = Field(description="What the playbook does.")

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema["required"].remove("metadata")
    )

    @property
    def name(self) -> str:
        """The playbook's name, unique among those loaded together."""
        return self.metadata.name

    @cached_property
    def matchers(self) -> tuple[Matcher, ...]:
        """Every matcher, compiled; all must match."""
        return tuple(matcher for line in self.spec.matchers for matcher in line.matchers)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels concerns this playbook."""
        return all_match(self.matchers, labels)

    @cached_property
    def questions(self) -> tuple[Evidence, ...]:
        """What it asks Prometheus, in any stage."""
        check = self.resume_policy.check
        asked = tuple(stage.when for stage in self.spec.escalate if stage.when.is_question)
        return asked if check is None else (check, *asked)

    @cached_property
    def template_labels(self) -> tuple[str, ...]:
        """The labels that its templates use, in any stage, sorted."""
        templates: list[Template | Query] = [
            template for hold in self.spec.all_holds() for template in hold.verb.templates()
        ]
        templates += [asked.query for asked in self.questions if asked.query is not None]
        volume = self.resume_policy.volume
        if volume is not None and volume.query is not None:
            templates.append(volume.query)
        return tuple(sorted({label for template in templates for label in template.labels}))

    @cached_property
    def identity_labels(self) -> tuple[str, ...]:
        """The labels whose values tell its incidents apart."""
        if self.spec.incident_per is not None:
            return self.spec.incident_per
        return self.template_labels

    @cached_property
    def resume_policy(self) -> ResumePolicy:
        """When its holds are given back."""
        return resume_policy(self.spec.resume)
