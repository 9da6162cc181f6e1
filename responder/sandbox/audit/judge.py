"""The verdict on a history: every promise that was broken in it."""

from collections.abc import Iterable, Sequence

from responder.sandbox.audit.authority import Authority
from responder.sandbox.audit.give_back import ExactGiveBack
from responder.sandbox.audit.never_looser import NeverLooser
from responder.sandbox.audit.never_stricter import NeverStricter
from responder.sandbox.audit.one_write import OneWrite
from responder.sandbox.audit.rules import Rule, Step, Violation
from responder.sandbox.audit.versions import Version
from responder.sandbox.audit.world import World


def judge(
    history: Iterable[Version],
    *,
    patience_seconds: float,
    answering: bool,
    ghosts_released_at: int | None = None,
) -> Sequence[Violation]:
    """Replay a history, in the order of its revisions, and judge it, its end included.

    `patience_seconds` is how long a change by somebody else may stand unanswered; `answering`
    tells whether a responder still runs at the end. After the revision `ghosts_released_at` a
    person may have commanded to give back what vanished incidents held.
    """
    world = World()
    rules: tuple[Rule, ...] = (
        NeverLooser(patience_seconds=patience_seconds),
        NeverStricter(),
        ExactGiveBack(),
        OneWrite(),
        Authority(),
    )
    found: list[Violation] = []
    for version in history:
        released = ghosts_released_at
        world.ghosts_are_released = released is not None and version.revision > released
        before, targets = world.apply(version)
        step = Step(world, before, version, targets)
        for rule in rules:
            found += rule.see(step)
        for target in targets:
            world.establish(target, only=step.only)
    for rule in rules:
        found += rule.end(world, answering=answering)
    return list(dict.fromkeys(found))
