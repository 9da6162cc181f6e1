"""Waits for a condition with a deadline: the only way in which these tests wait for anything."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


class NeverHappenedError(AssertionError):
    """The deadline passed first; says what was seen last."""


@overload
async def eventually(
    condition: Callable[[], Awaitable[T | None]],
    *,
    within_seconds: float = ...,
    every_seconds: float = ...,
    what: str = ...,
) -> T: ...
@overload
async def eventually(
    condition: Callable[[], T | None],
    *,
    within_seconds: float = ...,
    every_seconds: float = ...,
    what: str = ...,
) -> T: ...
async def eventually(
    condition: Callable[[], Any],
    *,
    within_seconds: float = 30.0,
    every_seconds: float = 0.05,
    what: str = "",
) -> Any:
    """Returns the first truthy value of `condition`, plain or async, asked again and again.

    A condition may also `assert`: a failing assertion means "not yet", and the last one is shown
    when time is up. Any other exception ends the wait.

    Raises:
        NeverHappenedError: with the last value, or the last failed assertion.

    """
    deadline = time.monotonic() + within_seconds
    while True:
        last: object
        try:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() >= deadline:
            raise _never(condition, within_seconds=within_seconds, what=what, last=last)
        await asyncio.sleep(every_seconds)


def eventually_blocking(
    condition: Callable[[], T | None],
    *,
    within_seconds: float = 30.0,
    every_seconds: float = 0.02,
    what: str = "",
) -> T:
    """`eventually` for code that has no event loop, or must not yield to it."""
    deadline = time.monotonic() + within_seconds
    while True:
        last: object
        try:
            value = condition()
            if value:
                return value
            last = value
        except AssertionError as error:
            last = error
        if time.monotonic() >= deadline:
            raise _never(condition, within_seconds=within_seconds, what=what, last=last)
        time.sleep(every_seconds)


def _never(
    condition: Callable[[], object], *, within_seconds: float, what: str, last: object
) -> NeverHappenedError:
    name = what or getattr(condition, "__qualname__", repr(condition))
    seen = f"{type(last).__name__}: {last}" if isinstance(last, Exception) else repr(last)
    error = NeverHappenedError(f"not within {within_seconds:g} s: {name}; last seen: {seen}")
    error.__cause__ = last if isinstance(last, Exception) else None
    return error
