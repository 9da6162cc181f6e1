"""pytest plugin: an async test fails if it, or what it started, leaves asyncio tasks behind.

A task that nobody awaits is cancelled silently when the loop closes; in the service the same task
would live on, or die without a word.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator

import pytest

_LAST_STEPS = 10
"""Passes of the event loop that a task which was just cancelled, or is done, gets to end in."""


@pytest.fixture
async def leftover_tasks_fail() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    for _ in range(_LAST_STEPS):
        await asyncio.sleep(0)
    mine = asyncio.current_task()
    leftover = [task for task in asyncio.all_tasks() - before if task is not mine]
    if leftover:
        pytest.fail(
            "tasks are left over:\n" + "\n".join(repr(task) for task in leftover), pytrace=False
        )


@pytest.fixture(autouse=True)
def _leftover_tasks_fail(request: pytest.FixtureRequest) -> None:
    """Only for async tests, so that the thousands of others don't make an event loop each.

    An autouse fixture is set up before all others, and so looks after they are torn down.
    """
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("leftover_tasks_fail")
