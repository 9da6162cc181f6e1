"""What a sender reads before it sends: copy this file; it needs nothing but Python."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any


def held(own: Path, shared: Path, *, pool: str, segment: str, provider: str) -> dict[str, Any]:
    """Join what holds one message. ValueError or OSError: stop bulk mail, and say so."""
    paths = [own / "hold.json"]
    for kind, name in (("pool", pool), ("segment", segment), ("provider", provider)):
        safe = re.fullmatch(r"[A-Za-z0-9._-]{1,200}", name)
        key = name if safe else hashlib.sha256(name.encode()).hexdigest()
        paths.append(shared / f"{kind}.{key}.json")
    read = {str(path): json.loads(path.read_text("utf-8")) for path in paths if path.exists()}
    found = list(read.values())
    if not all(isinstance(hold, dict) for hold in found):
        raise ValueError("a hold document is not an object")
    shares = [hold.get("share") for hold in found]
    shares += [(hold.get("providers") or {}).get(provider) for hold in found]
    limits = {name: hold["perMinute"] for name, hold in read.items() if "perMinute" in hold}
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    return {
        "share": max(0.0, min([1.0, *(float(share) for share in shares if share is not None)])),
        "perMinute": min(limits.values(), default=None),  # the lowest of them
        "limits": limits,  # by document: each limits all messages that it concerns, together
        "pool": next((hold["pool"] for hold in found if hold.get("pool")), pool),
        "suppressed": any(segment in (hold.get("suppress") or []) for hold in found),
        "drop": any(hold.get("inFlight") == "drop" for hold in found),  # else finish what began
        "ids": sorted(str(hold.get("id", "")) for hold in found),  # for mail_hold_observed
    }
