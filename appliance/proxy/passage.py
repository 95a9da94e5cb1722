"""What of a stream has passed: whole events only, counted, with its beginning and its end kept for the books."""

from __future__ import annotations

from collections.abc import Callable

from appliance.proxy.events import EventCutter
from appliance.proxy.meter import Ticket
from appliance.proxy.rescue.kept import Kept
from appliance.proxy.shortcut import Run, Shortcut, run_of_one
from appliance.proxy.usage import TAIL

END_OF_EVENT = b"\n\n"


class Passage:
    __slots__ = ("_before", "_cutter", "_kept", "_latest", "_short", "_ticket", "events", "head")

    def __init__(self, ticket: Ticket, kept: Kept | None = None) -> None:
        self._ticket, self._kept = ticket, kept
        self._cutter = EventCutter()
        self._before = self._latest = b""
        self._short: Shortcut | None = None
        self.head = b""
        self.events = 0

    def take(self, piece: bytes) -> bytes:
        """Books a piece that is not the first from the engine; what of the stream can be passed on with it."""
        self._ticket.sent += len(piece)
        return self.cut(piece)

    def cut(self, piece: bytes) -> bytes:
        """The same for one that is in the books."""
        self._settle()
        if whole := self._cutter.feed(piece):
            self._book(run_of_one(whole))
        return whole

    def shortcut(self, write: Callable[[bytes], None]) -> Shortcut | None:
        """The way around `take` for chunks of whole events; None while a part of an event waits for its rest."""
        if self._cutter.holding:
            return None
        if self._short is None:
            self._short = Shortcut(write, self._book_short)
        return self._short

    def _settle(self) -> None:
        if self._short is not None:
            self._short.settle()

    def _book_short(self, run: Run) -> None:
        self._ticket.sent += run.size
        self._book(run)

    def _book(self, run: Run) -> None:
        for piece in run.last_two():
            self.head = self.head or piece
            self._before, self._latest = self._latest, piece
        self.events += run.occurrences(END_OF_EVENT)
        if self._kept is not None:
            self._kept.add_run(run)

    def rest(self) -> bytes:
        """What is still held back when the stream has ended well."""
        return self._cutter.rest()

    def close(self) -> None:
        """Nothing more passes. It and its shortcut hold each other: each would wait for the garbage collector."""
        self._settle()
        self._short = None

    @property
    def tail(self) -> bytes:
        return self._before[-TAIL:] + self._latest[-TAIL:]

    def waiting(self, owes: bool) -> None:  # noqa: FBT001 - the one thing it is told
        """Whether the engine owes something."""
        self._settle()
        self._ticket.waiting = owes
