"""The functions of PromQL: of a window of samples, of one value, and of a group of values."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from responder.sandbox.alerting.samples import Window

LAST: Final = "last_over_time"
"""Gives a sample as it is: the only one that keeps the metric's name."""
_FURTHEST_GAPS: Final = 1.1
"""A series is taken to reach to the window's edge if its end is no further from it than this many
average gaps between its samples."""


def increase(window: Window, start_ms: int, end_ms: int) -> float | None:
    """By how much a counter grew, extrapolated to the edges of the window as Prometheus does.

    Half an average gap is added where the series seems to begin or end inside of the window; and
    never more than leads back to zero. None with fewer than two samples.
    """
    factor = _reach(window, start_ms, end_ms)
    return None if factor is None else _grown(window) * factor


def rate(window: Window, start_ms: int, end_ms: int) -> float | None:
    """Give the growth per second."""
    factor = _reach(window, start_ms, end_ms)
    return None if factor is None else _grown(window) * (factor / ((end_ms - start_ms) / 1000))


def _grown(window: Window) -> float:
    grown = window.values[-1] - window.values[0]
    for value in window.resets:
        grown += value
    return grown


def _reach(window: Window, start_ms: int, end_ms: int) -> float | None:
    gaps = len(window.times) - 1
    if gaps < 1:
        return None
    to_start = (window.times[0] - start_ms) / 1000
    to_end = (end_ms - window.times[-1]) / 1000
    sampled = (window.times[-1] - window.times[0]) / 1000
    gap = sampled / gaps
    if to_start >= gap * _FURTHEST_GAPS:
        to_start = gap / 2
    grown, first = _grown(window), window.values[0]
    if grown > 0 and first >= 0:
        to_start = min(to_start, sampled * (first / grown))
    if to_end >= gap * _FURTHEST_GAPS:
        to_end = gap / 2
    return (sampled + to_start + to_end) / sampled


def _count(window: Window, start_ms: int, end_ms: int) -> float:
    del start_ms, end_ms
    return float(len(window.values))


def _last(window: Window, start_ms: int, end_ms: int) -> float:
    del start_ms, end_ms
    return window.values[-1]


RANGES: Final[Mapping[str, Callable[[Window, int, int], float | None]]] = MappingProxyType(
    {"increase": increase, "rate": rate, "count_over_time": _count, LAST: _last}
)


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _round(value: float, to: float = 1.0) -> float:
    if not math.isfinite(value) or not to:
        return value if to else math.nan
    inverse = 1.0 / to
    return math.floor(value * inverse + 0.5) / inverse


def _at_most(value: float, most: float) -> float:
    return math.nan if math.isnan(value) or math.isnan(most) else min(value, most)


def _at_least(value: float, least: float) -> float:
    return math.nan if math.isnan(value) or math.isnan(least) else max(value, least)


INSTANT: Final[Mapping[str, Callable[..., float]]] = MappingProxyType(
    {
        "sqrt": _root,
        "abs": abs,
        "round": _round,
        "clamp_max": _at_most,
        "clamp_min": _at_least,
    }
)


def aggregate(function: str, values: Sequence[float]) -> float:
    """Join the values of a group, of which there is at least one; NaN is neither most nor least."""
    match function:
        case "sum":
            return _sum(values)
        case "count":
            return float(len(values))
        case _:
            told = [value for value in values if not math.isnan(value)] or [math.nan]
            return max(told) if function == "max" else min(told)


def _sum(values: Sequence[float]) -> float:
    """Add up by Neumaier's variant of Kahan's sum, as Prometheus does: to the last digit."""
    total, lost = values[0], 0.0
    for value in values[1:]:
        grown = total + value
        if math.isinf(grown):
            lost = 0.0
        elif abs(total) >= abs(value):
            lost += (total - grown) + value
        else:
            lost += (value - grown) + total
        total = grown
    return total + lost
