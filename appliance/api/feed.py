"""The changes of the status document as a stream of events: `status` first, then one event for each changed section.

Every event is encoded once and shared by all who listen. The latest are kept, so that a listener who lost his
connection is told what he missed when he names the last event he saw.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable

from appliance.api.encode import encode
from appliance.api.status import Document, changed_sections, status_document
from appliance.run_loop import RunLoop

KEPT = 512
LONGEST_NUMBER = 18  # digits; more of them cost time and mean nothing


class EventFeed:
    def __init__(self, loop: RunLoop, clock: Callable[[], float]) -> None:
        self._loop = loop
        self._clock = clock
        self._run = secrets.token_hex(4)  # ids of another run of the box mean nothing here
        self._number = 0
        self._frames: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._document = status_document(loop.outlook, clock())
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follows the run loop; to be run once."""
        async for outlook in self._loop.watch():
            document = status_document(outlook, self._clock())
            for name, section in changed_sections(self._document, document).items():
                self._number += 1
                self._frames.append((self._number, self._frame(name, {name: section})))
            self._document = document
            self._changed.set()
            self._changed = asyncio.Event()

    async def listen(self, last_id: str | None) -> AsyncIterator[bytes]:
        """Frames from where the listener left off; from a whole `status` when that is not known."""
        seen = self._known(last_id)
        if seen is None:
            seen = self._number
            yield self._frame("status", status_document(self._loop.outlook, self._clock()))
        while True:
            changed = self._changed
            if self._number - seen > len(self._frames):  # too slow: some of what he missed is gone
                seen = self._number
                yield self._frame("status", status_document(self._loop.outlook, self._clock()))
            for number, frame in self._after(seen):
                seen = number
                yield frame
            if self._number == seen:
                await changed.wait()

    def _after(self, seen: int) -> list[tuple[int, bytes]]:
        """The frames that follow; there are no gaps in what is kept."""
        return list(self._frames)[len(self._frames) - (self._number - seen) :]

    def _known(self, last_id: str | None) -> int | None:
        """The number in an id, if everything after it is still kept."""
        run, _, number = (last_id or "").partition("-")
        if run != self._run or not number.isdecimal() or len(number) > LONGEST_NUMBER:
            return None
        seen = int(number)
        return seen if 0 <= self._number - seen <= len(self._frames) else None

    def _frame(self, name: str, data: Document) -> bytes:
        return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (
            self._run.encode(),
            self._number,
            name.encode(),
            encode(data),
        )
