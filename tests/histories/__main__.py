"""`python -m tests.histories [--histories N] [--seed N] [--length N]`: plays, tells, and shortens.

Ends with 1 where a history broke something, with the shortest form of the first one.
"""

# Time is virtual from the first import on: whatever keeps a clock keeps this one.
from tests.histories.virtual_time import VirtualLoop, installed

_CLOCK = installed()

import argparse  # noqa: E402
import asyncio  # noqa: E402
import gc  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections import Counter  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402

import typer  # noqa: E402

from responder.logs import configure_logs  # noqa: E402
from responder.reconcile import rulebook  # noqa: E402
from tests.histories.events import Event, drawn  # noqa: E402
from tests.histories.player import Outcome, play  # noqa: E402

_LOOK_SECONDS = 30.0


def played(events: Sequence[Event]) -> Outcome:
    """Play one in a loop and a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="history-") as folder,
        asyncio.Runner(loop_factory=lambda: VirtualLoop(_CLOCK)) as runner,
    ):
        return runner.run(play(events, clock=_CLOCK, folder=Path(folder)))


def shortened(events: list[Event]) -> list[Event]:
    """Leave out what is not needed for it to go wrong, larger parts first."""
    size = len(events) // 2
    while size:
        at = 0
        while at < len(events):
            fewer = events[:at] + events[at + size :]
            if played(fewer).faults:
                events = fewer
            else:
                at += size
        size //= 2
    return events


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.histories", description=__doc__)
    parser.add_argument("--histories", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--length", type=int, default=30)
    parser.add_argument("--log", type=Path, default=Path(os.devnull))
    parser.add_argument("--keep-going", action="store_true")
    given = parser.parse_args()
    configure_logs("json", stream=given.log.open("a", encoding="utf-8"))
    # Files are looked at every two seconds else, which are many in an hour.
    setattr(rulebook, "_LOOK_SECONDS", _LOOK_SECONDS)  # noqa: B010 -- no user would set it
    seen: Counter[str] = Counter()
    steps = versions = broken = 0
    for seed in range(given.seed, given.seed + given.histories):
        events = drawn(seed, length=given.length)
        outcome = played(events)
        seen += outcome.seen
        steps += outcome.steps
        versions += outcome.versions
        if outcome.faults:
            broken += 1
            typer.echo(f"seed {seed}: {outcome.faults[0]}")
            if not given.keep_going:
                fewest = shortened(events)
                typer.echo(f"seed {seed}, shortened to {len(fewest)} events:")
                for event in fewest:
                    typer.echo(f"  {event}")
                for fault in played(fewest).faults:
                    typer.echo(fault)
                break
        gc.collect()
    for what, count in sorted(seen.items()):
        typer.echo(f"{count:8} {what}")
    typer.echo(f"{given.histories} histories, {steps} events, {versions} versions, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
