"""What every control must know, and who asks for a limit.

A limit is never an order: `strictest` is a join (associative, commutative, idempotent), so the
order of events, duplicates, crashes and restarts can't matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from responder.holds.ledger import Raw


@dataclass(frozen=True, slots=True)
class Holder:
    """The incident that asks, as far as the held object tells of it."""

    name: str
    uid: str
    since: str = ""
    """When the incident was opened, RFC 3339."""
    reason: str = ""
    """One line for the people who read the held object."""


LimitT = TypeVar("LimitT")


@dataclass(frozen=True, slots=True)
class Hold(Generic[LimitT]):
    """What one incident asks of one field."""

    holder: Holder
    limit: LimitT
    share: float | None = None
    """While its incident gives back in steps: how much of what would be without us it lets through,
    0..1."""


class Control(Protocol[LimitT]):
    """One kind of field that can be limited."""

    @property
    def path(self) -> tuple[str, ...]:
        """Where the field stands in the object, e.g. ("spec", "replicas")."""
        ...

    @property
    def order(self) -> tuple[str, ...]:
        """What has to be remembered to tell later which of two values is stricter; mostly none."""
        ...

    def strictest(self, limits: Sequence[LimitT]) -> LimitT:
        """Join one or more limits."""
        ...

    def limit_of(self, raw: Raw) -> LimitT | None:
        """Give the limit that a value found in the field amounts to; None where it is none."""
        ...

    def relaxed(self, limit: LimitT, *, share: float, baseline: Raw) -> LimitT:
        """Give the looser of a limit and that share of the baseline, which a step lets through."""
        ...

    def write(self, effective: LimitT, *, baseline: Raw, applied: Raw, holder: Holder) -> Raw:
        """Give the value to write so that exactly `effective` holds."""
        ...

    def abridged(self, applied: Raw) -> Raw:
        """Give the least that `limit_of` reads the limit of a written value from."""
        ...

    def loosens(self, new: Raw, *, live: Raw, effective: LimitT | None) -> bool:
        """Tell whether writing `new` over `live` would let more through."""
        ...


AnyControl = Control[Any]
AnyHold = Hold[Any]
