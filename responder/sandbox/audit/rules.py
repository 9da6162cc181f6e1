"""What every check is given, and what it answers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from responder.sandbox.audit.versions import INCIDENT, Change, Version, by_us, changes
from responder.sandbox.audit.world import Target, World

UNSEEN_SECONDS = 2.0
"""So long a write of ours may have been under way that was decided upon before what it passes."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise, at one moment of the history."""

    promise: str
    target: Target
    revision: int
    what: str

    def __str__(self) -> str:
        """Render for the report."""
        return f"{self.promise}: {'/'.join(self.target)} at {self.revision}: {self.what}"


@dataclass(frozen=True)
class Step:
    """One version coming into force."""

    world: World
    """Already with it."""
    before: Version | None
    """The same object until then; None for one that is new."""
    after: Version
    targets: list[Target]
    """The targets that it may concern."""

    @property
    def only(self) -> str:
        """Give the uid of the one incident that can have changed its mind, "" for all."""
        return self.after.uid if self.after.kind == INCIDENT else ""

    @cached_property
    def changes(self) -> list[Change]:
        if self.after.kind == INCIDENT or self.after.deleted:
            return []
        return changes(self.before, self.after)

    @cached_property
    def is_ours(self) -> bool:
        return (
            self.after.kind != INCIDENT
            and not self.after.deleted
            and by_us(self.before, self.after)
        )

    def violation(self, promise: str, what: str, *, target: Target | None = None) -> Violation:
        return Violation(
            promise, target or (self.after.kind, self.after.name), self.after.revision, what
        )


class Rule(Protocol):
    """One check; sees every step in order."""

    def see(self, step: Step) -> list[Violation]: ...

    def end(self, world: World, *, answering: bool) -> list[Violation]:
        """Judge what is left; `answering` tells whether a responder was there to answer."""
        ...
