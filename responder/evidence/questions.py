"""A question: what a playbook asks about one incident, as the incident keeps it.

Bound to the incident's labels, it needs neither the playbook nor the metric any more: editing or
deleting them never changes what is asked about a hold that stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, assert_never

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from responder.errors import BadInput, Problem
from responder.evidence.judging import (
    Against,
    Bound,
    Guards,
    judge_count,
    judge_ratio,
    judge_value,
)
from responder.evidence.metric import Metric
from responder.evidence.verdict import Finding, Unknown
from responder.playbooks.model import listed
from responder.playbooks.queries import BoundQuery, Query, matchers_of
from responder.playbooks.refusals import Refused
from responder.playbooks.resume import Evidence, Volume
from responder.playbooks.written import shown

_VOLUME_SECONDS: Final = 604_800
QUERY = "query"
"""What a question is called that is no metric's."""


@dataclass(frozen=True, slots=True)
class NotAskable:
    """Why there is no question; to whoever waits for an answer it is unknown."""

    reason: Unknown
    message: str

    @property
    def finding(self) -> Finding:
        """What a verdict about it says."""
        return Finding.unknown(self.reason, self.message)


class Question(BaseModel):
    """One question about one incident; `window_seconds` is what it wants to look back over.

    `value` measures what a query of somebody's own gives, which stands in `events`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    name: str = Field(min_length=1, max_length=200)
    measure: Literal["ratio", "count", "value"]
    events: BoundQuery
    total: BoundQuery | None = None
    reported: BoundQuery | None = None
    bound: Bound | None = None
    threshold: float | None = Field(default=None, allow_inf_nan=False)
    minimum_samples: int = Field(default=0, ge=0)
    minimum_events: int = Field(default=0, ge=0)
    window_seconds: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _judgeable(self) -> Self:
        if (self.bound is None) != (self.threshold is None):
            raise ValueError("a bound and a threshold go together")
        if self.measure != "value" and self.bound is None:
            raise ValueError(f"a {self.measure} needs a threshold")
        if self.measure == "ratio" and self.total is None:
            raise ValueError("a ratio needs a total")
        return self

    @property
    def queries(self) -> tuple[BoundQuery, ...]:
        """All that may have to be asked."""
        asked = (self.events, self.total, self.reported)
        return tuple(query for query in asked if query is not None)

    def judge(self, events: float, total: float | None) -> Finding:
        """Judge what was measured: finite numbers, `total` where the question has one."""
        against = None
        if self.bound is not None and self.threshold is not None:
            against = Against(self.bound, self.threshold)
        guards = Guards(minimum_samples=self.minimum_samples, minimum_events=self.minimum_events)
        match self.measure:
            case "value":
                return judge_value(events, against)
            case "count" if against is not None:
                return judge_count(events, total, against, guards)
            case "ratio" if against is not None and total is not None:
                return judge_ratio(events, total, against, guards)
            case "count" | "ratio":
                raise AssertionError(self)  # `_judgeable` refused it
            case _:
                assert_never(self.measure)

    def to_json(self) -> dict[str, Any]:
        """Give the form that `from_json` reads."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_json(cls, given: object) -> Self:
        """Read a stored question; raises BadInput with every fault."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise BadInput(
                Problem(found["msg"], field=".".join(str(part) for part in found["loc"]))
                for found in error.errors(include_url=False, include_context=False)
            ) from error


def kept(asked: Question | NotAskable) -> dict[str, Any]:
    """Give the form in which an incident keeps a question, or why it has none; see `read_kept`."""
    if isinstance(asked, NotAskable):
        return {"unknown": str(asked.reason), "message": asked.message}
    return asked.to_json()


def read_kept(told: Mapping[str, Any]) -> Question | NotAskable:
    """Read what an incident keeps; what is no question is one that has no answer."""
    if "unknown" in told:
        reason = str(told["unknown"])
        known = Unknown(reason) if reason in set(Unknown) else Unknown.BAD_QUERY
        return NotAskable(known, str(told.get("message", "")))
    try:
        return Question.from_json(dict(told))
    except BadInput as bad:
        return NotAskable(Unknown.BAD_QUERY, str(bad))


def bind(
    asked: Evidence, labels: Mapping[str, str], *, metrics: Mapping[str, Metric]
) -> Question | NotAskable:
    """Bind what a playbook asks to the labels that tell the incident apart.

    A label that is among them and empty refuses: left out, the question would be about more than
    the incident is. Nothing here raises, whatever the labels hold.
    """
    against = asked.min or asked.max
    bound: Bound | None = None if against is None else "max" if asked.min is None else "min"
    threshold = None if against is None else against.value
    window = None if asked.window is None else asked.window.seconds
    try:
        if asked.query is not None:
            return Question(
                name=QUERY,
                measure="value",
                events=asked.query.bind(labels),
                bound=bound,
                threshold=threshold,
                window_seconds=window or 0,
            )
        metric = metrics.get(asked.metric or "")
        if metric is None:
            told = f"the metric {shown(asked.metric or '')} is unknown"
            return NotAskable(Unknown.UNKNOWN_METRIC, told)
        return _of_metric(metric, labels, bound=bound, threshold=threshold, window=window)
    except Refused as refused:
        return NotAskable(Unknown.MISSING_LABEL, refused.message)


def bind_volume(
    asked: Volume, labels: Mapping[str, str], *, metrics: Mapping[str, Metric]
) -> Question | NotAskable:
    """Bind what counts an incident's messages; its threshold is for whoever asks to set.

    It wants to look back far: over all of a step, which ends the window.
    """
    try:
        if asked.query is not None:
            return Question(
                name=QUERY,
                measure="count",
                events=asked.query.bind(labels),
                bound="min",
                threshold=1.0,
                window_seconds=_VOLUME_SECONDS,
            )
        metric = metrics.get(asked.metric or "")
        if metric is None:
            told = f"the metric {shown(asked.metric or '')} is unknown"
            return NotAskable(Unknown.UNKNOWN_METRIC, told)
        found = _of_metric(metric, labels, bound="min", threshold=1.0, window=_VOLUME_SECONDS)
    except Refused as refused:
        return NotAskable(Unknown.MISSING_LABEL, refused.message)
    if found.measure != "count":
        told = f"the metric {shown(metric.name)} is a {found.measure}, and counts no messages"
        return NotAskable(Unknown.BAD_QUERY, told)
    # What is counted is messages: how many were sent beside them says nothing.
    return found.model_copy(update={"minimum_samples": 0, "minimum_events": 0, "total": None})


def _of_metric(
    metric: Metric,
    labels: Mapping[str, str],
    *,
    bound: Bound | None,
    threshold: float | None,
    window: int | None,
) -> Question:
    spec = metric.spec
    selecting = {name: labels[name] for name in spec.labels if name in labels}
    if spec.labels and not selecting:
        needed = listed(spec.labels)
        raise Refused("MissingLabel", f"the incident has none of the labels {needed}")
    matchers = matchers_of(selecting)

    def bound_query(query: Query) -> BoundQuery:
        return query.bind(labels, matchers=matchers)

    return Question(
        name=metric.name,
        measure=spec.measure,
        events=bound_query(spec.events),
        total=None if spec.total is None else bound_query(spec.total),
        reported=None if spec.reported is None else bound_query(spec.reported),
        bound=bound,
        threshold=threshold,
        minimum_samples=spec.minimum_samples or 0,
        minimum_events=spec.minimum_events or 0,
        window_seconds=spec.window.seconds if window is None else window,
    )
