"""Questions of the other end: a few at once, and no more answers on their way than it takes."""

from __future__ import annotations

import asyncio
from typing import Protocol

from appliance.mesh.lanes import exchange
from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.room import Room
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.tasks import TaskGroup


class Back(Protocol):
    """The way back to who asked."""

    def reply(self, stream: int, answer: bytes) -> None: ...

    def take_back(self, stream: int) -> None: ...

    def takes(self, size: int) -> bool: ...


class Answering:
    def __init__(self, desk: Desk, limits: Limits, tasks: TaskGroup, room: Room, back: Back) -> None:
        self._desk, self._limits, self._tasks = desk, limits, tasks
        self._room, self._back = room, back
        self._open: dict[int, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def asked(self, stream: int, data: bytes, peer: Peer) -> None:
        if len(self._open) >= self._limits.answering:
            refusal = LaneError(Reason.BUSY, "this box answers too many already")
            self._back.reply(stream, exchange.refusal(refusal))
            return
        self._open[stream] = self._tasks.start(f"question of {peer.node}", self._answer(stream, data, peer))

    async def _answer(self, stream: int, data: bytes, peer: Peer) -> None:
        try:
            answer = await self._desk.answer(peer, data, self._limits.message)
            async with asyncio.timeout(self._limits.stream_seconds):
                await self._room.until(lambda: self._back.takes(len(answer)))
            self._back.reply(stream, answer)
        except TimeoutError:  # it asks and does not take the answers
            self._back.take_back(stream)
        finally:
            self._open.pop(stream, None)

    def nobody_listens(self, stream: int) -> None:
        task = self._open.pop(stream, None)
        if task is not None:
            task.cancel()

    def stop(self) -> None:
        for task in self._open.values():
            task.cancel()
