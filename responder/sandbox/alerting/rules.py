"""Rules, evaluated again and again: series are recorded, alerts become pending, firing, resolved.

Nothing here waits or looks at a clock: each evaluation is told its time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Final

from responder.sandbox.alerting.promql import Evaluation, Vector, without_name
from responder.sandbox.alerting.promql_syntax import parse
from responder.sandbox.alerting.promql_tokens import wrong
from responder.sandbox.alerting.promql_tree import Expression
from responder.sandbox.alerting.rule_files import DEFAULT_INTERVAL_MS, Group, Rule, RuleFile
from responder.sandbox.alerting.samples import LOOKBACK_MS, NAME, Labels, Storage, labels_of
from responder.sandbox.alerting.templates import render

RESOLVED_KEPT_MS: Final = 15 * 60_000
"""How long an alert that is over is still reported, so that its end is not missed."""


class AlertState(Enum):
    """Where an alert is on its way."""

    PENDING = "pending"
    FIRING = "firing"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class RuleAlert:
    """One alert of a rule: a set of labels for which its expression gave, or gives, a value."""

    labels: Labels
    annotations: MappingProxyType[str, str]
    value: float
    state: AlertState
    active_at_ms: int
    fired_at_ms: int | None = None
    resolved_at_ms: int | None = None
    keep_firing_since_ms: int | None = None


@dataclass(slots=True)
class _RuleState:
    """A rule and what it remembers from one evaluation to the next."""

    rule: Rule
    expression: Expression
    active: dict[Labels, RuleAlert] = field(default_factory=dict)
    written: set[Labels] = field(default_factory=set)

    def alerts_at(self, now_ms: int, vector: Vector) -> None:
        """Advance the alerts by what the expression gives now."""
        found = self._found(now_ms, vector)
        for labels, alert in found.items():
            before = self.active.get(labels)
            if before is not None and before.state is not AlertState.INACTIVE:
                alert = replace(before, value=alert.value, annotations=alert.annotations)  # noqa: PLW2901
            self.active[labels] = replace(alert, keep_firing_since_ms=None)
        for labels, alert in list(self.active.items()):
            after = self._matured(alert, now_ms) if labels in found else self._ended(alert, now_ms)
            if after is None:
                del self.active[labels]
            else:
                self.active[labels] = after

    def _found(self, now_ms: int, vector: Vector) -> dict[Labels, RuleAlert]:
        found: dict[Labels, RuleAlert] = {}
        for sample, value in vector.items():
            given = dict(sample)
            own = {
                name: render(template, labels=given, value=value)
                for name, template in self.rule.labels.items()
            }
            labels = labels_of({**dict(without_name(sample)), **own, "alertname": self.rule.alert})
            if labels in found:
                raise wrong(f"{self.rule.alert}: two alerts with the same labels")
            texts = {
                name: render(template, labels=given, value=value)
                for name, template in self.rule.annotations.items()
            }
            found[labels] = RuleAlert(
                labels, MappingProxyType(texts), value, AlertState.PENDING, now_ms
            )
        return found

    def _matured(self, alert: RuleAlert, now_ms: int) -> RuleAlert:
        ripe = now_ms - alert.active_at_ms >= self.rule.for_ms
        if alert.state is AlertState.PENDING and ripe:
            return replace(alert, state=AlertState.FIRING, fired_at_ms=now_ms)
        return alert

    def _ended(self, alert: RuleAlert, now_ms: int) -> RuleAlert | None:
        if alert.state is AlertState.PENDING:
            return None
        if alert.state is AlertState.FIRING:
            since = alert.keep_firing_since_ms
            since = now_ms if since is None else since
            if now_ms - since < self.rule.keep_firing_for_ms:
                return replace(alert, keep_firing_since_ms=since)
            return replace(alert, state=AlertState.INACTIVE, resolved_at_ms=now_ms)
        over = alert.resolved_at_ms is None or now_ms - alert.resolved_at_ms > RESOLVED_KEPT_MS
        return None if over else alert

    def series(self, now_ms: int, vector: Vector) -> Iterator[tuple[Labels, float]]:
        """Give what the rule writes: its record, or ALERTS and ALERTS_FOR_STATE."""
        if self.rule.record:
            for sample, value in vector.items():
                own = {
                    name: render(template, labels=dict(sample), value=value)
                    for name, template in self.rule.labels.items()
                }
                yield labels_of({**dict(sample), **own, NAME: self.rule.record}), value
            return
        self.alerts_at(now_ms, vector)
        for alert in self.active.values():
            if alert.state is not AlertState.INACTIVE:
                named = dict(alert.labels)
                state = alert.state.value
                yield labels_of({**named, NAME: "ALERTS", "alertstate": state}), 1.0
                yield labels_of({**named, NAME: "ALERTS_FOR_STATE"}), alert.active_at_ms / 1000


class RuleGroup:
    """Rules of one group, in their order: each sees what those before it recorded."""

    def __init__(self, group: Group) -> None:
        self.name = group.name
        self.interval_ms = group.interval_ms or DEFAULT_INTERVAL_MS
        self._states = [_RuleState(rule, parse(rule.expr)) for rule in group.rules]

    def evaluate(self, storage: Storage, *, now_ms: int, lookback_ms: int = LOOKBACK_MS) -> None:
        """Evaluate every rule at this time and store what they write; raises BadInput."""
        for state in self._states:
            evaluation = Evaluation(storage, at_ms=now_ms, lookback_ms=lookback_ms)
            written: set[Labels] = set()
            vector = evaluation.vector(state.expression)
            for labels, value in state.series(now_ms, vector):
                if labels in written:
                    raise wrong(f"{state.rule.record or state.rule.alert}: writes a series twice")
                written.add(labels)
                storage.append(labels, value, at_ms=now_ms)
            for labels in state.written - written:
                storage.end(labels, at_ms=now_ms)
            state.written = written

    def alerts(self) -> Iterator[RuleAlert]:
        """Give the alerts that are firing, or were until not long ago, and those pending."""
        for state in self._states:
            yield from state.active.values()


class RuleSet:
    """All groups, each evaluated when it is due."""

    def __init__(self, rules: RuleFile, *, lookback_ms: int = LOOKBACK_MS) -> None:
        self.groups: Sequence[RuleGroup] = [RuleGroup(group) for group in rules.groups]
        self._lookback_ms = lookback_ms
        self._due_ms = dict.fromkeys(range(len(self.groups)), 0)

    @property
    def interval_ms(self) -> int:
        """The shortest interval of a group: how often there is something to do."""
        return min((group.interval_ms for group in self.groups), default=DEFAULT_INTERVAL_MS)

    def evaluate(self, storage: Storage, *, now_ms: int) -> None:
        """Evaluate the groups that are due."""
        for index, group in enumerate(self.groups):
            if now_ms >= self._due_ms[index]:
                group.evaluate(storage, now_ms=now_ms, lookback_ms=self._lookback_ms)
                self._due_ms[index] = now_ms + group.interval_ms

    def alerts(self) -> Iterator[RuleAlert]:
        for group in self.groups:
            yield from group.alerts()
