"""What this end asked and was not answered yet: bounded, each with an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.trouble import LaneError, Reason


class Questions:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._turn = asyncio.Semaphore(limits.questions)
        self._waiting = 0
        self._open: dict[int, asyncio.Future[bytes]] = {}

    def __contains__(self, stream: int) -> bool:
        return stream in self._open

    def __len__(self) -> int:
        return len(self._open)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One of the few places; who finds too many waiting is refused at once."""
        if self._waiting >= self._limits.questions_waiting:
            raise LaneError(Reason.BUSY, "too many questions wait for that box already")
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    def opened(self, stream: int) -> asyncio.Future[bytes]:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._open[stream] = future
        return future

    def closed(self, stream: int) -> None:
        self._open.pop(stream, None)

    def answered(self, stream: int, data: bytes) -> None:
        future = self._open.get(stream)
        if future is not None and not future.done():
            future.set_result(data)

    def failed(self, stream: int, error: LaneError) -> None:
        future = self._open.get(stream)
        if future is not None and not future.done():
            future.set_exception(error)

    def all_failed(self, error: LaneError) -> None:
        for stream in list(self._open):
            self.failed(stream, error)
