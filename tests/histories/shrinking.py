"""A history that fails, cut down to what it fails by."""

from collections.abc import Callable, Sequence

from tests.histories.events import Event


def shortest(
    events: Sequence[Event], fails: Callable[[Sequence[Event]], bool], *, most_tries: int = 150
) -> list[Event]:
    """Take away as many events, and as much of the pauses, as leave it failing."""
    kept, tries = list(events), 0
    size = max(1, len(kept) // 2)
    while size:
        at = 0
        while at < len(kept) and tries < most_tries:
            fewer = kept[:at] + kept[at + size :]
            tries += 1
            if fails(fewer):
                kept = fewer
            else:
                at += size
        size //= 2
    for at, event in enumerate(kept):
        if event.pause and tries < most_tries:
            tries += 1
            hasty = [*kept[:at], event._replace(pause=0.0), *kept[at + 1 :]]
            if fails(hasty):
                kept = hasty
    return kept
