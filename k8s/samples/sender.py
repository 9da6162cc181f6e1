# ruff: noqa: INP001, T201 -- a program of its own; it prints what a real one would do
"""A sender that obeys the brake: about as small as one can be. It prints instead of sending.

Once a second it reads the hold documents that concern each of its campaigns, multiplies the usual
rate by the lowest share among them, and stops bulk mail when there is one that it cannot read.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

Document = dict[str, Any]
Plan = tuple[str, float]
"""The pool that a campaign's mail leaves from, and how many messages a second."""


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")  # Python would take NaN, and no rate is below it


def read(path: Path) -> Document:
    """The hold document, {} where nothing is held. Raises OSError, TypeError or ValueError."""
    try:
        document = json.loads(path.read_bytes(), parse_constant=refuse)
    except FileNotFoundError:
        return {}
    if not isinstance(document, dict):
        raise TypeError(f"{path.name} is no JSON object")
    return document


def rate(usual: float, holds: list[Document], *, provider: str) -> float:
    """Messages a second that may leave for the mailbox provider, under all of these holds."""
    limits = [usual]
    for hold in holds:
        shares = (hold.get("share"), (hold.get("providers") or {}).get(provider))
        limits += [usual * float(share) for share in shares if share is not None]
        if hold.get("perMinute") is not None:
            limits.append(float(hold["perMinute"]) / 60)
    return max(min(limits), 0.0)


def may_send(segment: str, holds: list[Document]) -> bool:
    """Whether recipients of the segment may be written to at all."""
    return not any(segment in (hold.get("suppress") or []) for hold in holds)


def look(folder: Path, *, campaign: str, pool: str, usual: float, provider: str) -> Plan:
    """What the campaign may do right now: nothing, if a document cannot be read."""
    try:
        own = read(folder / campaign / "hold.json")
        pool = own.get("pool") or pool
        others = [
            read(folder / f"{name}.json") for name in (f"pool.{pool}", f"provider.{provider}")
        ]
        return pool, rate(usual, [own, *others], provider=provider)
    except (AttributeError, OSError, TypeError, ValueError) as error:
        print(f"{campaign}: stopped, a hold document cannot be read: {error}", file=sys.stderr)
        return pool, 0.0


def main(folder: str, *campaigns: str) -> None:
    told: dict[str, Plan] = {}
    while True:
        for campaign in campaigns:
            plan = look(Path(folder), campaign=campaign, pool="bulk", usual=50, provider="gmail")
            if told.get(campaign) != plan:
                print(f"{campaign}: {plan[1]:g} messages a second from {plan[0]}", flush=True)
                told[campaign] = plan
        time.sleep(1.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
