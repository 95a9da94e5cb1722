"""One client that listens: what it may see, and what it has not been told yet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from appliance.proxy.news.told import Shown, frame, model_events, shown
from appliance.proxy.permit import Permit
from appliance.routing.table import RoutingTable

MOST_WAITING = 512  # events; a client that lets more of them gather is let go

TOO_SLOW = b": you read too slowly, come again\n\n"


class Listener:
    def __init__(self, permit: Permit, share: str) -> None:
        self.permit, self.share = permit, share
        self.over = False
        self._frames: list[bytes] = []
        self._models: Mapping[str, Shown] = {}
        self._woken = asyncio.Event()

    def look(self, table: RoutingTable, at: float) -> None:
        """Hears how the models are now."""
        models = shown(self.permit.visible(table).routes)
        for name, says in model_events(self._models, models):
            self.tell(frame(name, says, at))
        self._models = models

    def tell(self, event: bytes) -> None:
        if self.over:
            return
        self._frames.append(event)
        if len(self._frames) > MOST_WAITING:
            self._frames = [TOO_SLOW]
            self.over = True
        self._woken.set()

    def end(self, last: bytes = b"") -> None:
        if not self.over:
            self.tell(last)
            self.over = True
            self._woken.set()

    async def next(self, seconds: float) -> bytes:
        """What is to be told now; nothing when that long nothing happened."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return b""
        self._woken.clear()
        told, self._frames = b"".join(self._frames), []
        return told
