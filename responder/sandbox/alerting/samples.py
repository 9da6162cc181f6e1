"""Time series in memory: what was measured when, for as long as a rule may look back.

Times are whole milliseconds, as in Prometheus. A stale marker says that a series ended: an instant
query no longer sees it, a range skips the marker.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

NAME: Final = "__name__"
LOOKBACK_MS: Final = 5 * 60 * 1000
"""How old a sample may be for an instant query, as by default in Prometheus."""

Labels = tuple[tuple[str, str], ...]
"""Sorted by name, without empty values: in Prometheus an empty label is a missing one."""


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """Give labels in their one order."""
    return tuple(sorted((name, value) for name, value in dict(pairs).items() if value))


class Window(NamedTuple):
    """The samples of one series in a range; at least one."""

    times: list[int]
    values: list[float]
    resets: list[float]
    """The values from which the counter fell within the window."""


@dataclass(slots=True)
class Series:
    """The samples of one set of labels, oldest first."""

    labels: Labels
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    reset_times: list[int] = field(default_factory=list)
    reset_values: list[float] = field(default_factory=list)

    def append(self, value: float, *, at_ms: int) -> None:
        """Add a sample; one that is not newer than the last is dropped, as Prometheus does."""
        if self.newest_ms >= at_ms:
            return
        if self.values and value < self.values[-1]:
            self.reset_times.append(at_ms)
            self.reset_values.append(self.values[-1])
        self.times.append(at_ms)
        self.values.append(value)

    def end(self, *, at_ms: int) -> None:
        if self.newest_ms < at_ms:
            self.ended.append(at_ms)

    @property
    def newest_ms(self) -> float:
        newest = self.times[-1] if self.times else float("-inf")
        return max(newest, self.ended[-1]) if self.ended else newest

    def at(self, time_ms: int, *, lookback_ms: int) -> float | None:
        """Give the newest value that is not older than the lookback, unless the series ended."""
        index = bisect_right(self.times, time_ms) - 1
        if index < 0 or self.times[index] <= time_ms - lookback_ms:
            return None
        markers = bisect_right(self.ended, time_ms)
        if markers and self.ended[markers - 1] > self.times[index]:
            return None
        return self.values[index]

    def within(self, start_ms: int, *, end_ms: int) -> Window | None:
        """Give the samples after the start and up to the end."""
        first, after = bisect_right(self.times, start_ms), bisect_right(self.times, end_ms)
        if first == after:
            return None
        fell = bisect_right(self.reset_times, self.times[first])
        until = bisect_right(self.reset_times, end_ms)
        return Window(
            self.times[first:after], self.values[first:after], self.reset_values[fell:until]
        )

    def forget_before(self, time_ms: int) -> None:
        count = bisect_left(self.times, time_ms)
        del self.times[:count], self.values[:count]
        del self.ended[: bisect_left(self.ended, time_ms)]
        count = bisect_left(self.reset_times, time_ms)
        del self.reset_times[:count], self.reset_values[:count]


class Storage:
    """All series, found by their metric's name."""

    def __init__(self, *, retention_ms: int) -> None:
        self.retention_ms = retention_ms
        self._by_name: dict[str, dict[Labels, Series]] = {}
        self._next_sweep_ms: float = float("-inf")

    def append(self, labels: Labels, value: float, *, at_ms: int) -> None:
        """Store a sample of the series with these labels, among them `__name__`."""
        named = self._by_name.setdefault(dict(labels).get(NAME, ""), {})
        series = named.get(labels)
        if series is None:
            series = named[labels] = Series(labels)
        series.append(value, at_ms=at_ms)
        if at_ms >= self._next_sweep_ms:
            self._sweep(at_ms)

    def end(self, labels: Labels, *, at_ms: int) -> None:
        """Mark a series as ended."""
        series = self._by_name.get(dict(labels).get(NAME, ""), {}).get(labels)
        if series is not None:
            series.end(at_ms=at_ms)

    def series(self, name: str | None) -> Iterator[Series]:
        """Give the series of a metric, or all of them."""
        if name is not None:
            yield from self._by_name.get(name, {}).values()
            return
        for named in self._by_name.values():
            yield from named.values()

    def _sweep(self, now_ms: int) -> None:
        self._next_sweep_ms = now_ms + max(1, self.retention_ms // 20)
        for name, named in list(self._by_name.items()):
            for labels, series in list(named.items()):
                series.forget_before(now_ms - self.retention_ms)
                if not series.times:
                    del named[labels]
            if not named:
                del self._by_name[name]
