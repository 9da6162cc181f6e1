"""How far back may be looked: never beyond the last resume, or old bounces would trip it again."""

import math
from datetime import datetime
from email.utils import parsedate_to_datetime

from responder.playbooks.queries import BoundQuery


def window_seconds(
    *,
    wanted_seconds: int,
    queries: tuple[BoundQuery, ...],
    now: datetime,
    since: datetime | None,
    least_seconds: float,
) -> int | None:
    """Give the window for all queries of a question, or None where it is too early to ask.

    `since` is the last resume, None where there was none; `least_seconds` what a window must have
    to hold two samples of each series. A query that looks further back than its window, by a range
    or an offset of its own, waits for as long as that more.
    """
    has_window = any(query.has_window for query in queries)
    wanted = wanted_seconds if has_window else 0
    if since is None:
        return wanted
    passed = (now - since).total_seconds()
    reach = max((query.reach_seconds for query in queries), default=0.0)
    if not has_window:
        return 0 if passed >= max(reach, least_seconds) else None
    window = min(wanted, math.floor(passed - reach))
    return window if window >= min(least_seconds, wanted) and window > 0 else None


def ahead_seconds(date: str, *, asked_at: datetime, took_seconds: float) -> float:
    """Give by how much the clock behind a `Date` is ahead of ours, below 0 for behind, at least.

    `asked_at` is ours when the question was asked, `took_seconds` how long it took to be answered.
    0 where the date lies in between, or can't be read. A `Date` has whole seconds, cut.
    """
    try:
        after = (parsedate_to_datetime(date) - asked_at).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    if after > took_seconds:
        return after - took_seconds
    return min(0.0, after + 1)
