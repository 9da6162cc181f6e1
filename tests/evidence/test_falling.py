"""Attempts that fell to what was asked: only as sure as counts can be."""

import pytest

from responder.evidence.falling import fell_to_rate, fell_to_share
from responder.evidence.verdict import Truth

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN


@pytest.mark.parametrize(
    ("share", "before", "after", "truth"),
    [
        pytest.param(0.0, None, 0, YES, id="paused: nothing"),
        pytest.param(0.0, 10_000, 0, YES, id="paused: nothing more"),
        pytest.param(0.0, None, 0.5, NO, id="paused: anything"),
        pytest.param(0.5, 1000, 500, YES, id="half: half"),
        pytest.param(0.5, 1000, 625, YES, id="half: nearly"),
        pytest.param(0.5, 1000, 626, UNKNOWN, id="half: not quite"),
        pytest.param(0.5, 1000, 790, UNKNOWN, id="half: beyond, by chance perhaps"),
        pytest.param(0.5, 1000, 820, NO, id="half: beyond"),
        pytest.param(0.5, 1000, 1000, NO, id="half: as before"),
        pytest.param(0.1, 1000, 125, YES, id="a tenth: nearly"),
        pytest.param(0.1, 1000, 400, NO, id="a tenth: less than half of the fall, far from it"),
        pytest.param(0.9, 10_000, 10_000, NO, id="nine tenths: as before is not kept to"),
        pytest.param(0.9, 1000, 1000, UNKNOWN, id="nine tenths: of few nobody can tell"),
        pytest.param(0.9, 10_000, 9_250, YES, id="nine tenths: a quarter of the fall is missing"),
        pytest.param(0.5, 99, 99, UNKNOWN, id="too few before"),
        pytest.param(0.5, None, 1000, UNKNOWN, id="nobody knows what was before"),
        pytest.param(0.5, None, 0, YES, id="nothing is no more than any share"),
    ],
)
def test_a_share(share: float, before: float | None, after: float, truth: Truth) -> None:
    two = None if before is None else (before, before)
    assert fell_to_share(share, before=two, after=after) is truth


@pytest.mark.parametrize(
    ("before", "after", "truth"),
    [
        pytest.param((0, 1000), 500, UNKNOWN, id="it had just begun: nothing is proved"),
        pytest.param((0, 250), 500, UNKNOWN, id="it had just begun: nothing is denied"),
        pytest.param((500, 1000), 500, UNKNOWN, id="it sped up: half of the faster time"),
        pytest.param((500, 1000), 312, YES, id="it sped up: half of the slower time"),
        pytest.param((1000, 500), 820, NO, id="beyond both"),
    ],
)
def test_before_the_hold_the_rate_may_not_have_been_steady(
    before: tuple[float, float], after: float, truth: Truth
) -> None:
    assert fell_to_share(0.5, before=before, after=after) is truth


@pytest.mark.parametrize(
    ("after", "truth"),
    [(0, YES), (200, YES), (250, YES), (251, UNKNOWN), (420, UNKNOWN), (450, NO)],
)
def test_a_rate(after: float, truth: Truth) -> None:
    """100 a minute, over two minutes."""
    assert fell_to_rate(100, after=after, window_seconds=120) is truth


def test_a_rate_of_nothing_is_a_pause() -> None:
    assert fell_to_rate(0, after=0, window_seconds=60) is YES
    assert fell_to_rate(0, after=50, window_seconds=60) is NO
