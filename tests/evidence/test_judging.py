"""Rates are judged as the domain asks: the bound and enough events and enough sends, or unknown."""

import math
from statistics import NormalDist

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from responder.evidence.judging import (
    Against,
    Bound,
    Guards,
    Z,
    judge_count,
    judge_ratio,
    judge_value,
    wilson_lower_bound,
)
from responder.evidence.verdict import Truth, Unknown

BOUNCES = Guards(minimum_samples=200, minimum_events=20)
COMPLAINTS = Guards(minimum_samples=200, minimum_events=5)

SAMPLES = st.integers(1, 10**7)
SHARES = st.floats(0, 1)


def truth(bound: Bound, threshold: float, events: float, samples: float) -> Truth:
    return judge_ratio(events, samples, Against(bound, threshold), BOUNCES).truth


def solved_lower_bound(rate: float, samples: int) -> float:
    """The definition: the least true rate p from which the measured one is not z deviations up."""
    low, high = 0.0, rate
    for _ in range(200):
        middle = (low + high) / 2
        if rate - middle > Z * math.sqrt(middle * (1 - middle) / samples):
            low = middle
        else:
            high = middle
    return high


@given(samples=SAMPLES, share=SHARES)
def test_the_bound_is_the_root_of_the_equation_that_defines_it(samples: int, share: float) -> None:
    events = round(samples * share)
    bound = wilson_lower_bound(events, samples)
    assert bound == pytest.approx(solved_lower_bound(events / samples, samples), abs=1e-9)


@given(samples=SAMPLES, share=SHARES)
def test_the_bound_is_that_of_the_domains_promql(samples: int, share: float) -> None:
    k, n = round(samples * share), samples
    shipped = (
        (k / n) + 2.706 / (2 * n) - 1.645 * math.sqrt(((k / n) * (1 - k / n) + 2.706 / (4 * n)) / n)
    ) / (1 + 2.706 / n)
    assert wilson_lower_bound(k, n) == pytest.approx(shipped, abs=2e-5)


def test_the_quantile_is_that_of_95_percent_one_sided() -> None:
    assert pytest.approx(NormalDist().inv_cdf(0.95), abs=2e-4) == Z


@pytest.mark.parametrize(
    ("events", "samples", "bound"),
    [
        (1, 50, 0.0045),
        (1, 13, 0.0175),
        (0, 1000, 0.0),
        (13, 13, 0.8277),
        (30, 13, 0.8277),
        (5, 0, 0.0),
    ],
)
def test_known_bounds(events: float, samples: float, bound: float) -> None:
    assert wilson_lower_bound(events, samples) == pytest.approx(bound, abs=5e-4)


@pytest.mark.parametrize(
    ("events", "samples", "below", "above", "reason"),
    [
        (0, 1000, Truth.YES, Truth.NO, None),
        (50, 1000, Truth.YES, Truth.UNKNOWN, Unknown.UNDECIDED),  # exactly 5 %
        (55, 1000, Truth.UNKNOWN, Truth.UNKNOWN, Unknown.UNDECIDED),
        (80, 1000, Truth.NO, Truth.YES, None),
        (60, 200, Truth.NO, Truth.YES, None),
        (199, 199, Truth.UNKNOWN, Truth.UNKNOWN, Unknown.TOO_FEW_SENDS),
        (1, 13, Truth.UNKNOWN, Truth.UNKNOWN, Unknown.TOO_FEW_SENDS),
        (0, 0, Truth.UNKNOWN, Truth.UNKNOWN, Unknown.TOO_FEW_SENDS),
        (19, 200, Truth.UNKNOWN, Truth.UNKNOWN, Unknown.TOO_FEW_EVENTS),
        (300, 200, Truth.NO, Truth.YES, None),  # bounces of mail from before the window
    ],
)
def test_five_percent_of_hard_bounces(
    events: float, samples: float, below: Truth, above: Truth, reason: Unknown | None
) -> None:
    found = judge_ratio(events, samples, Against("max", 0.05), BOUNCES)
    other = judge_ratio(events, samples, Against("min", 0.05), BOUNCES)
    assert (found.truth, other.truth) == (below, above)
    assert reason in {found.reason, other.reason}
    assert (found.events, found.samples) == (events, samples)


def test_one_complaint_in_fifty_proves_nothing_whatever_its_bound() -> None:
    found = judge_ratio(1, 50, Against("min", 0.003), COMPLAINTS)
    assert found.reason is Unknown.TOO_FEW_SENDS
    assert found.least is not None
    assert found.least > 0.003


RATES = {"threshold": st.floats(0, 1), "events": st.integers(0, 10**6), "samples": SAMPLES}


@given(**RATES)
def test_below_and_above_are_never_both_true_nor_both_false(
    threshold: float, events: int, samples: int
) -> None:
    below = truth("max", threshold, events, samples)
    above = truth("min", threshold, events, samples)
    rate = min(events / samples, 1)
    at_threshold = rate == threshold or wilson_lower_bound(events, samples) == threshold
    assert (below, above) != (Truth.NO, Truth.NO)
    assert at_threshold or (below, above) != (Truth.YES, Truth.YES)


@given(**RATES, more=st.integers(0, 10**6))
def test_more_events_never_make_a_check_pass_nor_calm_an_escalation(
    threshold: float, events: int, samples: int, more: int
) -> None:
    """From yes over unknown to no, and never back."""
    order = [Truth.YES, Truth.UNKNOWN, Truth.NO]
    before = truth("max", threshold, events, samples)
    after = truth("max", threshold, events + more, samples)
    assert order.index(after) >= order.index(before)
    order.reverse()
    before = truth("min", threshold, events, samples)
    after = truth("min", threshold, events + more, samples)
    assert order.index(after) >= order.index(before)


@given(**RATES)
def test_what_exceeds_has_its_guards_and_a_bound_that_proves_it(
    threshold: float, events: int, samples: int
) -> None:
    assume(truth("max", threshold, events, samples) is Truth.NO)
    assert events >= 20
    assert samples >= 200
    assert wilson_lower_bound(events, samples) > threshold


@pytest.mark.parametrize(
    ("bound", "events", "samples", "expected"),
    [
        ("max", 2, 1000, Truth.YES),
        ("max", 5, 1000, Truth.YES),
        ("max", 6, 1000, Truth.NO),
        ("max", 6, 0, Truth.NO),  # many are many
        ("max", 0, 99, Truth.UNKNOWN),  # none of nothing proves nothing
        ("max", 0, None, Truth.YES),
        ("min", 5, 0, Truth.YES),
        ("min", 4, 1000, Truth.NO),
        ("min", 4, 99, Truth.UNKNOWN),
        ("min", 4, None, Truth.NO),
    ],
)
def test_counts(bound: Bound, events: float, samples: float | None, expected: Truth) -> None:
    found = judge_count(events, samples, Against(bound, 5), Guards(minimum_samples=100))
    assert found.truth is expected
    assert (found.reason is Unknown.TOO_FEW_SENDS) == (expected is Truth.UNKNOWN)


@pytest.mark.parametrize(
    ("value", "against", "expected"),
    [
        (0, None, Truth.NO),
        (1, None, Truth.YES),
        (-0.0, None, Truth.NO),
        (-3, None, Truth.YES),
        (5, Against("min", 5), Truth.YES),
        (4, Against("min", 5), Truth.NO),
        (5, Against("max", 5), Truth.YES),
        (6, Against("max", 5), Truth.NO),
    ],
)
def test_values(value: float, against: Against | None, expected: Truth) -> None:
    assert judge_value(value, against).truth is expected


def test_the_message_says_what_was_measured_and_what_is_missing() -> None:
    against = Against("max", 0.05)
    found = judge_ratio(12, 340, against, BOUNCES)
    assert found.message == "12 of 340, 3.53 %, at least 2.22 %; max 5 %"
    few = judge_ratio(3, 40, against, BOUNCES)
    assert few.message == "3 of 40, 7.5 %, at least 3.04 %; max 5 %; fewer than 200 sends"
    blocks = judge_count(0, 3, Against("max", 5), Guards(minimum_samples=20))
    assert blocks.message == "0; max 5; 3 sends, fewer than 20"
