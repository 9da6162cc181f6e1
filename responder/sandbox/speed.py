"""Time run faster: every duration that somebody wrote is shortened by one factor.

The responder itself runs unchanged and in real time. What a playbook calls thirty minutes is
thirty seconds of it at sixty times the speed; what senders do in a minute, they do in a second.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel

from responder.evidence.metric import Metric
from responder.playbooks.quantities import Duration
from responder.playbooks.queries import Query
from responder.playbooks.schema import Playbook
from responder.playbooks.written import Written
from responder.sandbox.alerting.promql_tokens import scaled_expression

LEAST = 1.0
MOST = 3_600.0
_HOLE: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STAND_IN: Final = "_stands_for_what_is_inserted_"
"""A word, as good as any in PromQL, inside of quotes and out of them."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How many seconds of the story pass in one."""

    factor: float

    def real_seconds(self, told_seconds: float) -> float:
        """Give how long a time of the story takes."""
        return told_seconds / self.factor

    def told_seconds(self, real_seconds: float) -> float:
        """Give how long something took, in the time of the story."""
        return real_seconds * self.factor

    def shortened(self, duration: Duration) -> Duration:
        """Shorten a duration to whole seconds, never to none: that would be another meaning."""
        real = math.ceil(self.real_seconds(duration.seconds))
        return Duration.parse(f"{real}s")


def write_playbook(playbook: Playbook, folder: Path, *, speed: Speed) -> None:
    """Write a playbook as it reads at that speed, with the cool-down that it has by default."""
    written = _written(playbook, speed)
    if playbook.spec.resume is None:
        after = Duration.parse(f"{playbook.resume_policy.after_seconds}s")
        written["spec"]["resume"] = {"start": {"after": speed.shortened(after).text}}
    text = yaml.safe_dump(written, sort_keys=False, allow_unicode=True)
    (folder / f"{playbook.name}.yaml").write_text(text, encoding="utf-8")


def write_metric(metric: Metric, folder: Path, *, speed: Speed) -> None:
    """Write a metric as it reads at that speed; what must be there before it counts stays."""
    text = yaml.safe_dump(_written(metric, speed), sort_keys=False, allow_unicode=True)
    (folder / f"{metric.name}.yaml").write_text(text, encoding="utf-8")


def _shortened(query: Query, speed: Speed) -> str:
    """Shorten what a query looks back over by itself; `{{ }}` stand in it as they were."""
    holes = _HOLE.findall(query.text)
    text = _HOLE.sub(_STAND_IN, query.text)
    parts = scaled_expression(text, factor=speed.factor).split(_STAND_IN)
    return "".join(part + hole for part, hole in zip(parts, [*holes, ""], strict=True))


def _written(value: object, speed: Speed) -> Any:  # noqa: ANN401, PLR0911 -- the plain data of a file; one a kind
    match value:
        case Duration():
            return speed.shortened(value).text
        case Query():
            return _shortened(value, speed)
        case Written():
            return value.written
        case BaseModel():
            # A duration that is there by default has to be shortened as well.
            return {
                field.alias or name: _written(getattr(value, name), speed)
                for name, field in type(value).model_fields.items()
                if name in value.model_fields_set or isinstance(getattr(value, name), Duration)
            }
        case Mapping():
            return {key: _written(item, speed) for key, item in value.items()}
        case tuple() | list():
            return [_written(item, speed) for item in value]
        case _:
            return value
