"""Connections to other boxes on which they are asked over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from appliance.mesh.lanes.purpose import Purpose, Tunnel
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError, Reason

AT_ONCE = 8  # connections that are being opened to one box; it bounds the handshakes of one address
PAUSE_SECONDS = 1.0  # after a vain try: whoever asks meanwhile is told at once, and goes elsewhere

Reach = Callable[[str, Purpose], Awaitable[Stream]]  # by the id of the box; raises LaneError

_OF_THE_MOMENT = frozenset({Reason.BUSY, Reason.CLOSED})


@dataclass(slots=True)
class _Box:
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    users: int = 0  # connections that are being opened, or wait for that
    trouble: str = ""  # why the last try was in vain
    tried: float = 0.0
    opened: float = 0.0  # when one was opened last


class Asking:
    """Lives in the loop's thread."""

    def __init__(self, reach: Reach, clock: Callable[[], float] = time.monotonic) -> None:
        self._reach, self._clock = reach, clock
        self._boxes: dict[str, _Box] = {}

    async def connect(self, node: str, protocol: asyncio.Protocol) -> None:
        """Gives the protocol a new connection to that box, which waits for a request. Raises ConnectionError."""
        box = self._boxes.setdefault(node, _Box())
        box.users += 1
        try:
            async with box.turn:
                self._check(box)
                await self._open(node, box, protocol)
        finally:
            box.users -= 1
            if not box.users and not box.trouble:
                self._boxes.pop(node, None)

    def forget(self, node: str) -> None:
        """It is back, or gone for good: what was in vain before tells nothing any more."""
        box = self._boxes.get(node)
        if box is not None:
            box.trouble = ""
            if not box.users:
                del self._boxes[node]

    def _check(self, box: _Box) -> None:
        if box.trouble and self._clock() - box.tried < PAUSE_SECONDS:
            raise ConnectionError(box.trouble)

    async def _open(self, node: str, box: _Box, protocol: asyncio.Protocol) -> None:
        began = self._clock()
        try:
            stream = await self._reach(node, Tunnel())
            box.trouble, box.opened = "", self._clock()
            stream.detach(protocol)
        except LaneError as error:
            if error.reason not in _OF_THE_MOMENT and box.opened <= began:
                box.trouble, box.tried = str(error), self._clock()
            raise ConnectionError(str(error)) from error
