"""Keyed work: never twice at once, never lost, and no key holds up another."""

import asyncio
import itertools

from responder.reconcile.queue import Again, KeyedQueue, NotYet
from tests.controlplane.eventually import eventually


class Work:
    """Records what is worked on; a test lets it go on or fail."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.gate = asyncio.Event()
        self.failures: dict[str, int] = {}
        self.told: list[tuple[str, float]] = []

    async def __call__(self, key: str) -> None:
        self.begun.append(key)
        if self.failures.get(key, 0) > 0:
            self.failures[key] -= 1
            raise Again(f"{key} fails")
        await self.gate.wait()
        self.ended.append(key)

    def failed(self, key: str, _error: Exception, delay: float) -> None:
        self.told.append((key, delay))


def queue_of(work: Work, *, at_once: int = 8) -> KeyedQueue[str]:
    return KeyedQueue(work, at_once=at_once, on_failure=work.failed, base_seconds=0.001)


async def test_a_key_is_worked_on_once_at_a_time_and_once_more_if_asked_meanwhile() -> None:
    work = Work()
    queue = queue_of(work)
    queue.add("a")
    await eventually(lambda: work.begun == ["a"])
    for _ in range(5):
        queue.add("a")
    assert work.begun == ["a"]

    work.gate.set()

    await eventually(lambda: work.ended == ["a", "a"])
    await queue.idle()
    assert work.begun == ["a", "a"]
    await queue.close()


async def test_a_key_that_looked_since_it_was_asked_for_does_not_come_again() -> None:
    work = Work()
    queue = queue_of(work)
    queue.add("a")
    await eventually(lambda: work.begun == ["a"])
    queue.add("a")
    queue.seen("a")
    work.gate.set()
    await queue.idle()
    assert work.begun == ["a"]
    work.gate.clear()
    queue.add("a")
    await eventually(lambda: work.begun == ["a", "a"])
    queue.seen("a")
    queue.add("a")
    work.gate.set()
    await queue.idle()
    assert work.ended == ["a", "a", "a"]
    await queue.close()


async def test_no_more_keys_than_allowed_are_worked_on_at_once() -> None:
    work = Work()
    queue = queue_of(work, at_once=2)
    for key in "abcd":
        queue.add(key)
    await eventually(lambda: work.begun == ["a", "b"])

    work.gate.set()

    await eventually(lambda: sorted(work.ended) == ["a", "b", "c", "d"])
    await queue.close()


async def test_who_waits_for_room_waits_in_turn_and_once() -> None:
    work = Work()
    queue = queue_of(work, at_once=1)
    for key in "abcb":
        queue.add(key)
    queue.add("b", after_seconds=3600)
    await eventually(lambda: work.begun == ["a"])
    queue.add("a")

    work.gate.set()

    await queue.idle()
    assert work.ended == ["a", "b", "c", "a"]
    await queue.close()


async def test_closed_it_forgets_who_waits_for_room() -> None:
    work = Work()
    queue = queue_of(work, at_once=1)
    queue.add("a")
    queue.add("b")
    await eventually(lambda: work.begun == ["a"])

    await queue.close()

    assert work.begun == ["a"]


async def test_a_failing_key_comes_again_and_holds_up_no_other() -> None:
    work = Work()
    work.gate.set()
    work.failures["bad"] = 3
    queue = queue_of(work, at_once=1)
    queue.add("bad")
    queue.add("good")

    await eventually(lambda: "good" in work.ended and "bad" in work.ended)

    assert work.begun.count("bad") == 4
    assert [key for key, _ in work.told] == ["bad"] * 3
    await queue.close()


async def test_a_failing_key_waits_longer_each_time_with_jitter() -> None:
    work = Work()
    work.failures["bad"] = 6
    work.gate.set()
    queue = queue_of(work)
    queue.add("bad")
    await eventually(lambda: "bad" in work.ended)
    for number, (_, delay) in enumerate(work.told):
        assert 0.5 * 0.001 * 2**number <= delay <= 0.001 * 2**number
    await queue.close()


async def test_in_a_hurry_what_failed_is_tried_at_once_and_nothing_else() -> None:
    work = Work()
    work.failures["bad"] = 1
    work.gate.set()
    queue: KeyedQueue[str] = KeyedQueue(
        work, at_once=8, on_failure=work.failed, base_seconds=3600, most_seconds=3600
    )
    queue.add("later", after_seconds=3600)
    queue.add("bad")
    await eventually(lambda: len(work.told) == 1)

    queue.hurry()

    await eventually(lambda: work.ended == ["bad"])
    assert work.begun == ["bad", "bad"]
    await queue.close()


async def test_no_hurry_makes_up_for_what_rests_by_itself() -> None:
    """What was refused, or told when to come again, waits until then."""
    begun: list[str] = []

    async def refuse(key: str) -> None:
        begun.append(key)
        raise Again("refused", after_seconds=3600)

    queue: KeyedQueue[str] = KeyedQueue(refuse, at_once=8, on_failure=lambda *_told: None)
    queue.add("a")
    await queue.idle()
    for _ in range(10):
        queue.hurry()
    queue.add("b")
    await queue.idle()
    assert begun == ["a", "b"]
    await queue.close()


async def test_what_is_tried_while_there_is_hurry_counts_its_failures_anew() -> None:
    """It may have begun on a connection that was dying."""
    delays: list[float] = []
    gate = asyncio.Event()

    async def fail(_key: str) -> None:
        if len(delays) == 8:
            await gate.wait()
        raise Again("unavailable")

    queue: KeyedQueue[str] = KeyedQueue(
        fail,
        at_once=8,
        on_failure=lambda _key, _error, delay: delays.append(delay),
        base_seconds=0.001,
        most_seconds=3600,
    )
    queue.add("a")
    await eventually(lambda: len(delays) == 8 and queue._running)
    queue.hurry()
    gate.set()
    await eventually(lambda: len(delays) >= 9)
    assert delays[7] > 0.06
    assert delays[8] <= 0.001
    await queue.close()


async def test_the_earliest_wish_wins() -> None:
    work = Work()
    work.gate.set()
    queue = queue_of(work)
    queue.add("a", after_seconds=3600)
    queue.add("a", after_seconds=7200)
    assert work.begun == []
    queue.add("a")
    await eventually(lambda: work.ended == ["a"])
    await queue.idle()
    assert work.begun == ["a"]
    await queue.close()


async def test_closed_it_ends_what_runs_and_begins_nothing() -> None:
    work = Work()
    queue = queue_of(work)
    queue.add("a")
    queue.add("b", after_seconds=3600)
    await eventually(lambda: work.begun == ["a"])

    await queue.close()
    queue.add("c")

    assert work.begun == ["a"]
    assert work.ended == []


async def test_a_failing_key_that_is_asked_for_comes_sooner_and_yet_not_at_once() -> None:
    """Its cause may be mended; but a refused write causes events, which ask for it again."""
    begun: list[float] = []

    async def fail(_key: str) -> None:
        begun.append(asyncio.get_running_loop().time())
        raise Again("refused", after_seconds=3600)

    queue: KeyedQueue[str] = KeyedQueue(
        fail, at_once=1, on_failure=lambda *_told: None, base_seconds=0.02
    )
    queue.add("a")

    async def asked() -> bool:
        for number in range(100):
            queue.add("a", after_seconds=0.001 * (number % 2))
        return len(begun) == 4

    await eventually(asked, every_seconds=0.001)

    pauses = [after - before for before, after in itertools.pairwise(begun)]
    assert all(pause >= least for pause, least in zip(pauses, (0.02, 0.04, 0.08), strict=True)), (
        pauses
    )
    await queue.close()


async def test_a_key_that_was_asked_for_while_it_failed_is_not_forgotten() -> None:
    work = Work()
    gate = asyncio.Event()

    async def fail_once(key: str) -> None:
        work.begun.append(key)
        await gate.wait()
        if len(work.begun) == 1:
            raise Again("fails once", after_seconds=3600)
        work.ended.append(key)

    queue: KeyedQueue[str] = KeyedQueue(
        fail_once, at_once=1, on_failure=work.failed, base_seconds=0.001
    )
    queue.add("a")
    await eventually(lambda: work.begun == ["a"])
    queue.add("a")
    gate.set()
    await eventually(lambda: work.ended == ["a"])
    await queue.close()


async def test_an_error_of_ours_is_tried_again_like_any_other() -> None:
    work = Work()
    failed: list[Exception] = []

    async def stumble(key: str) -> None:
        work.begun.append(key)
        if len(work.begun) < 3:
            raise ZeroDivisionError

    queue: KeyedQueue[str] = KeyedQueue(
        stumble,
        at_once=1,
        on_failure=lambda _key, error, _delay: failed.append(error),
        base_seconds=0.001,
    )
    queue.add("a")
    await eventually(lambda: len(work.begun) == 3)
    assert [type(error) for error in failed] == [ZeroDivisionError] * 2
    await queue.close()


async def test_a_key_that_merely_waits_is_no_failure_and_is_worked_on_at_once_when_asked_for() -> (
    None
):
    """What must wait before it is loosened never holds up what is to be tightened meanwhile."""
    begun: list[str] = []
    told: list[str] = []

    async def work(key: str) -> None:
        begun.append(key)
        raise NotYet("a sync may be in flight", after_seconds=0.01 if len(begun) < 3 else 3600)

    queue: KeyedQueue[str] = KeyedQueue(
        work, at_once=1, on_failure=lambda key, *_: told.append(key), base_seconds=3600
    )
    queue.add("a")
    await eventually(lambda: len(begun) == 3)

    queue.add("a")

    await eventually(lambda: len(begun) == 4)
    assert told == []
    await queue.close()


async def test_who_gives_way_goes_on_once_the_rush_is_over_or_the_time() -> None:
    work = Work()
    queue = queue_of(work, at_once=4)
    await queue.at_ease(within_seconds=3600)
    for key in "abcdef":
        queue.add(key)
    await queue.at_ease(within_seconds=0.001)
    assert work.ended == []

    waiting = asyncio.create_task(queue.at_ease(within_seconds=3600))
    work.gate.set()
    await waiting

    assert len(work.ended) >= 4
    await queue.close()
