"""Tokens are fresh, made once for all, and never asked for more often than needed."""

import asyncio
from pathlib import Path

import pytest

from responder.cluster.credentials import Fixed, Made, MadeToken, TokenFile
from responder.cluster.failures import Unavailable
from tests.cluster.clocks import Clock


class Maker:
    """Makes "token-1", "token-2", ... that live for `lifetime` seconds, when `go` is set."""

    def __init__(self, clock: Clock, *, lifetime: float | None = 3600.0) -> None:
        self.clock = clock
        self.lifetime = lifetime
        self.made = 0
        self.failure: Exception | None = None
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> Made:
        self.made += 1
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        ends_at = None if self.lifetime is None else self.clock() + self.lifetime
        return Made(f"token-{self.made}", ends_at)

    def credentials(self) -> MadeToken:
        return MadeToken(self, monotonic=self.clock, wall=self.clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def settle() -> None:
    """Lets tasks that wait for nothing outside end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_fixed_token_stays() -> None:
    assert await Fixed("Bearer a").authorization() == "Bearer a"
    assert await Fixed(None).authorization() is None


@pytest.mark.parametrize("content", ["abc", "abc\n", " abc \r\n\n"])
async def test_white_space_around_a_files_token_is_not_part_of_it(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    assert await TokenFile(file).authorization() == "Bearer abc"


async def test_a_replaced_file_is_read_within_a_minute(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    credentials = TokenFile(file, monotonic=clock)
    await credentials.authorization()
    file.write_text("new")
    clock.advance(59)
    assert await credentials.authorization() == "Bearer old"
    clock.advance(1)
    assert await credentials.authorization() == "Bearer new"


async def test_a_rejected_token_is_read_again_at_once(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    credentials = TokenFile(file, monotonic=clock)
    await credentials.authorization()
    file.write_text("new")
    credentials.rejected()
    assert await credentials.authorization() == "Bearer new"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
async def test_the_last_token_stays_while_the_file_is_of_no_use(
    tmp_path: Path, clock: Clock, content: bytes | None
) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    credentials = TokenFile(file, monotonic=clock)
    await credentials.authorization()
    file.unlink() if content is None else file.write_bytes(content)
    clock.advance(61)
    assert await credentials.authorization() == "Bearer old"
    file.write_text("new")
    assert await credentials.authorization() == "Bearer new"


async def test_without_a_file_the_fallback_counts_and_without_that_nothing(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert await TokenFile(missing, fallback="x").authorization() == "Bearer x"
    with pytest.raises(Unavailable, match="no token can be read"):
        await TokenFile(missing).authorization()


async def test_all_who_wait_get_one_token(clock: Clock) -> None:
    maker = Maker(clock)
    credentials = maker.credentials()
    tokens = await asyncio.gather(*(credentials.authorization() for _ in range(20)))
    assert set(tokens) == {"token-1"}
    assert maker.made == 1


async def test_one_impatient_request_does_not_end_it_for_the_others(clock: Clock) -> None:
    maker = Maker(clock)
    maker.go.clear()
    credentials = maker.credentials()
    impatient = asyncio.create_task(credentials.authorization())
    patient = asyncio.create_task(credentials.authorization())
    await settle()
    impatient.cancel()
    await asyncio.wait([impatient])
    maker.go.set()
    assert await patient == "token-1"


async def test_near_its_end_it_is_made_anew_while_the_old_one_serves(clock: Clock) -> None:
    maker = Maker(clock)
    credentials = maker.credentials()
    await credentials.authorization()
    clock.advance(3600 - 61)
    await credentials.authorization()
    assert maker.made == 1
    clock.advance(2)
    assert await credentials.authorization() == "token-1"
    await settle()
    assert await credentials.authorization() == "token-2"


@pytest.mark.parametrize("lifetime", [None, 60.0, 240.0])
async def test_a_short_life_or_none_told_does_not_make_one_for_every_request(
    clock: Clock, lifetime: float | None
) -> None:
    maker = Maker(clock, lifetime=lifetime)
    credentials = maker.credentials()
    for _ in range(40):
        await credentials.authorization()
        await settle()
        clock.advance(1)
    assert maker.made == 1


async def test_after_its_end_it_is_waited_for(clock: Clock) -> None:
    credentials = Maker(clock).credentials()
    await credentials.authorization()
    clock.advance(3601)
    assert await credentials.authorization() == "token-2"


async def test_a_failure_leaves_the_old_one_until_its_end(clock: Clock) -> None:
    maker = Maker(clock)
    credentials = maker.credentials()
    await credentials.authorization()
    maker.failure = OSError("no plugin")
    clock.advance(3600 - 30)
    for _ in range(10):
        assert await credentials.authorization() == "token-1"
        await settle()
    assert maker.made == 2  # one try in ten seconds, not ten
    clock.advance(31)
    with pytest.raises(Unavailable, match="no plugin"):
        await credentials.authorization()


async def test_a_rejected_one_is_made_anew_but_not_for_every_401(clock: Clock) -> None:
    maker = Maker(clock, lifetime=None)
    credentials = maker.credentials()
    await credentials.authorization()
    clock.advance(10)
    for _ in range(10):
        credentials.rejected()
        await credentials.authorization()
        await settle()
    assert maker.made == 2
    clock.advance(10)
    credentials.rejected()
    await credentials.authorization()
    await settle()
    for _ in range(3):  # what was made anew is not taken for rejected
        clock.advance(10)
        assert await credentials.authorization() == "token-3"
        await settle()
    assert maker.made == 3


async def test_closing_ends_what_is_being_made(clock: Clock) -> None:
    maker = Maker(clock)
    maker.go.clear()
    credentials = maker.credentials()
    waiting = asyncio.create_task(credentials.authorization())
    await settle()
    await credentials.close()
    with pytest.raises(Unavailable):
        await waiting
