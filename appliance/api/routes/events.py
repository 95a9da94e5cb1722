"""The stream of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get
from litestar.types import ControllerRouterHandler
from sse_starlette import EventSourceResponse

from appliance.api.deps import ApiDeps
from appliance.tasks import TaskGroup

PING_SECONDS = 15
SEND_SECONDS = 30  # a listener that takes nothing for so long is let go


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @get("/api/events")
    async def events(request: Request[Any, Any, Any]) -> EventSourceResponse:
        """`status` at once, then an event for each part of it that changes; `Last-Event-ID` goes on from there."""
        frames = deps.feed.listen(request.headers.get("last-event-id"))
        return event_stream(until_stopping(frames, deps.stopping))

    return [events]


def event_stream(frames: AsyncIterator[bytes]) -> EventSourceResponse:
    return EventSourceResponse(
        frames, ping=PING_SECONDS, send_timeout=SEND_SECONDS, headers={"X-Accel-Buffering": "no"}
    )


async def until_stopping(frames: AsyncIterator[bytes], stopping: asyncio.Event) -> AsyncIterator[bytes]:
    """The frames until the box ends: an open page must not hold up the end."""
    tasks = TaskGroup()
    end = tasks.start("end of the box", stopping.wait())
    try:
        while True:
            following = tasks.start("next frame", _following(frames))
            await asyncio.wait({following, end}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done() or (frame := following.result()) is None:
                return
            yield frame
    finally:
        await tasks.close()


async def _following(frames: AsyncIterator[bytes]) -> bytes | None:
    return await anext(frames, None)
