"""When and how a hold is given back: the author's words, and what they come down to.

Resolved is not resume: without a word about it, a playbook resumes by itself thirty minutes after
its last alert resolved. With steps, the first is opened by time and by acknowledgement where it is
asked for, each later one by what was sent and by evidence over it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from responder.playbooks.model import Many, Part, exactly_one
from responder.playbooks.names import LONGEST_LABEL
from responder.playbooks.quantities import Duration, PartialShare, Share, Threshold
from responder.playbooks.queries import WINDOW, Query
from responder.playbooks.written import Mistake

_DEFAULT_COOL_DOWN = Duration.parse("30m")

MetricName = Annotated[
    str, StringConstraints(pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=LONGEST_LABEL)
]


class Evidence(Part):
    """A question to Prometheus and the answer that counts."""

    metric: MetricName | None = Field(
        default=None, description="The name of a metric in rules/metrics/."
    )
    query: Query | None = Field(
        default=None,
        description="A PromQL query of your own, which gives one value. Without `min` and `max` "
        "0 is no, and any other number yes.",
    )
    window: Duration | None = Field(
        default=None,
        description="How far back is looked, at most to the last resume: what `{{ window }}` in "
        "the query stands for. A metric has a window of its own.",
    )
    min: Threshold | None = Field(default=None, description="True from this value on.")
    max: Threshold | None = Field(default=None, description="True up to this value.")

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        mistakes = exactly_one(("metric", "query"), written=written)
        if "query" not in written or {"min", "max"} <= written.keys():
            mistakes += exactly_one(("min", "max"), written=written)
        return mistakes + _window_misuse(written)


def _window_misuse(written: Mapping[str, object]) -> tuple[Mistake, ...]:
    query = _readable_query(written.get("query"))
    if query is None or query.uses(WINDOW) == ("window" in written):
        return ()
    if query.uses(WINDOW):
        return (Mistake("needs `window`, which the query uses", fix="write `window: 1h`"),)
    unused = Mistake(
        "is not used by the query", fix="write `[{{ window }}]` in it, or remove the window"
    )
    return (unused.inside("window"),)


def _readable_query(text: object) -> Query | None:
    try:
        return Query.parse(text) if isinstance(text, str) else None
    except Mistake:
        return None


class Volume(Part):
    """What tells how much was sent: a count, whatever it is called."""

    metric: MetricName | None = Field(
        default=None, description="The name of a metric in rules/metrics/ that counts messages."
    )
    query: Query | None = Field(
        default=None,
        description="A PromQL query of your own, which counts messages over `{{ window }}`.",
    )

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        mistakes = exactly_one(("metric", "query"), written=written)
        query = _readable_query(written.get("query"))
        if query is not None and not query.uses(WINDOW):
            wrong = Mistake(
                "must count what was sent since a moment", fix="write `[{{ window }}]` in it"
            )
            mistakes += (wrong.inside("query"),)
        return mistakes


DEFAULT_VOLUME: Final = "attempts"
"""The metric by which a step's messages are counted, unless a playbook names another."""


class Start(Part):
    """What must be so before the first step."""

    after: Duration = Field(
        default=_DEFAULT_COOL_DOWN, description="How long after the last alert resolved."
    )
    acknowledged: bool = Field(
        default=False,
        description="Whether a person must have acknowledged that the cause is dealt with.",
    )


class Step(Part):
    """One step on the way back. It ends when its time is over *and* its volume was sent."""

    share: PartialShare = Field(description="The share of the normal rate.")
    for_: Duration = Field(
        default=Duration.parse("15m"), alias="for", description="The least time."
    )
    sends: int = Field(default=1_000, ge=1, le=10**9, description="The least messages.")

    model_config = ConfigDict(
        json_schema_extra=lambda schema: _short_or_long(schema, short=PartialShare.json_schema)
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: object) -> object:
        return {"share": given} if isinstance(given, str | int | float) else given


def _short_or_long(schema: dict[str, Any], *, short: dict[str, Any]) -> None:
    """Let a schema admit the short form as well, in place, as pydantic wants it."""
    long = dict(schema)
    schema.clear()
    schema["anyOf"] = [dict(short), long]


class Resume(Part):
    """The long form of `resume`."""

    start: Start = Field(default=Start(), description="What must be so before anything resumes.")
    steps: Many[Step] = Field(
        default=(), max_length=20, description="Shares on the way back; by default all at once."
    )
    check: Evidence | None = Field(
        default=None,
        description="What must be true, over what was sent since the resume, before each step but "
        "the first, and before the end.",
    )
    volume: Volume | None = Field(
        default=None, description="What counts a step's messages; by default the metric `attempts`."
    )

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        steps = written.get("steps")
        mistakes: list[Mistake] = []
        if "volume" in written and not steps:
            unused = Mistake("counts the messages of steps, and there are none", fix="remove it")
            mistakes.append(unused.inside("volume"))
        if not isinstance(steps, list):
            return tuple(mistakes)
        before: Share | None = None
        for index, step in enumerate(steps):
            share = _readable_share(step)
            if share and before and share.ratio <= before.ratio:
                wrong = f"{share.text} is not more than the step before it, {before.text}"
                mistakes.append(Mistake(wrong).inside("steps", index))
            before = share or before
        return tuple(mistakes)


def _readable_share(step: object) -> Share | None:
    text = step.get("share") if isinstance(step, Mapping) else step
    try:
        return Share.parse(text) if isinstance(text, str) else None
    except Mistake:
        return None


def _form(given: object) -> str:
    return "manual" if isinstance(given, str) else "policy"


AnyResume = Annotated[
    Annotated[Literal["manual"], Tag("manual")] | Annotated[Resume, Tag("policy")],
    Discriminator(_form),
]


@dataclass(frozen=True, slots=True)
class ResumePolicy:
    """What a playbook's `resume` comes down to; `after_seconds` counts from the last resolve."""

    manual: bool
    after_seconds: int
    acknowledged: bool = False
    steps: tuple[Step, ...] = ()
    check: Evidence | None = None
    volume: Volume | None = None
    """What counts the messages of steps; None where there are none."""


def resume_policy(resume: Resume | Literal["manual"] | None) -> ResumePolicy:
    """Reduce what was written, or not written, to a policy."""
    if resume == "manual":
        return ResumePolicy(manual=True, after_seconds=0)
    if resume is None:
        return ResumePolicy(manual=False, after_seconds=_DEFAULT_COOL_DOWN.seconds)
    return ResumePolicy(
        manual=False,
        after_seconds=resume.start.after.seconds,
        acknowledged=resume.start.acknowledged,
        steps=resume.steps,
        check=resume.check,
        volume=_volume(resume) if resume.steps else None,
    )


def _volume(resume: Resume) -> Volume:
    return resume.volume or Volume(metric=DEFAULT_VOLUME)
