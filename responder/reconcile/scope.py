"""What one replica is to look after, and how: from the settings, for the conductor."""

from dataclasses import dataclass, field
from datetime import timedelta

from responder.incidents.budgets import UNBOUNDED, Budgets
from responder.incidents.confirming import CONFIRM_WITHIN_SECONDS
from responder.reconcile.contest import Patience


@dataclass(frozen=True, slots=True)
class Scope:
    """Where incidents are kept and where objects may be held."""

    namespace: str
    target_namespaces: tuple[str, ...]
    pools: tuple[str, ...] = ()
    keep_closed: timedelta = timedelta(days=7)
    budgets: Budgets = UNBOUNDED
    patience: Patience = field(default_factory=Patience)
    """With other writers that undo what is held."""
    confirm_within_seconds: float = CONFIRM_WITHIN_SECONDS
