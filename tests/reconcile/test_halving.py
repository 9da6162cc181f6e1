"""Which key of a refused patch it was is found by halving."""

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from responder.reconcile.halving import Halving


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
