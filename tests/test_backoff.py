"""Retries are soon at first, slower later, bounded, spread, and patient where it is asked for."""

import pytest

from responder.backoff import Backoff


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (0.5, 0.75), (0.999999, 1.0)])
def test_each_wait_doubles_up_to_the_longest(chance: float, share: float) -> None:
    backoff = Backoff(first_seconds=1.0, longest_seconds=5.0, chance=lambda: chance)
    waits = [backoff.next_seconds() for _ in range(5)]
    assert waits == pytest.approx([share * wait for wait in (1.0, 2.0, 4.0, 5.0, 5.0)], rel=1e-3)


def test_a_reset_starts_over() -> None:
    backoff = Backoff(first_seconds=1.0, chance=lambda: 0.0)
    backoff.next_seconds()
    backoff.next_seconds()
    backoff.reset()
    assert backoff.next_seconds() == 0.5


def test_it_never_comes_back_earlier_than_the_server_asked() -> None:
    backoff = Backoff(first_seconds=1.0, chance=lambda: 0.0)
    assert backoff.next_seconds(at_least=3.0) == 3.0
    assert backoff.next_seconds(at_least=0.0) == 1.0


def test_hundreds_of_failures_overflow_nothing() -> None:
    backoff = Backoff(first_seconds=1.0, longest_seconds=5.0, tries=5000, chance=lambda: 0.0)
    assert backoff.next_seconds() == 2.5
