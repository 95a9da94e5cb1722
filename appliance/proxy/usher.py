"""Takes a request to its place at an engine: at once when one is free, else through the line, told where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from appliance.proxy import errors
from appliance.proxy.asgi import Header, Scope, text_header
from appliance.proxy.forward import Call
from appliance.proxy.intake import ClientGone
from appliance.proxy.lines import Lines, Place
from appliance.routing.table import Route
from appliance.settings.schema import ApiSettings

PRIORITIES = {"": None, "interactive": False, "high": False, "normal": False, "batch": True, "low": True}

AT_ONCE: Header = (b"x-meshbox-queue", b"0")

Say = Callable[[str], Awaitable[None]]


def is_batch(scope: Scope, call: Call) -> bool:
    """Whether nobody sits and waits: the header decides, else the request's own `service_tier`. Raises ApiError."""
    given = text_header(scope, b"x-meshbox-priority").strip().lower()
    if given not in PRIORITIES:
        raise errors.bad_request(
            "The header X-Meshbox-Priority has to be interactive or batch.", "invalid_priority", "X-Meshbox-Priority"
        )
    wanted = PRIORITIES[given]
    return call.peeked.batch if wanted is None else wanted


class Usher:
    def __init__(self, lines: Lines, settings: Callable[[], ApiSettings], stopping: asyncio.Event) -> None:
        self._lines, self._settings, self._stopping = lines, settings, stopping

    async def seat(self, call: Call, route: Route, say: Say) -> bool:
        """Gives the call its place, which has to be left in the end; whether it had to wait for it.

        Raises ApiError (429, 503), or ClientGone.
        """
        if route.slots is None or not takes_place(call, route):
            return False
        if call.place is not None and call.place.model == route.model and call.place.granted:
            return False  # of a try before
        self.leave(call)
        if self._lines.full(route.model, self._settings().queue_length):
            waiting = self._lines.waiting(route.model)
            raise errors.queue_full(route.model, waiting, self._lines.room_in(route.model))
        place = self.enter(call, route.model, route.slots)
        if place.granted:
            return False
        await self._wait(call, place, say)
        return True

    def enter(self, call: Call, model: str, places: int) -> Place:
        caller = f"key {call.ticket.key}" if call.ticket.key else call.ticket.address
        place = call.place = self._lines.enter(model, places, caller, call.ticket, batch=call.batch)
        return place

    def leave(self, call: Call) -> None:
        if call.place is not None:
            call.place.leave()

    async def _wait(self, call: Call, place: Place, say: Say) -> None:
        call.ticket.queued = True
        try:
            while not place.granted:
                if call.gone:
                    raise ClientGone
                if self._stopping.is_set():
                    raise errors.draining()
                if place.waited > self._settings().queue_wait_s:
                    raise errors.queue_timeout(place.model, place.position, place.waited, place.expected)
                await say(f"queued {place.position}")
                await place.look()
        finally:
            call.ticket.queued = False


def takes_place(call: Call, route: Route) -> bool:
    """Whether it takes one of the engine's places side by side."""
    return call.target.works and route.slots is not None


def place_headers(call: Call) -> list[Header]:
    """Where the request stood when it came, and how long it waited for its turn."""
    place = call.place
    if place is None:
        return []
    if not place.first:
        return [AT_ONCE]
    return [(b"x-meshbox-queue", b"%d" % place.first), (b"x-meshbox-waited", b"%.3f" % place.waited)]
