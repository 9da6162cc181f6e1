"""Rule files of Prometheus: read strictly, shortened in time, and written for a real one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from responder.errors import BadInput, Problem
from responder.sandbox.alerting.promql_syntax import parse
from responder.sandbox.alerting.promql_tokens import (
    duration_ms,
    duration_text,
    scaled_expression,
    scaled_ms,
)
from responder.sandbox.alerting.templates import render

DEFAULT_INTERVAL_MS: Final = 60_000
"""How often Prometheus evaluates where nothing says otherwise."""


def _a_duration(written: object) -> object:
    if isinstance(written, int) and not isinstance(written, bool):
        written = str(written)
    if not isinstance(written, str):
        raise ValueError("must be a duration such as 5m")  # noqa: TRY004 -- pydantic's way
    try:
        return duration_ms(written)
    except BadInput as error:
        raise ValueError(str(error)) from error


def _an_expression(written: object) -> object:
    text = str(written)
    try:
        parse(text)
    except BadInput as error:
        raise ValueError(str(error)) from error
    return text


def _templates(written: object) -> object:
    if isinstance(written, dict):
        for template in written.values():
            try:
                render(str(template), labels={}, value=0.0)
            except BadInput as error:
                raise ValueError(str(error)) from error
    return written


DurationMs = Annotated[int, BeforeValidator(_a_duration)]
Templates = Annotated[dict[str, str], BeforeValidator(_templates)]


class _Written(BaseModel):
    """Something that a rule file says."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Rule(_Written):
    """One rule: it records a series, or it raises alerts."""

    record: str = ""
    alert: str = ""
    expr: Annotated[str, BeforeValidator(_an_expression)]
    for_ms: DurationMs = Field(default="0", alias="for", validate_default=True)
    keep_firing_for_ms: DurationMs = Field(
        default="0", alias="keep_firing_for", validate_default=True
    )
    labels: Templates = Field(default_factory=dict)
    annotations: Templates = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_one_of_them(self) -> "Rule":
        if bool(self.record) == bool(self.alert):
            raise ValueError("must have either 'record' or 'alert'")
        if self.record and (self.for_ms or self.keep_firing_for_ms or self.annotations):
            raise ValueError("that records has no 'for', 'keep_firing_for' or 'annotations'")
        return self


class Group(_Written):
    """Rules that are evaluated one after the other."""

    name: str
    interval_ms: DurationMs | None = Field(default=None, alias="interval")
    rules: tuple[Rule, ...]


class RuleFile(_Written):
    """What one file holds."""

    groups: tuple[Group, ...]


def load_rules(folder: Path) -> RuleFile:
    """Read every rule file of a folder, in the order of their names; raises BadInput."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise BadInput([Problem("holds no rule file (*.yaml)", file=str(folder))])
    read = [read_rules(path.read_text(encoding="utf-8"), file=str(path)) for path in files]
    return RuleFile(groups=tuple(group for rules in read for group in rules.groups))


def read_rules(text: str, *, file: str) -> RuleFile:
    """Read a rule file from its text; raises BadInput with every mistake and its line."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = None if mark is None else mark.line + 1
        raise BadInput([Problem(f"is no YAML: {error.problem}", file=file, line=line)]) from error
    try:
        return RuleFile.model_validate(data)
    except ValidationError as error:
        raise BadInput(
            Problem(
                mistake["msg"].removeprefix("Value error, "),
                field=".".join(str(part) for part in mistake["loc"]),
                file=file,
                line=_line(root, mistake["loc"]),
            )
            for mistake in error.errors(include_url=False, include_context=False)
        ) from error


def _line(node: yaml.Node | None, path: Sequence[int | str]) -> int:
    """Find the line of a field, or of what it is missing from."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == part]
            if not found:
                return line
            line = found[0][0].start_mark.line + 1
            node = found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def scaled(rules: RuleFile, *, speed: float) -> RuleFile:
    """Shorten every duration by the factor: windows, offsets, `for`, intervals.

    Numbers stay, those that mean seconds too (`mail_queue_oldest_age_seconds > 1800`): what is
    measured decides in which time it is measured.
    """
    return RuleFile(groups=tuple(_scaled_group(group, speed) for group in rules.groups))


def _scaled_group(group: Group, speed: float) -> Group:
    interval = DEFAULT_INTERVAL_MS if group.interval_ms is None else group.interval_ms
    shortened = {"interval_ms": scaled_ms(interval, factor=speed)}
    return group.model_copy(
        update=shortened | {"rules": tuple(_scaled_rule(rule, speed) for rule in group.rules)}
    )


def _scaled_rule(rule: Rule, speed: float) -> Rule:
    return rule.model_copy(
        update={
            "expr": scaled_expression(rule.expr, factor=speed),
            "for_ms": scaled_ms(rule.for_ms, factor=speed),
            "keep_firing_for_ms": scaled_ms(rule.keep_firing_for_ms, factor=speed),
        }
    )


def written(rules: RuleFile) -> str:
    """Write rules as YAML that Prometheus reads, with durations in milliseconds."""
    groups = [
        {
            "name": group.name,
            **({"interval": duration_text(group.interval_ms)} if group.interval_ms else {}),
            "rules": [_written_rule(rule) for rule in group.rules],
        }
        for group in rules.groups
    ]
    return yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True)


def _written_rule(rule: Rule) -> dict[str, object]:
    told = {
        "record": rule.record,
        "alert": rule.alert,
        "expr": rule.expr,
        "for": duration_text(rule.for_ms) if rule.for_ms else "",
        "keep_firing_for": (
            duration_text(rule.keep_firing_for_ms) if rule.keep_firing_for_ms else ""
        ),
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
    }
    return {key: value for key, value in told.items() if value}
