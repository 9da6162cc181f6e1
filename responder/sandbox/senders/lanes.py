"""Messages that are alike, and what a sender reads of the holds on them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from responder.sandbox.senders.campaigns import Campaign
from responder.sandbox.senders.hold_reader import held

_UNREADABLE: Final = (ValueError, TypeError, AttributeError, OSError, RecursionError)


class Lane(NamedTuple):
    """Messages that are alike: the labels of the metric contract."""

    tenant: str
    campaign: str
    stream: str
    pool: str
    mailbox_provider: str
    segment: str


@dataclass(frozen=True, slots=True)
class Observed:
    """What a sender knows of the holds on one lane."""

    share: float = 1.0
    limits: tuple[tuple[str, float], ...] = ()
    """Messages a minute by document: of all lanes that it concerns, together."""
    pool: str = ""
    suppressed: bool = False
    drop: bool = False
    ids: tuple[str, ...] = ()
    unreadable: str = ""
    """Why a document can't be read: bulk mail stops then."""


def observe(campaign: Campaign, *, own: Path, shared: Path, lane: Lane) -> Observed:
    """Read what holds a lane, with the snippet that real senders use."""
    try:
        told: dict[str, Any] = held(
            own, shared, pool=lane.pool, segment=lane.segment, provider=lane.mailbox_provider
        )
        limits = tuple((name, max(0.0, float(limit))) for name, limit in told["limits"].items())
        return Observed(
            share=told["share"],
            limits=limits,
            pool=str(told["pool"]),
            suppressed=told["suppressed"],
            drop=told["drop"],
            ids=tuple(told["ids"]),
        )
    except _UNREADABLE as error:
        share = 1.0 if campaign.stream == "transactional" else 0.0
        return Observed(share=share, pool=lane.pool, unreadable=f"{type(error).__name__}: {error}")
