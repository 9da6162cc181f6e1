"""What an expression is at one instant, as Prometheus computes it."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from responder.sandbox.alerting.promql_functions import INSTANT, LAST, RANGES, aggregate
from responder.sandbox.alerting.promql_labels import replacing
from responder.sandbox.alerting.promql_tokens import wrong
from responder.sandbox.alerting.promql_tree import (
    COMPARISONS,
    SETS,
    Aggregation,
    Call,
    Expression,
    Matching,
    Negation,
    Number,
    Operation,
    Selector,
    Text,
)
from responder.sandbox.alerting.samples import (
    LOOKBACK_MS,
    NAME,
    Labels,
    Series,
    Storage,
    labels_of,
)

Vector = dict[Labels, float]


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    if math.isnan(left) or not left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _power(left: float, right: float) -> float:
    try:
        result = left**right
    except OverflowError:
        odd = right.is_integer() and right % 2
        return -math.inf if left < 0 and odd else math.inf
    except ZeroDivisionError:
        odd = right.is_integer() and right % 2
        return math.copysign(math.inf, left) if odd else math.inf
    return result if isinstance(result, float) else math.nan


def _remainder(left: float, right: float) -> float:
    return math.fmod(left, right) if right and math.isfinite(left) else math.nan


_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = MappingProxyType(
    {
        "+": lambda left, right: left + right,
        "-": lambda left, right: left - right,
        "*": lambda left, right: left * right,
        "/": _divided,
        "%": _remainder,
        "^": _power,
    }
)
_TESTS: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {
        "==": lambda left, right: left == right,
        "!=": lambda left, right: left != right,
        "<": lambda left, right: left < right,
        "<=": lambda left, right: left <= right,
        ">": lambda left, right: left > right,
        ">=": lambda left, right: left >= right,
    }
)


def without_name(labels: Labels) -> Labels:
    """Give the labels without the metric's name: a computed value is another metric."""
    return tuple(pair for pair in labels if pair[0] != NAME)


class Evaluation:
    """Evaluates expressions over stored samples, at one instant."""

    def __init__(self, storage: Storage, *, at_ms: int, lookback_ms: int = LOOKBACK_MS) -> None:
        self._storage = storage
        self._at_ms = at_ms
        self._lookback_ms = lookback_ms

    def vector(self, expression: Expression) -> Vector:
        """Evaluate to a vector; a scalar is one value without labels. Raises BadInput."""
        found = self._of(expression)
        return found if isinstance(found, dict) else {(): found}

    def _of(self, expression: Expression) -> Vector | float:  # noqa: PLR0911 -- one a node
        match expression:
            case Number(value=value):
                return value
            case Text():
                raise AssertionError(expression)  # the parser lets it be an argument alone
            case Selector():
                return self._instant(expression)
            case Negation(of=of):
                found = self._of(of)
                if isinstance(found, dict):
                    return _named_anew({labels: -value for labels, value in found.items()})
                return -found
            case Aggregation():
                return self._aggregated(expression)
            case Call():
                return self._called(expression)
            case Operation():
                return self._operated(expression)

    def _selected(self, selector: Selector) -> list[Series]:
        found = []
        for series in self._storage.series(selector.metric):
            labels = dict(series.labels)
            if all(matcher.matches(labels.get(matcher.name, "")) for matcher in selector.matchers):
                found.append(series)
        return found

    def _instant(self, selector: Selector) -> Vector:
        time = self._at_ms - selector.offset_ms
        values = (
            (series.labels, series.at(time, lookback_ms=self._lookback_ms))
            for series in self._selected(selector)
        )
        return {labels: value for labels, value in values if value is not None}

    def _called(self, call: Call) -> Vector | float:
        if call.function == "time":
            return self._at_ms / 1000
        first = call.arguments[0]
        if call.function in RANGES:
            return self._ranged(call.function, first)
        if call.function == "label_replace":
            return self._relabelled(call)
        others = [self._of(argument) for argument in call.arguments[1:]]
        scalars = [other for other in others if not isinstance(other, dict)]
        found = self._of(first)
        if not isinstance(found, dict):
            return {(): found}  # vector(), the only one that takes a scalar
        if call.function == "absent":
            return {} if found else {_certain(first): 1.0}
        compute = INSTANT[call.function]
        return _named_anew({labels: compute(value, *scalars) for labels, value in found.items()})

    def _ranged(self, function: str, selector: Expression) -> Vector:
        if not isinstance(selector, Selector) or selector.window_ms is None:
            raise wrong(f"{function} takes a range vector")
        end = self._at_ms - selector.offset_ms
        start = end - selector.window_ms
        found: list[tuple[Labels, float]] = []
        for series in self._selected(selector):
            window = series.within(start, end_ms=end)
            value = window and RANGES[function](window, start, end)
            if value is not None:
                kept = series.labels if function == LAST else without_name(series.labels)
                found.append((kept, value))
        if len(found) != len(dict(found)):
            raise wrong(f"{function} gives two series with the same labels")
        return dict(found)

    def _relabelled(self, call: Call) -> Vector:
        texts = [argument.value for argument in call.arguments if isinstance(argument, Text)]
        replaced = replacing(*texts)
        found = self.vector(call.arguments[0])
        result = {replaced(labels): value for labels, value in found.items()}
        if len(result) != len(found):
            raise wrong("label_replace gives two series with the same labels")
        return result

    def _aggregated(self, aggregation: Aggregation) -> Vector:
        groups: dict[Labels, list[float]] = {}
        for labels, value in self.vector(aggregation.of).items():
            kept = (
                tuple(pair for pair in labels if pair[0] in aggregation.labels)
                if aggregation.mode == "by"
                else tuple(pair for pair in labels if pair[0] not in {NAME, *aggregation.labels})
            )
            groups.setdefault(kept, []).append(value)
        return {key: aggregate(aggregation.function, values) for key, values in groups.items()}

    def _operated(self, operation: Operation) -> Vector | float:
        left, right = self._of(operation.left), self._of(operation.right)
        if isinstance(left, dict) and isinstance(right, dict):
            if operation.operator in SETS:
                return _joined(operation, left, right)
            return _matched(operation, left, right)
        if isinstance(left, dict):
            value = right if not isinstance(right, dict) else math.nan
            return _with_scalar(operation, left, value, swapped=False)
        if isinstance(right, dict):
            return _with_scalar(operation, right, left, swapped=True)
        if operation.operator in COMPARISONS:
            return float(_TESTS[operation.operator](left, right))
        return _ARITHMETIC[operation.operator](left, right)


def _named_anew(vector: Vector) -> Vector:
    renamed = {without_name(labels): value for labels, value in vector.items()}
    if len(renamed) != len(vector):
        raise wrong("two series differ in nothing but their metric's name")
    return renamed


def _certain(expression: Expression) -> Labels:
    """Give the labels that an absent series would certainly have had."""
    if not isinstance(expression, Selector):
        return ()
    equal: dict[str, str] = {}
    spoiled: set[str] = {NAME}
    for matcher in expression.matchers:
        if matcher.operator == "=" and matcher.name not in equal:
            equal[matcher.name] = matcher.value
        else:
            spoiled.add(matcher.name)
    return labels_of((name, value) for name, value in equal.items() if name not in spoiled)


def _signature(labels: Labels, matching: Matching) -> Labels:
    if matching.on:
        return tuple(pair for pair in labels if pair[0] in matching.labels)
    return tuple(pair for pair in labels if pair[0] not in {NAME, *matching.labels})


def _joined(operation: Operation, left: Vector, right: Vector) -> Vector:
    theirs = {_signature(labels, operation.matching) for labels in right}
    if operation.operator == "or":
        ours = {_signature(labels, operation.matching) for labels in left}
        others = {
            labels: value
            for labels, value in right.items()
            if _signature(labels, operation.matching) not in ours
        }
        return left | others
    wanted = operation.operator == "and"
    return {
        labels: value
        for labels, value in left.items()
        if (_signature(labels, operation.matching) in theirs) == wanted
    }


def _matched(operation: Operation, left: Vector, right: Vector) -> Vector:
    """Join one to one; a filter keeps the left value, and the name where nothing drops it."""
    if not left or not right:
        return {}
    partners: dict[Labels, float] = {}
    for labels, value in right.items():
        signature = _signature(labels, operation.matching)
        if signature in partners:
            raise wrong(f"{operation.operator!r}: two series on the right match one another")
        partners[signature] = value
    result: Vector = {}
    seen: set[Labels] = set()
    for labels, value in left.items():
        signature = _signature(labels, operation.matching)
        if signature not in partners:
            continue
        if signature in seen:
            raise wrong(f"{operation.operator!r}: two series on the left match one on the right")
        seen.add(signature)
        joined = _computed(operation, value, partners[signature])
        if joined is not None:
            result[_kept(labels, operation)] = joined
    return result


def _kept(labels: Labels, operation: Operation) -> Labels:
    filters = operation.operator in COMPARISONS and not operation.returns_bool
    named = labels if filters else without_name(labels)
    if operation.matching.on:
        return tuple(pair for pair in named if pair[0] in operation.matching.labels)
    return tuple(pair for pair in named if pair[0] not in operation.matching.labels)


def _computed(operation: Operation, left: float, right: float) -> float | None:
    if operation.operator not in COMPARISONS:
        return _ARITHMETIC[operation.operator](left, right)
    holds = _TESTS[operation.operator](left, right)
    if operation.returns_bool:
        return float(holds)
    return left if holds else None


def _with_scalar(operation: Operation, vector: Vector, scalar: float, *, swapped: bool) -> Vector:
    filters = operation.operator in COMPARISONS and not operation.returns_bool
    result: Vector = {}
    for labels, value in vector.items():
        left, right = (scalar, value) if swapped else (value, scalar)
        computed = _computed(operation, left, right)
        if computed is not None:
            # A filter gives the vector's own value, on whichever side the vector stands.
            result[labels] = value if filters else computed
    return result if filters else _named_anew(result)
