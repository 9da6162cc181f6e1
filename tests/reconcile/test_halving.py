"""Which key of a refused patch it was is found by halving, and left out for a while."""

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from responder.cluster.failures import Denied
from responder.holds.objects import ObjectKey
from responder.reconcile.refusals import REFUSED_SECONDS, Halving, Refusals
from tests.cluster.clocks import Clock

KEY = ObjectKey("ConfigMap", "mail", "sending-holds")
REFUSAL = Denied("no", status=403, reason="Forbidden")


def found(fields: list[str], bad: Collection[str]) -> tuple[set[str], set[str], int]:
    """Plays a server that refuses each patch with a bad field; gives what is written, and not."""
    halving, written, refused, patches = Halving(), set[str](), set[str](), 0
    while True:
        patch = [f for f in fields if f not in written | refused | halving.waiting]
        if not patch:
            if not halving.next():
                return written, refused, patches
            continue
        patches += 1
        if set(patch) & set(bad):
            alone = halving.refused(patch)
            refused |= {alone} - {None}  # type: ignore[arg-type]
        else:
            written |= set(patch)


@given(st.data())
def test_exactly_what_is_refused_alone_is_left_out(data: st.DataObject) -> None:
    fields = [f"pool.{number}.json" for number in range(data.draw(st.integers(1, 40)))]
    bad = data.draw(st.sets(st.sampled_from(fields)))
    assert found(fields, bad)[:2] == (set(fields) - bad, bad)


def test_one_of_hundreds_is_found_in_few_patches() -> None:
    fields = [f"pool.{number}.json" for number in range(500)]
    assert found(fields, {fields[317]})[2] <= 20


def test_what_was_refused_is_tried_again_after_a_while() -> None:
    clock = Clock()
    refusals = Refusals(monotonic=clock)
    refusals.add(KEY, "pool.vip.json", REFUSAL)
    clock.advance(REFUSED_SECONDS - 1)
    refusals.add(KEY, "pool.bulk.json", REFUSAL)
    assert refusals.of(KEY) == {"pool.vip.json": REFUSAL, "pool.bulk.json": REFUSAL}
    clock.advance(2)
    assert refusals.of(KEY) == {"pool.bulk.json": REFUSAL}
    clock.advance(REFUSED_SECONDS)
    assert refusals.of(KEY) == {}
    assert refusals.of(KEY._replace(name="another")) == {}
