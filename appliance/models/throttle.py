"""Holds all downloads together to a number of bytes a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

BURST_SECONDS = 0.25


class Throttle:
    """`rate` gives bytes per second at the moment, 0 for as many as come."""

    def __init__(
        self,
        rate: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0  # when all that was taken so far has had its time

    async def take(self, count: int) -> None:
        """Waits until so many bytes may have come."""
        rate = self._rate()
        if rate <= 0:
            return
        now = self._clock()
        self._free_at = max(self._free_at, now) + count / rate
        wait = self._free_at - now - BURST_SECONDS
        if wait > 0:
            await self._sleep(wait)
