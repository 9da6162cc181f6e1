"""When a target that could be written is better left alone for a moment.

Another writer is answered at once and not at his pace without end, and stood down from where he
never ends; what admission alters is not written again and again; and nothing is forgotten while an
autoscaler may still undo it.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from responder.holds.fields import Facts, FieldFinding
from responder.holds.objects import ObjectKey
from responder.holds.planning import Finding, Purpose, Step, Write
from responder.holds.workload import AUTOSCALER
from responder.reconcile.contest import Contests, Patience
from responder.reconcile.queue import Again, NotYet
from responder.reconcile.resting import Resting
from responder.reconcile.situation import Situation

ALTERED_SECONDS: Final = 30.0
_SYNC_IN_FLIGHT_SECONDS: Final = 1.0
"""How long an autoscaler that read its bounds before we gave them back may still write."""
_QUICK_HOLDS: Final = 6
_QUICK_WINDOW_SECONDS: Final = 10.0


class Pace:
    """What was written lately, as far as it says what must wait."""

    def __init__(self, *, monotonic: Callable[[], float], patience: Patience | None = None) -> None:
        self._monotonic = monotonic
        self._contests = Contests(patience or Patience())
        self._altered: Resting[None] = Resting(seconds=ALTERED_SECONDS, monotonic=monotonic)
        self._given_back_at: dict[ObjectKey, float] = {}
        self._holds: dict[ObjectKey, deque[float]] = defaultdict(lambda: deque(maxlen=_QUICK_HOLDS))

    def is_altered(self, key: ObjectKey) -> bool:
        """Tell whether what was last written there was altered by somebody."""
        return key in self._altered

    def resting(self, key: ObjectKey) -> frozenset[str]:
        """Give the fields that were altered just now: writing them again would not help."""
        return frozenset(self._altered.of(key))

    def rests(self, step: Step) -> bool:
        """Keep from writing again what was altered just now; the hold stands as far as it does."""
        write = step.write
        if write is None or write.purpose is not Purpose.HOLD:
            return False
        resting = self.resting(write.key)
        altered = {found.field for found in step.findings if found.what is FieldFinding.ALTERED}
        return bool(resting) and altered.issuperset(change.field for change in write.changes)

    def plan(self, situation: Situation, facts: Facts) -> Step:
        """Give the next patch, with nothing in it that is left to another writer for now."""
        now = self._monotonic()
        step = situation.plan(facts)
        situation.stood_down = self._contests.meet(step.reverts, now=now)
        if situation.stood_down:
            step = situation.plan(facts)
        # The last finding of an object is what its incidents are told.
        contests = tuple(
            Finding(each.key, each.field, FieldFinding.CONTESTED, by=each.by)
            for each in reversed(self._contests.contested(step, now=now))
        )
        if not (contests or situation.stood_down):
            return step
        stand = tuple(
            found
            for found in step.findings
            if found.what is not FieldFinding.EDITED
            or (found.key, found.field) not in situation.stood_down
        )
        return replace(step, findings=stand + contests)

    def answered(self, step: Step, write: Write) -> None:
        """Take note of whom a write that was committed was an answer to."""
        places = {(write.key, change.field) for change in write.changes}
        reverts = [revert for revert in step.reverts if revert.place in places]
        self._contests.answered(reverts, now=self._monotonic())

    def look_again_seconds(self, step: Step) -> float | None:
        """Tell in how long another writer is to be answered, or a contest may be over."""
        return self._contests.look_again_seconds(step, now=self._monotonic())

    def calm(self, key: ObjectKey, step: Step) -> None:
        """Answer another writer at once, yet not at his pace without end; raises Again."""
        if step.write is None or step.write.purpose is not Purpose.HOLD:
            return
        if not any(found.what is FieldFinding.EDITED for found in step.findings):
            return
        now, recent = self._monotonic(), self._holds[key]
        if len(recent) == _QUICK_HOLDS and now - recent[0] < _QUICK_WINDOW_SECONDS:
            recent.clear()
            raise Again(f"{key} is rewritten by somebody again and again", after_seconds=2.0)
        recent.append(now)

    def watch_over(self, key: ObjectKey, write: Write) -> None:
        """Keep from forgetting what the replicas were before an autoscaler's sync is over that may
        have read the bounds before they were given back: it would bring the replicas down again.

        Raises NotYet.
        """
        forgets = write.purpose is Purpose.GIVE_BACK and not write.changes
        given_back_at = self._given_back_at.get(key)
        if given_back_at is None or write.key.kind != AUTOSCALER or not forgets:
            return
        left = given_back_at + _SYNC_IN_FLIGHT_SECONDS - self._monotonic()
        if left > 0:
            raise NotYet(f"{key} may still be lowered by a sync in flight", after_seconds=left)
        del self._given_back_at[key]

    def written(self, situation: Situation, write: Write, *, altered: Sequence[str]) -> None:
        """Take note of a write that was committed, and of whether it stands as it was sent."""
        if write.purpose is Purpose.GIVE_BACK and write.changes and situation.autoscalers:
            self._given_back_at[situation.key] = self._monotonic()
        # What is given back rests no longer: the next hold on it is tried at once.
        self._altered.end(write.key, (change.field for change in write.changes))
        for field in altered if write.purpose is Purpose.HOLD else ():
            self._altered.add(write.key, field, None)
