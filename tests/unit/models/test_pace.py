"""Files that come too slowly."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from appliance.models.pace import LOOK_SECONDS, SLOWEST, TooSlow, at_a_pace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def dripping(clock: Clock, count: int, size: int, seconds: float) -> AsyncIterator[bytes]:
    for _ in range(count):
        clock.now += seconds
        yield bytes(size)


async def taken(clock: Clock, pieces: AsyncIterator[bytes], work: float = 0.0) -> int:
    """How many bytes came; who takes them needs so long for each piece."""
    size = 0
    async for piece in at_a_pace(pieces, clock):
        size += len(piece)
        clock.now += work
    return size


async def test_a_byte_now_and_then_is_too_slow() -> None:
    """But not before it was looked at for minutes."""
    clock = Clock()
    with pytest.raises(TooSlow):
        await taken(clock, dripping(clock, 1000, 1, 20.0))
    assert clock.now == LOOK_SECONDS


async def test_a_slow_line_is_fast_enough() -> None:
    """It brings what it can."""
    clock = Clock()
    assert await taken(clock, dripping(clock, 100, SLOWEST * 20, 20.0)) == 100 * SLOWEST * 20


async def test_each_time_is_judged_by_itself() -> None:
    """A quick beginning does not make up for an endless rest."""
    clock = Clock()

    async def tiring() -> AsyncIterator[bytes]:
        async for piece in dripping(clock, 10, 1 << 30, 20.0):
            yield piece
        async for piece in dripping(clock, 1000, 1, 20.0):
            yield piece

    with pytest.raises(TooSlow):
        await taken(clock, tiring())
    assert clock.now <= 10 * 20 + 2 * LOOK_SECONDS


async def test_what_the_box_itself_takes_is_nobodys_fault() -> None:
    """A slow disk, or a limit that the owner has set."""
    clock = Clock()
    assert await taken(clock, dripping(clock, 50, 1, 0.0), work=60.0) == 50
