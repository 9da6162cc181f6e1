"""Control `sending`: the hold document that a sender reads.

A small JSON document under a key of our own, present only while held. Its limits join key by key;
absent or null is no limit.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from responder.holds.ledger import Raw
from responder.holds.limits import Holder
from responder.holds.objects import JsonObject

FINISH: Final = "finish"
DROP: Final = "drop"
_SAFE_LENGTH: Final = 200
"""A ConfigMap key has at most 253 characters; the kind and ".json" go around the id."""


@dataclass(frozen=True, slots=True)
class SendingLimit:
    """What a sender is asked to keep to."""

    share: float | None = None
    """0..1 of the normal rate."""
    per_minute: int | None = None
    """Messages a minute."""
    providers: tuple[tuple[str, float], ...] = ()
    """Share by mailbox provider, sorted by provider."""
    pool: str | None = None
    """The pool to route to."""
    suppress: tuple[str, ...] = ()
    """Segments to skip, sorted."""
    in_flight: str = FINISH

    @property
    def is_none(self) -> bool:
        return self == SendingLimit()


STOPPED: Final = SendingLimit(share=0.0)

_NO_DOCUMENT: Final = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)
"""Whatever reading somebody's text as a hold document may raise."""


def _share(told: Any) -> float | None:  # noqa: ANN401 -- JSON of anyone's
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not math.isfinite(told):
        raise ValueError(told)
    return min(1.0, max(0.0, float(told)))


def limit_from_json(told: Mapping[str, Any]) -> SendingLimit:
    """Read the limits of a hold document or of an ask; raises ValueError where it is none."""
    providers = told.get("providers") or {}
    suppress = told.get("suppress") or []
    per_minute = told.get("perMinute")
    pool = told.get("pool")
    if not isinstance(providers, Mapping) or not isinstance(suppress, list):
        raise ValueError(told)  # noqa: TRY004 -- one error for whatever is no document
    if per_minute is not None and (isinstance(per_minute, bool) or not isinstance(per_minute, int)):
        raise ValueError(per_minute)
    if pool is not None and not isinstance(pool, str):
        raise ValueError(pool)
    shares = ((str(name), _share(share)) for name, share in providers.items())
    return SendingLimit(
        share=_share(told.get("share")),
        per_minute=None if per_minute is None else max(0, per_minute),
        providers=tuple(sorted((name, share) for name, share in shares if share is not None)),
        pool=pool or None,
        suppress=tuple(sorted({str(segment) for segment in suppress})),
        in_flight=DROP if told.get("inFlight") == DROP else FINISH,
    )


def limit_to_json(limit: SendingLimit) -> JsonObject:
    return {
        "share": limit.share,
        "perMinute": limit.per_minute,
        "providers": dict(limit.providers),
        "pool": limit.pool,
        "suppress": list(limit.suppress),
        "inFlight": limit.in_flight,
    }


def is_signed(raw: Raw) -> bool:
    """Tell whether a document names an incident and its id, as those do that we write."""
    try:
        told = json.loads(raw or "")
        return bool(told["incident"] and told["id"])
    except (*_NO_DOCUMENT, KeyError):
        return False


def _least(values: Sequence[Any]) -> Any:  # noqa: ANN401 -- int or float, as given
    return min((value for value in values if value is not None), default=None)


class SendingControl:
    """The hold document under one key of a ConfigMap."""

    order = ()

    def __init__(self, key: str, *, pools: tuple[str, ...] = (), about: str = "") -> None:
        """Name the key and rank the pools, mildest first; one not named outranks those that are.

        `about` is the plain id of what is held, told inside where the key can't carry it.
        """
        self.key = key
        self.about = about
        self.pools = pools
        self.path = ("data", key)

    def _rank(self, pool: str) -> tuple[int, str]:
        return (self.pools.index(pool) if pool in self.pools else len(self.pools), pool)

    def strictest(self, limits: Sequence[SendingLimit]) -> SendingLimit:
        providers: dict[str, float] = {}
        for limit in limits:
            for name, share in limit.providers:
                providers[name] = min(share, providers.get(name, 1.0))
        pools = [limit.pool for limit in limits if limit.pool is not None]
        return SendingLimit(
            share=_least([limit.share for limit in limits]),
            per_minute=_least([limit.per_minute for limit in limits]),
            providers=tuple(sorted(providers.items())),
            pool=max(pools, key=self._rank, default=None),
            suppress=tuple(sorted({name for limit in limits for name in limit.suppress})),
            in_flight=DROP if any(limit.in_flight == DROP for limit in limits) else FINISH,
        )

    def relaxed(self, limit: SendingLimit, *, share: float, baseline: Raw) -> SendingLimit:
        """Raise shares to a step's; a route, a rate and skipped segments have none and stay.

        A baseline of somebody else's counts as a limit beside it, so the whole is the normal rate.
        """
        del baseline
        return replace(
            limit,
            share=None if limit.share is None else max(limit.share, share),
            providers=tuple((name, max(known, share)) for name, known in limit.providers),
        )

    def limit_of(self, raw: Raw) -> SendingLimit | None:
        """Read a document; one that can't be read stops its sender, so it is the strictest."""
        if raw is None:
            return None
        try:
            told = json.loads(raw)
            return limit_from_json(told)
        except _NO_DOCUMENT:
            return STOPPED

    def write(self, effective: SendingLimit, *, baseline: Raw, applied: Raw, holder: Holder) -> Raw:
        """Write the document; one that says the same for the same holder stays to the byte."""
        if baseline is not None and self.limit_of(baseline) == effective:
            return baseline
        if applied is not None:
            try:
                told = json.loads(applied)
                if told.get("incident") == holder.name and limit_from_json(told) == effective:
                    return applied
            except _NO_DOCUMENT:
                pass
        limits = limit_to_json(effective)
        seed = json.dumps([limits, holder.uid], sort_keys=True)
        document = {
            **limits,
            "id": hashlib.sha256(seed.encode()).hexdigest()[:6],
            "incident": holder.name,
            "reason": holder.reason,
            "since": holder.since,
            **({"about": self.about} if self.about else {}),
        }
        return json.dumps(document, ensure_ascii=False)

    def abridged(self, applied: Raw) -> Raw:
        """Give the limits alone: where hundreds share one object each byte counts."""
        limit = self.limit_of(applied)
        if limit is None:
            return None
        none = limit_to_json(SendingLimit())
        told = {key: value for key, value in limit_to_json(limit).items() if value != none[key]}
        return json.dumps(told, separators=(",", ":"), ensure_ascii=False)

    def loosens(self, new: Raw, *, live: Raw, effective: SendingLimit | None) -> bool:
        del effective
        before = self.limit_of(live)
        if before is None:
            return False
        after = self.limit_of(new)
        return after is None or self.strictest([after, before]) != after


def document_key(kind: str, identity: str) -> str:
    """Name the key of a pool, segment or provider in `sending-holds`.

    An id that is unsafe as a ConfigMap key stands as its SHA-256.
    """
    safe = 0 < len(identity) <= _SAFE_LENGTH and all(
        letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in identity
    )
    told = identity if safe else hashlib.sha256(identity.encode()).hexdigest()
    return f"{kind}.{told}.json"
