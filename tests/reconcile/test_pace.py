"""What rests after a write, and what ends that."""

from responder.holds.ledger import Ledger
from responder.holds.objects import ObjectKey
from responder.holds.planning import Change, Purpose, Write
from responder.reconcile.pace import ALTERED_SECONDS, Pace
from responder.reconcile.situation import Situation

KEY = ObjectKey("ConfigMap", "mail", "sending-holds")
ODD, BESIDE = "pool.odd.json", "pool.beside.json"


class Clock:
    """Time that passes where a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def write(pace: Pace, purpose: Purpose, *fields: str, altered: tuple[str, ...] = ()) -> None:
    changes = tuple(Change(field, None, "{}") for field in fields)
    committed = Write(KEY, purpose, {}, "campaign-responder", Ledger("1", 1, {}), changes)
    pace.written(Situation(KEY, {}, [], []), committed, altered=altered)


def test_what_was_altered_rests_for_its_time_and_no_other_key_does() -> None:
    clock = Clock()
    pace = Pace(monotonic=clock)
    write(pace, Purpose.HOLD, ODD, BESIDE, altered=(ODD,))
    assert pace.resting(KEY) == {ODD}
    clock.now += ALTERED_SECONDS - 0.1
    write(pace, Purpose.HOLD, BESIDE)
    assert pace.resting(KEY) == {ODD}
    clock.now += 0.1
    assert pace.resting(KEY) == frozenset()


def test_what_was_given_back_is_tried_at_once_when_it_is_held_anew() -> None:
    pace = Pace(monotonic=Clock())
    write(pace, Purpose.HOLD, ODD, BESIDE, altered=(ODD, BESIDE))
    write(pace, Purpose.GIVE_BACK, ODD)
    assert pace.resting(KEY) == {BESIDE}


def test_a_give_back_that_is_altered_lets_nothing_rest() -> None:
    pace = Pace(monotonic=Clock())
    write(pace, Purpose.GIVE_BACK, ODD, altered=(ODD,))
    assert pace.resting(KEY) == frozenset()
