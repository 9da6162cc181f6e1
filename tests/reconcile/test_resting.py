"""What is left alone for a while, field by field."""

from responder.cluster.failures import Denied
from responder.holds.objects import ObjectKey
from responder.reconcile.resting import Resting
from tests.cluster.clocks import Clock

KEY = ObjectKey("ConfigMap", "mail", "sending-holds")
SECONDS = 30.0
REFUSAL = Denied("no", status=403, reason="Forbidden")


def test_what_was_refused_is_tried_again_after_a_while() -> None:
    clock = Clock()
    refusals: Resting[Denied] = Resting(seconds=SECONDS, monotonic=clock)
    refusals.add(KEY, "pool.vip.json", REFUSAL)
    clock.advance(SECONDS - 1)
    refusals.add(KEY, "pool.bulk.json", REFUSAL)
    assert refusals.of(KEY) == {"pool.vip.json": REFUSAL, "pool.bulk.json": REFUSAL}
    clock.advance(2)
    assert refusals.of(KEY) == {"pool.bulk.json": REFUSAL}
    clock.advance(SECONDS)
    assert refusals.of(KEY) == {}
    assert refusals.of(KEY._replace(name="another")) == {}


def test_what_ends_rests_no_longer_and_its_neighbours_do() -> None:
    resting: Resting[None] = Resting(seconds=SECONDS, monotonic=Clock())
    for field in ("a", "b", "c"):
        resting.add(KEY, field, None)
    resting.end(KEY, (field for field in ("a", "c", "x")))
    assert resting.of(KEY) == {"b": None}
    resting.end(KEY, ["b"])
    assert KEY not in resting


def test_an_object_counts_until_it_is_looked_at_after_its_time() -> None:
    """Who left it alone must come back to it, whatever the clock did meanwhile."""
    clock = Clock()
    resting: Resting[None] = Resting(seconds=SECONDS, monotonic=clock)
    resting.add(KEY, "a", None)
    clock.advance(SECONDS + 1)
    assert KEY in resting
    assert resting.of(KEY) == {}
    assert KEY not in resting
