"""Lets no more requests to an engine than it answers side by side; the others wait in a fair line, one for each model.

The engine would take them all and answer them in the order they came, in the dark. Here a client sees its position, a
caller with a hundred requests does not hold up another, and one who leaves is out of the line at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from appliance.proxy.meter import Ticket
from appliance.routing.line import FairLine, Turn

LOOK_SECONDS = 1.0  # so often those who wait are told anew where they stand
STALLED_LOOKS = 10  # a client that reads nothing for so many looks gives its place to others


class Place:
    """One request's way through the line: it waits, it holds a place at the engine, it has left."""

    __slots__ = ("_lines", "_room", "_woken", "first", "model", "position", "ticket", "turn", "unread")

    def __init__(self, lines: Lines, model: str, room: _Room, turn: Turn, ticket: Ticket) -> None:
        self._lines, self._room, self.model, self.turn, self.ticket = lines, room, model, turn, ticket
        self._woken: asyncio.Event | None = None  # made only by those who have to wait
        self.first = self.position = 0  # where it stood when it came, and lately: 1 is next, 0 had not to wait
        self.unread = (0, 0)  # bytes sent, and in how many looks no more of them were taken

    @property
    def granted(self) -> bool:
        return self.turn.started is not None

    @property
    def waited(self) -> float:
        """Seconds until its turn came, or until now."""
        until = self._lines.clock() if self.turn.started is None else self.turn.started
        return until - self.turn.came

    @property
    def expected(self) -> float:
        """Seconds until its turn, as far as the speed measured so far tells."""
        return self._room.line.seconds_until(max(1, self.position), self._room.places, self._lines.clock())

    async def look(self) -> bool:
        """Waits until it is its turn, until it is woken, or until it is time to look where it stands."""
        if self._woken is None:
            self._woken = asyncio.Event()
        self._woken.clear()
        if not self.granted:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                self._lines.look_around(self._room)
        return self.granted

    def wake(self) -> None:
        if self._woken is not None:
            self._woken.set()

    def leave(self) -> None:
        """Gives the place up, in the line or at the engine; more than once does no harm."""
        self._lines.leave(self._room, self)


class _Room:
    """The line of one model, and who stands in it or is at its engine."""

    __slots__ = ("line", "looked", "places", "present")

    def __init__(self) -> None:
        self.line, self.places, self.looked = FairLine(), 0, 0.0
        self.present: dict[Turn, Place] = {}


class Lines:
    """Lives in the loop's thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._rooms: dict[str, _Room] = {}

    def waiting(self, model: str) -> int:
        room = self._rooms.get(model)
        return room.line.waiting if room else 0

    def busy(self, model: str) -> int:
        """Requests that are at its engine here or wait for it."""
        room = self._rooms.get(model)
        return room.line.running + room.line.waiting if room else 0

    def full(self, model: str, length: int) -> bool:
        """Whether one more would have to be sent away."""
        room = self._rooms.get(model)
        return room is not None and room.line.waiting >= length and room.line.running >= room.places

    def free(self, model: str, places: int) -> bool:
        """Whether one more would not have to wait."""
        room = self._rooms.get(model)
        return room is None or (not room.line.waiting and room.line.running < places)

    def room_in(self, model: str) -> float:
        """In how many seconds one who was sent away should come again."""
        room = self._rooms[model]
        return room.line.room_in(room.places, self.clock())

    def enter(self, model: str, places: int, caller: str, ticket: Ticket, *, batch: bool = False) -> Place:
        """The caller has to see to it that the place is left, whatever happens."""
        room = self._rooms.get(model)
        if room is None:
            room = self._rooms[model] = _Room()
        now, room.places, line = self.clock(), places, room.line
        if not line.waiting and line.running < places:
            turn = line.start_at_once(caller, now, batch=batch)
            place = room.present[turn] = Place(self, model, room, turn, ticket)
            return place
        place = Place(self, model, room, line.come(caller, now, batch=batch), ticket)
        room.present[place.turn] = place
        self._grant(room, now)
        if not place.granted:
            self._tell(room, now)
            place.first = place.position
        return place

    def leave(self, room: _Room, place: Place) -> None:
        if room.present.pop(place.turn, None) is None:
            return
        now = self.clock()
        room.line.leave(place.turn, now)
        if room.line.waiting:
            self._grant(room, now)

    def look_around(self, room: _Room) -> None:
        """Where each one stands now; and places held by clients that read nothing go to others."""
        now = self.clock()
        if now - room.looked < LOOK_SECONDS:
            return
        room.looked = now
        for place in _stalled(room.present.values()):
            self.leave(room, place)
        self._tell(room, now)

    def _tell(self, room: _Room, now: float) -> None:
        for position, turn in enumerate(room.line.order(now), 1):
            room.present[turn].position = position

    def _grant(self, room: _Room, now: float) -> None:
        for turn in room.line.grant(room.places, now):
            room.present[turn].wake()


def _stalled(places: Iterable[Place]) -> list[Place]:
    """Their engines owe them nothing that they would take: what these clients leave unread may hold up nobody else."""
    found = []
    for place in places:
        ticket, (sent, looks) = place.ticket, place.unread
        idle = place.granted and not ticket.waiting and 0 < ticket.sent == sent
        place.unread = (ticket.sent, looks + 1 if idle else 0)
        if place.unread[1] >= STALLED_LOOKS:
            found.append(place)
    return found
