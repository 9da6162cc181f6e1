"""Waiting ends with the first truthy value, or says what was seen last."""

import itertools

import pytest

from tests.controlplane.eventually import NeverHappenedError, eventually, eventually_blocking


async def test_returns_the_first_truthy_value_of_a_plain_or_async_condition() -> None:
    plain, asked = itertools.count(), itertools.count()

    async def condition() -> int:
        return next(asked)

    assert await eventually(lambda: next(plain), every_seconds=0) == 1
    assert await eventually(condition, every_seconds=0) == 1
    assert eventually_blocking(lambda: next(plain), every_seconds=0) == 2


async def test_a_failing_assertion_means_not_yet_and_is_shown_when_time_is_up() -> None:
    def condition() -> bool:
        raise AssertionError("two pods are left")

    with pytest.raises(NeverHappenedError, match=r"not within 0 s: .*two pods are left"):
        await eventually(condition, within_seconds=0)
    with pytest.raises(NeverHappenedError, match=r"not within 0 s: .*two pods are left"):
        eventually_blocking(condition, within_seconds=0)


async def test_any_other_error_ends_the_wait_at_once() -> None:
    def condition() -> bool:
        raise LookupError

    with pytest.raises(LookupError):
        await eventually(condition)


async def test_the_last_value_is_shown_when_time_is_up() -> None:
    with pytest.raises(NeverHappenedError, match=r"pods are gone; last seen: \[\]"):
        await eventually(list, within_seconds=0, what="pods are gone")
