"""What is interrupted cleans up in peace, and the signals are as they were where nothing came."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from responder.sandbox.interruption import Interrupted, run_interruptibly

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in NUMBERS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_second_signal_does_not_break_into_the_cleaning_up(number: signal.Signals) -> None:
    told = []

    async def work() -> None:
        try:
            signal.raise_signal(number)
            await asyncio.sleep(60)
        finally:
            signal.raise_signal(number)
            await asyncio.sleep(0)
            told.append("cleaned up")

    with pytest.raises(Interrupted):
        run_interruptibly(work())
    signal.raise_signal(number)  # too late to matter
    assert told == ["cleaned up"]


def test_where_nothing_comes_the_signals_are_as_before() -> None:
    async def work() -> int:
        return 7

    before = [signal.getsignal(number) for number in NUMBERS]
    assert run_interruptibly(work()) == 7
    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    async def work() -> int:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0)
        return 7

    assert run_interruptibly(work()) == 7
