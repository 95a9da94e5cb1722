"""Waiting until the other end has taken enough of what went before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Room:
    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def until(self, enough: Callable[[], bool]) -> None:
        """Looked at whenever something moved."""
        while not enough():
            moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(moved)
            await moved

    def moved(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)
