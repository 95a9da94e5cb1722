"""What all connections share: the application, who may come in, and how long anybody may take."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from appliance.proxy.asgi import Receive, Scope, Send
from appliance.proxy.direct.line import Direct
from appliance.proxy.errors import ApiError
from appliance.tasks import TaskGroup

log = logging.getLogger("meshbox.wire")

Application = Callable[[Scope, Receive, Send], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Limits:
    connections: int = 16_000
    connections_of_one: int = 14_000  # address
    head_seconds: float = 15.0  # from the first byte of a head to its last
    idle_seconds: float = 120.0  # longer than clients keep a connection, so that it is theirs to end it
    stall_seconds: float = 600.0  # without making room for more of an answer that waits
    linger_seconds: float = 3.0  # to read our last words, before the connection is cut
    body_seconds: float = 30.0  # after which a body has to have come in at the least speed
    body_bytes_per_second: int = 1024
    body_moment: float = 0.25  # in which the rest of a short request is waited for before it is begun
    look_seconds: float = 0.5  # so often all this is looked at


class Guest(Protocol):
    """A connection, as far as the desk is concerned."""

    address: str

    def refuse(self, error: ApiError) -> None: ...
    def out_of_time(self, lane: Lane) -> None: ...
    def too_slow(self, now: float) -> bool: ...
    def wind_down(self) -> None: ...
    def abort(self) -> None: ...


class Lane:
    """Connections that wait for the same thing, the one that came first in front: a look costs nothing."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[Guest, float] = {}

    def enter(self, guest: Guest, now: float) -> None:
        self._since.setdefault(guest, now)

    def leave(self, guest: Guest) -> None:
        self._since.pop(guest, None)

    def __contains__(self, guest: Guest) -> bool:
        return guest in self._since

    def look(self, now: float) -> None:
        due = []
        for guest, since in self._since.items():
            if since + self._seconds > now:
                break
            due.append(guest)
        for guest in due:
            self.leave(guest)
            guest.out_of_time(self)


class Desk:
    def __init__(self, app: Application, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.direct: Direct | None = getattr(app, "direct", None)
        self.tasks = TaskGroup()
        self.heads, self.idle = Lane(limits.head_seconds), Lane(limits.idle_seconds)
        self.stalled, self.lingering = Lane(limits.stall_seconds), Lane(limits.linger_seconds)
        self.bodies = Lane(limits.body_moment)
        self.lanes = (self.heads, self.idle, self.stalled, self.lingering, self.bodies)
        self.uploading: set[Guest] = set()
        self.stopping = False
        self.parting = False  # each answer is the last one of its connection
        self.empty = asyncio.Event()
        self.empty.set()
        self._guests: set[Guest] = set()
        self._addresses: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()

    @property
    def guests(self) -> int:
        return len(self._guests)

    def admit(self, guest: Guest) -> None:
        """Raises ApiError when there are too many."""
        self._guests.add(guest)
        self._addresses[guest.address] += 1
        self.empty.clear()
        if self.stopping or len(self._guests) > self.limits.connections:
            raise ApiError(503, "too_many_connections", "This box has too many open connections.", retry_after=1)
        if self._addresses[guest.address] > self.limits.connections_of_one:
            raise ApiError(429, "too_many_connections", "This address has too many open connections.", retry_after=1)
        self.idle.enter(guest, self._loop.time())

    def dismiss(self, guest: Guest) -> None:
        self._guests.discard(guest)
        self._addresses[guest.address] -= 1
        if not self._addresses[guest.address]:
            del self._addresses[guest.address]
        for lane in self.lanes:
            lane.leave(guest)
        self.uploading.discard(guest)
        if not self._guests:
            self.empty.set()

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(self.limits.look_seconds)
            try:
                self.look(self._loop.time())
            except Exception:  # the border of a look: one connection's trouble must not end the limits of all
                log.exception("a look at the connections failed")

    def look(self, now: float) -> None:
        for lane in self.lanes:
            lane.look(now)
        for guest in [guest for guest in self.uploading if guest.too_slow(now)]:
            guest.refuse(ApiError(408, "request_timeout", "The body of this request comes too slowly."))

    def part(self) -> None:
        """Idle connections end now, busy ones after their answer; who still comes gets one answer."""
        self.parting = True
        for guest in list(self._guests):
            guest.wind_down()

    async def close(self, patience: float) -> None:
        """Idle connections end now, busy ones after their answer, all of them when patience is over."""
        self.stopping = True
        self.part()
        try:
            async with asyncio.timeout(patience):
                await self.empty.wait()
        except TimeoutError:
            for guest in list(self._guests):
                guest.abort()
        await self.tasks.close()
