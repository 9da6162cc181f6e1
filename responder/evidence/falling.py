"""Whether attempts fell to what was asked: only as sure as counts can be."""

import math
from typing import Final

from responder.evidence.verdict import Truth

_ENOUGH: Final = 100
"""Messages in each time before the hold: of fewer, chance alone moves too many."""
_OVER: Final = 1.25
"""A rate is kept to where it is exceeded by no more, or by no more than a quarter of the fall."""
_SIGMAS: Final = 2.0


def fell_to_share(share: float, *, before: tuple[float, float] | None, after: float) -> Truth:
    """Compare the attempts of three equally long times: two before the hold, and one after it.

    A campaign that has just begun, or speeds up, has no normal rate yet: it must have kept to the
    share of the slower one, and is denied only by that of the faster one.

    Kept to: near the share that was asked for. Not kept to: beyond twice that share, or beyond
    half of the fall, and beyond chance. In between, and from few messages, it is unknown.
    """
    if share <= 0.0:
        return Truth.YES if after <= 0.0 else Truth.NO
    if before is None or min(before) < _ENOUGH:
        return Truth.YES if after <= 0.0 else Truth.UNKNOWN
    if after <= min(before) * min(share * _OVER, share + (1 - share) / 4):
        return Truth.YES
    return _beyond(after, max(before) * min(2 * share, share + (1 - share) / 2))


def fell_to_rate(per_minute: int, *, after: float, window_seconds: float) -> Truth:
    """Compare the attempts of a time with a rate."""
    allowed = per_minute * window_seconds / 60
    if after <= allowed * _OVER:
        return Truth.YES
    return _beyond(after, 2 * allowed)


def _beyond(after: float, most: float) -> Truth:
    return Truth.NO if after - _SIGMAS * math.sqrt(after) > most else Truth.UNKNOWN
