"""A sender that obeys the brake: about as small as one can be. Sends nothing; it prints.

Once a second it reads the hold documents that concern its campaigns, multiplies the rate of each
campaign by the lowest share, and stops what it cannot read.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any


def read_hold(path: Path) -> dict[str, Any]:
    """The hold document; {} where nothing is held. Raises ValueError: bulk mail must stop."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    if not isinstance(document, dict):
        raise ValueError(f"{path} is no JSON object")
    return document


def rate_per_second(usual: float, holds: list[dict[str, Any]], *, provider: str) -> float:
    """What may leave for this mailbox provider, under every hold that concerns it."""
    rate = usual
    for hold in holds:
        shares = [hold.get("share"), (hold.get("providers") or {}).get(provider)]
        per_minute = hold.get("perMinute")
        rate = min(rate, *(usual * float(share) for share in shares if share is not None), usual)
        if per_minute is not None:
            rate = min(rate, float(per_minute) / 60)
    return max(rate, 0.0)


def may_send(recipient_segment: str, holds: list[dict[str, Any]]) -> bool:
    return not any(recipient_segment in (hold.get("suppress") or []) for hold in holds)


def look(folder: Path, *, campaign: str, pool: str, usual: float, provider: str) -> float:
    """The rate right now; 0 if any document that concerns the campaign cannot be read."""
    names = [f"{campaign}/hold.json", f"pool.{pool}.json", f"provider.{provider}.json"]
    try:
        holds = [read_hold(folder / name) for name in names]
        return rate_per_second(usual, holds, provider=provider)
    except (OSError, TypeError, ValueError) as error:
        print(f"{campaign}: stopped, a hold document cannot be read: {error}", file=sys.stderr)
        return 0.0


def main(folder: str, *campaigns: str) -> None:
    told: dict[str, float] = {}
    while True:
        for campaign in campaigns:
            rate = look(Path(folder), campaign=campaign, pool="bulk", usual=50.0, provider="gmail")
            if told.get(campaign) != rate:
                print(f"{campaign}: {rate:g} messages a second", flush=True)
                told[campaign] = rate
        time.sleep(1.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
