"""Words to a client whose answer has not begun: in a stream, comments that say what it waits for.

Comments are no events: no client shows them, but each keeps the connection alive and tells a curious person how far
things are. They begin only after a moment, so that a refusal that comes at once still has its own status.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from appliance.proxy.asgi import Header, Send

FIRST_AFTER_SECONDS = 2.0
AGAIN_AFTER_SECONDS = 5.0
STREAM_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


@dataclass(slots=True)
class EarlyWords:
    """For one request whose client reads a stream."""

    send: Send
    clock: Callable[[], float] = time.monotonic
    begun: bool = False  # the head of the answer has been sent
    _text: str = ""
    _next: float = field(default=-1.0)

    async def say(self, text: str, headers: Sequence[Header]) -> None:
        """Passes on what is new, and anything once in a while."""
        now = self.clock()
        if self._next < 0:
            self._next = now + FIRST_AFTER_SECONDS
        if now < self._next and (not self.begun or text == self._text):
            return
        if not self.begun:
            self.begun = True
            await self.send({"type": "http.response.start", "status": 200, "headers": [*STREAM_HEADERS, *headers]})
        self._text, self._next = text, now + AGAIN_AFTER_SECONDS
        await self.send({"type": "http.response.body", "body": f": {text}\n\n".encode(), "more_body": True})
