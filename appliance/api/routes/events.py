"""The stream of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get
from litestar.types import ControllerRouterHandler
from sse_starlette import EventSourceResponse

from appliance.api.deps import ApiDeps
from appliance.api.streams import Frames, Stream


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @get("/api/events", media_type="text/event-stream")
    async def events(request: Request[Any, Any, Any]) -> EventSourceResponse:
        """`status` at once, then an event for each part of it that changes; `Last-Event-ID` goes on from there."""
        frames = deps.feed.listen(request.headers.get("last-event-id"))
        return event_stream(until_stopping(frames, deps.stopping))

    return [events]


def event_stream(said: Frames) -> EventSourceResponse:
    return Stream(said)


def until_stopping(frames: AsyncIterator[bytes], stopping: asyncio.Event) -> Frames:
    """The frames until the box ends: an open page must not hold up the end."""
    return Frames(frames, stopping)
