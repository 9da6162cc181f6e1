"""A metric: PromQL under a name, with what must be there before its answer counts.

A metric that exists is valid: its queries keep labels apart, look back no further than its window,
and all of them are about the same thing.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field

from responder.playbooks.model import Many, Part, distinct, listed
from responder.playbooks.quantities import Duration
from responder.playbooks.queries import MATCHERS, WINDOW, Query
from responder.playbooks.references import KnownMetric
from responder.playbooks.schema import API_VERSION, Metadata
from responder.playbooks.written import Mistake, reported, shown

KIND: Final = "Metric"

_QUERIES: Final = ("events", "total", "reported")
_COUNTS: Final = ("events", "total")


def _a_label_name(name: str) -> str:
    # What begins with `__` is Prometheus' own: `__name__` would select another metric.
    if re.fullmatch("[a-zA-Z][a-zA-Z0-9_]*", name) is None:
        fix = "begin with a letter, and use only letters, digits and `_`"
        raise reported([Mistake(f"{shown(name)} is not the name of a label", fix=fix)])
    return name


LabelName = Annotated[str, Field(max_length=200), AfterValidator(_a_label_name)]


class MetricQuery(Query):
    """A query with places for the window and for the matchers that select what is asked about."""

    __slots__ = ()
    words: ClassVar[tuple[str, ...]] = (WINDOW, MATCHERS)


class MetricSpec(Part):
    """What is measured, and how it is judged."""

    description: str | None = Field(default=None, max_length=1_000, description="For people.")
    measure: Literal["ratio", "count"] = Field(
        description="ratio: of `events` among `total`; count: of `events` alone."
    )
    labels: Annotated[Many[LabelName], AfterValidator(distinct)] = Field(
        default=(),
        max_length=20,
        description="The labels that `{{ matchers }}` stands for: those of them that tell the "
        "playbook's incidents apart. At least one of them must.",
    )
    window: Duration = Field(description="How far back is looked, at most to the last resume.")
    events: MetricQuery = Field(description="PromQL for how often it happened in the window.")
    total: MetricQuery | None = Field(
        default=None, description="PromQL for how much was sent in the window."
    )
    reported: MetricQuery | None = Field(
        default=None,
        description="PromQL that gives something as long as such events are counted at all. While "
        "it does, no series of `events` means none happened; else, that is unknown.",
    )
    minimum_samples: int | None = Field(
        default=None, ge=1, le=10**9, description="The least sends; with fewer it is unknown."
    )
    minimum_events: int | None = Field(
        default=None,
        ge=1,
        le=10**9,
        description="The least events that can prove a ratio to be too high.",
    )

    @classmethod
    def misuse(cls, written: Mapping[str, object]) -> tuple[Mistake, ...]:
        mistakes: list[Mistake] = []
        if written.get("measure") == "ratio":
            mistakes += [
                Mistake(f"needs `{key}` for a ratio")
                for key in ("total", "minimumSamples", "minimumEvents")
                if key not in written
            ]
        elif written.get("measure") == "count" and "minimumEvents" in written:
            wrong = Mistake("is for a ratio", fix="remove it: a count has its `min` or `max`")
            mistakes.append(wrong.inside("minimumEvents"))
        if "minimumSamples" in written and "total" not in written and not mistakes:
            mistakes.append(Mistake("needs `total`, which `minimumSamples` is about"))
        return (*mistakes, *_misfits(written))


def _misfits(written: Mapping[str, object]) -> list[Mistake]:
    """Find queries that are not about the same as the others."""
    queries = {key: query for key in _QUERIES if (query := _readable(written.get(key)))}
    about = {label for query in queries.values() for label in query.labels}
    mistakes = []
    for key in _COUNTS:
        if key not in queries:
            continue
        query = queries[key]
        if not query.uses(WINDOW):
            wrong = Mistake("does not look over the window", fix="write `[{{ window }}]` in it")
            mistakes.append(wrong.inside(key))
        if written.get("labels") and not query.uses(MATCHERS):
            wrong = Mistake("is about everything", fix="write `{ {{ matchers }} }` in it")
            mistakes.append(wrong.inside(key))
        if missing := about - set(query.labels):
            told = listed(tuple(sorted(missing)), last="and")
            wrong = Mistake(f"is not about {told}", fix="insert the same labels into each query")
            mistakes.append(wrong.inside(key))
    if not written.get("labels"):
        mistakes += [
            Mistake("`{{ matchers }}` stands for no labels", fix="list them in `labels`").inside(
                key
            )
            for key, query in queries.items()
            if query.uses(MATCHERS)
        ]
    return mistakes


def _readable(text: object) -> MetricQuery | None:
    try:
        return MetricQuery.parse(text) if isinstance(text, str) else None
    except Mistake:
        return None


class Metric(Part):
    """PromQL under a name, for the checks of playbooks."""

    api_version: Literal["campaign-responder.dev/v1alpha1"] = Field(
        default=API_VERSION, description="The version of this format."
    )
    kind: Literal["Metric"] = Field(default=KIND, description="Always `Metric`.")
    metadata: Metadata = Field(description="The `name` of the metric.")
    spec: MetricSpec = Field(description="What is measured, and how it is judged.")

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema["required"].remove("metadata")
    )

    @property
    def name(self) -> str:
        """The metric's name, unique among those loaded together."""
        return self.metadata.name

    @cached_property
    def reference(self) -> KnownMetric:
        """What a playbook must have to ask for it."""
        queries = (self.spec.events, self.spec.total, self.spec.reported)
        return KnownMetric(
            name=self.name,
            labels=frozenset(label for query in queries if query for label in query.labels),
            selectors=frozenset(self.spec.labels),
            counts=self.spec.measure == "count",
            needs_sends=self.spec.total is not None,
        )
