"""What of a stream has passed: whole events only, counted, with its beginning and its end kept for the books."""

from __future__ import annotations

from appliance.proxy.events import EventCutter
from appliance.proxy.meter import RequestMeter, Ticket
from appliance.proxy.usage import TAIL

END_OF_EVENT = b"\n\n"


class Passage:
    __slots__ = ("_before", "_cutter", "_latest", "_meter", "_ticket", "events", "head")

    def __init__(self, meter: RequestMeter, ticket: Ticket) -> None:
        self._meter, self._ticket = meter, ticket
        self._cutter = EventCutter()
        self._before = self._latest = b""
        self.head = b""
        self.events = 0

    def take(self, piece: bytes) -> bytes:
        """Books a piece that has come from the engine; what of the stream can be passed on with it."""
        self._meter.received(self._ticket, len(piece))
        return self.cut(piece)

    def cut(self, piece: bytes) -> bytes:
        """The same for one that is in the books."""
        if whole := self._cutter.feed(piece):
            self.head = self.head or whole
            self._before, self._latest = self._latest, whole
            self.events += whole.count(END_OF_EVENT)
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
