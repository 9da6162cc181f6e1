"""Measured numbers against a threshold: what they prove, and what they leave open.

A rate is judged from both sides with the same care. That it is *above* a threshold is proved by the
lower bound of its Wilson score interval, with enough events and enough sends; that it is not, by
the rate itself, with enough sends. In between the sample decides nothing.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from responder.evidence.verdict import Finding, Truth, Unknown

Z: Final = 1.645
"""The quantile of the normal distribution for 95 %, one-sided."""

Bound = Literal["min", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """How much must have been sent, and how much must have gone wrong, before a rate is one."""

    minimum_samples: float = 0
    minimum_events: float = 0


@dataclass(frozen=True, slots=True)
class Against:
    """`min`: true from the threshold on. `max`: true up to it."""

    bound: Bound
    threshold: float


def wilson_lower_bound(events: float, samples: float, *, z: float = Z) -> float:
    """Give the least rate that so many events of so many samples prove, 0..1.

    The lower bound of the score interval (E. B. Wilson, 1927, JASA 22:209-212). More events than
    samples count as one each: bounces arrive after the window in which the mail was sent.
    """
    if samples <= 0:
        return 0.0
    rate = min(events / samples, 1.0)
    center = rate + z * z / (2 * samples)
    margin = z * math.sqrt((rate * (1 - rate) + z * z / (4 * samples)) / samples)
    return max(0.0, (center - margin) / (1 + z * z / samples))


def judge_ratio(events: float, samples: float, against: Against, guards: Guards) -> Finding:
    """Judge a rate of events among samples; both are at least 0, and finite."""
    rate = min(events / samples, 1.0) if samples > 0 else 0.0
    least = wilson_lower_bound(events, samples)
    told = (
        f"{_number(events)} of {_number(samples)}, {_percent(rate)}, at least {_percent(least)}; "
        f"{_bound(against, percent=True)}"
    )

    def found(truth: Truth, reason: Unknown | None = None, why: str = "") -> Finding:
        return Finding(
            truth=truth,
            reason=reason,
            message=f"{told}{why}",
            value=rate,
            least=least,
            events=events,
            samples=samples,
        )

    if samples < max(guards.minimum_samples, 1):
        fewest = f"; fewer than {_number(max(guards.minimum_samples, 1))} sends"
        return found(Truth.UNKNOWN, Unknown.TOO_FEW_SENDS, fewest)
    match against.bound:
        case "max":
            low, high, is_low = Truth.YES, Truth.NO, rate <= against.threshold
            is_high = least > against.threshold
        case "min":
            low, high, is_low = Truth.NO, Truth.YES, rate < against.threshold
            is_high = least >= against.threshold
        case _:
            assert_never(against.bound)
    if is_low:
        return found(low)
    if events < guards.minimum_events:
        fewest = f"; fewer than {_number(guards.minimum_events)} events"
        return found(Truth.UNKNOWN, Unknown.TOO_FEW_EVENTS, fewest)
    if is_high:
        return found(high)
    return found(Truth.UNKNOWN, Unknown.UNDECIDED, "; may be chance")


def judge_count(events: float, samples: float | None, against: Against, guards: Guards) -> Finding:
    """Judge a number of events; `samples` says how much was sent, where that is to count.

    Many events are many, however little was sent. Few events prove nothing where nothing was sent.
    """
    told = f"{_number(events)}; {_bound(against)}"
    is_many = events >= against.threshold if against.bound == "min" else events > against.threshold
    when_many = Truth.YES if against.bound == "min" else Truth.NO
    reason = None
    if not is_many and samples is not None and samples < max(guards.minimum_samples, 1):
        reason = Unknown.TOO_FEW_SENDS
        told += f"; {_number(samples)} sends, fewer than {_number(max(guards.minimum_samples, 1))}"
    truth = when_many if is_many else (Truth.NO if when_many is Truth.YES else Truth.YES)
    return Finding(
        truth=truth if reason is None else Truth.UNKNOWN,
        reason=reason,
        message=told,
        value=events,
        events=events,
        samples=samples,
    )


def judge_value(value: float, against: Against | None) -> Finding:
    """Judge what a query of somebody's own gave; without a threshold 0 is no, all else yes."""
    if against is None:
        is_true, told = value != 0, _number(value)
    else:
        is_min = against.bound == "min"
        is_true = value >= against.threshold if is_min else value <= against.threshold
        told = f"{_number(value)}; {_bound(against)}"
    return Finding(truth=Truth.YES if is_true else Truth.NO, message=told, value=value)


def _bound(against: Against, *, percent: bool = False) -> str:
    threshold = _percent(against.threshold) if percent else _number(against.threshold)
    return f"{against.bound} {threshold}"


def _number(value: float) -> str:
    return f"{value:.6g}"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.3g} %"
