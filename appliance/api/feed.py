"""The changes of the status document as a stream of events: `status` first, then one event for each changed section.

Every event is encoded once and shared by all who listen. The latest are kept, so that a listener who lost his
connection is told what he missed when he names the last event he saw. While nobody listens nothing is worked out: what
changed meanwhile is told, all in one, to the next who comes.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

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
        self._document: Document | None = None  # as it was last told
        self._revision = -1  # of the outlook that it was made from
        self._listeners = 0
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follows the run loop; to be run once."""
        async for outlook in self._loop.watch():
            if self._listeners and outlook.revision != self._revision:
                self._tell_changes()

    async def listen(self, last_id: str | None) -> AsyncGenerator[bytes, None]:
        """Frames from where the listener left off; from a whole `status` when that is not known."""
        with self._listening():
            document = self._tell_changes()
            seen = self._known(last_id)
            if seen is None:
                seen = self._number
                yield self._frame("status", document)
            while True:
                changed = self._changed
                if self._number - seen > len(self._frames):  # too slow: some of what he missed is gone
                    document = self._tell_changes()
                    seen = self._number
                    yield self._frame("status", document)
                for number, frame in self._after(seen):
                    seen = number
                    yield frame
                if self._number == seen:
                    await changed.wait()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        self._listeners += 1
        try:
            yield
        finally:
            self._listeners -= 1

    def _tell_changes(self) -> Document:
        """Makes frames of what is not as it was last told; returns how it is now."""
        outlook, before = self._loop.outlook, self._document
        self._document, self._revision = status_document(outlook, self._clock()), outlook.revision
        changes = {} if before is None else changed_sections(before, self._document)
        for name, section in changes.items():
            self._number += 1
            self._frames.append((self._number, self._frame(name, {name: section})))
        if changes:
            self._changed.set()
            self._changed = asyncio.Event()
        return self._document

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
