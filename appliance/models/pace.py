"""Whether a file comes so slowly that it holds up others for nothing. Pure but for the clock.

Only the time in which the other side is waited for counts: not what a disk takes, nor a limit that the owner has set.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable

SLOWEST = 1 << 10  # bytes a second; at that pace a small model takes weeks
LOOK_SECONDS = 180.0  # so long the other side has to be waited for before its pace is judged


class TooSlow(Exception):
    """Less than the least came, for minutes."""


async def at_a_pace(
    pieces: AsyncIterator[bytes],
    clock: Callable[[], float] = time.monotonic,
    slowest: float = SLOWEST,
    look: float = LOOK_SECONDS,
) -> AsyncGenerator[bytes, None]:
    """The same pieces. Raises TooSlow."""
    waited, count, began = 0.0, 0, clock()
    async for piece in pieces:
        waited, count = waited + clock() - began, count + len(piece)
        yield piece
        if waited >= look:
            if count < waited * slowest:
                raise TooSlow
            waited, count = 0.0, 0
        began = clock()
