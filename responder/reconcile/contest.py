"""When another writer keeps undoing us: answered at once at first, then less and less often.

After so many answers it is stood down from, with one more try from time to time: an exception that
its owner made for us is noticed so, and neither writes at the other's pace. Each field of an object
and each manager counts by itself, so that a person's edit is answered whatever a controller does.

Pure: `now` is in seconds of a clock that only goes forward. Kept in memory alone: after a restart a
contest is found again, by as many answers.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from responder.holds.ledger import Raw
from responder.holds.objects import ObjectKey
from responder.holds.planning import Place, Revert, Step

_MOST_OBJECTS: Final = 1024
_MOST_OF_ONE: Final = 256
"""Fields and managers of one object. Beyond, the oldest is forgotten, and is answered anew."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is answered before it is stood down from."""

    pauses_seconds: tuple[float, ...] = (0.0, 0.0, 0.0, 2.0, 4.0, 8.0)
    """Before each answer, since the one before it; it is a contest after as many answers."""
    window_seconds: float = 3600.0
    """How long an answer counts. A writer that comes rarely is found by this, too."""
    rest_seconds: float = 300.0
    """Between two tries while it is stood down from; who comes more rarely is answered at once."""
    calm_seconds: float = 900.0
    """How long our value must stand until the contest is over."""


@dataclass(frozen=True, slots=True)
class Contest:
    """A field that one manager keeps setting back."""

    key: ObjectKey
    field: str
    by: str


@dataclass(slots=True)
class _Fight:
    """What was answered to one manager about one field."""

    answers: deque[float]
    wanted: Raw = None
    is_contest: bool = False

    @property
    def last(self) -> float:
        return self.answers[-1]

    def count(self, since: float) -> int:
        return sum(at >= since for at in self.answers)


class Contests:
    """What was answered to whom, as far as it decides about the next answer."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._fights: OrderedDict[ObjectKey, dict[tuple[str, str], _Fight]] = OrderedDict()

    def meet(self, reverts: Sequence[Revert], *, now: float) -> frozenset[Place]:
        """Take note of what stands set back on a target; gives what of it to leave so for now."""
        patience = self._patience
        for fight in filter(None, map(self._fight, reverts)):
            if fight.count(now - patience.window_seconds) >= len(patience.pauses_seconds):
                fight.is_contest = True
        return frozenset(revert.place for revert in reverts if now < self._due(revert, now=now))

    def answered(self, reverts: Sequence[Revert], *, now: float) -> None:
        """Take note that these were written over."""
        most = max(1, len(self._patience.pauses_seconds))
        for revert in reverts:
            of_one = self._fights.setdefault(revert.key, {})
            fight = of_one.pop((revert.field, revert.by), None) or _Fight(deque(maxlen=most))
            of_one[revert.field, revert.by] = fight
            fight.answers.append(now)
            fight.wanted = revert.wanted
            self._fights.move_to_end(revert.key)
            if len(of_one) > _MOST_OF_ONE:
                del of_one[next(iter(of_one))]
        while len(self._fights) > _MOST_OBJECTS:
            self._fights.popitem(last=False)

    def contested(self, step: Step, *, now: float) -> tuple[Contest, ...]:
        """Give what of a target is contested; a contest is over once our value stood for long."""
        met = {id(self._fight(revert)) for revert in step.reverts}
        found: list[Contest] = []
        for key, ledger in step.held.items():
            of_one = self._fights.get(key, {})
            for (field, by), fight in list(of_one.items()):
                if not fight.is_contest or field not in ledger.fields:
                    continue
                if now >= self._over(fight) and id(fight) not in met:
                    del of_one[field, by]
                else:
                    found.append(Contest(key, field, by))
        return tuple(sorted(found, key=lambda each: (each.key, each.field, each.by)))

    def look_again_seconds(self, step: Step, *, now: float) -> float | None:
        """Tell in how long something about a target is due; None where nothing is."""
        due = [self._due(revert, now=now) for revert in step.reverts]
        due += [
            self._over(self._fights[each.key][each.field, each.by])
            for each in self.contested(step, now=now)
        ]
        later = [at for at in due if at > now]
        return min(later) - now if later else None

    def _due(self, revert: Revert, *, now: float) -> float:
        """Give when to answer: at once where something else is asked than the last time."""
        fight = self._fight(revert)
        if fight is None or revert.wanted != fight.wanted:
            return now
        if fight.is_contest:
            return fight.last + self._patience.rest_seconds
        count = fight.count(now - self._patience.window_seconds)
        return fight.last + self._patience.pauses_seconds[count]

    def _over(self, fight: _Fight) -> float:
        return fight.last + self._patience.calm_seconds

    def _fight(self, revert: Revert) -> _Fight | None:
        return self._fights.get(revert.key, {}).get((revert.field, revert.by))
