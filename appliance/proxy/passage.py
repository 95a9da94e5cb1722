"""What of a stream has passed: whole events only, counted, with its beginning and its end kept for the books."""

from __future__ import annotations

from appliance.proxy.events import EventCutter
from appliance.proxy.meter import Ticket
from appliance.proxy.rescue.kept import Kept
from appliance.proxy.usage import TAIL

END_OF_EVENT = b"\n\n"


class Passage:
    __slots__ = ("_before", "_cutter", "_kept", "_latest", "_ticket", "events", "head")

    def __init__(self, ticket: Ticket, kept: Kept | None = None) -> None:
        self._ticket, self._kept = ticket, kept
        self._cutter = EventCutter()
        self._before = self._latest = b""
        self.head = b""
        self.events = 0

    def take(self, piece: bytes) -> bytes:
        """Books a piece that is not the first from the engine; what of the stream can be passed on with it."""
        self._ticket.sent += len(piece)
        return self.cut(piece)

    def cut(self, piece: bytes) -> bytes:
        """The same for one that is in the books."""
        if whole := self._cutter.feed(piece):
            self.head = self.head or whole
            self._before, self._latest = self._latest, whole
            self.events += whole.count(END_OF_EVENT)
            if self._kept is not None:
                self._kept.add(whole)
        return whole

    def rest(self) -> bytes:
        """What is still held back when the stream has ended well."""
        return self._cutter.rest()

    @property
    def tail(self) -> bytes:
        return self._before[-TAIL:] + self._latest[-TAIL:]

    def waiting(self, owes: bool) -> None:  # noqa: FBT001 - the one thing it is told
        """Whether the engine owes something."""
        self._ticket.waiting = owes
