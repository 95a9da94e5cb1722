"""Event streams: one ends when its listener leaves, when the box stops, and when the listener's login ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from sse_starlette import EventSourceResponse

from appliance.api.login import STILL_KNOWN
from appliance.tasks import TaskGroup

PING_SECONDS = 15
SEND_SECONDS = 30  # a listener that takes nothing for so long is let go
RECHECK_SECONDS = 3.0  # so soon a stream ends after its login did

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Frames:
    """What a stream says, and what ends it."""

    frames: AsyncIterator[bytes]
    stopping: asyncio.Event


class Stream(EventSourceResponse):
    """To the server below, the end from our side looks like a listener who left: nothing is paid for it per frame."""

    def __init__(self, said: Frames) -> None:
        super().__init__(said.frames, ping=PING_SECONDS, send_timeout=SEND_SECONDS, headers={"X-Accel-Buffering": "no"})
        self._stopping = said.stopping

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        tasks, closed = TaskGroup(), False
        over = tasks.start("end of a stream", self._over(scope["state"][STILL_KNOWN]))

        async def next_message() -> Message:
            coming = tasks.start("word of a listener", _received(receive))
            await asyncio.wait({coming, over}, return_when=asyncio.FIRST_COMPLETED)
            return coming.result() if coming.done() else {"type": "http.disconnect"}

        async def sending(message: Message) -> None:
            nonlocal closed
            closed = message.get("more_body") is False
            await send(message)

        try:
            await super().__call__(scope, next_message, sending)
            if over.done() and not closed:
                await send({"type": "http.response.body", "body": b""})  # the end, not a break
        finally:
            await tasks.close()

    async def _over(self, known: Callable[[], Awaitable[bool]]) -> None:
        while True:
            try:
                async with asyncio.timeout(RECHECK_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                if await known():
                    continue
            return


async def _received(receive: Receive) -> Message:
    return await receive()
