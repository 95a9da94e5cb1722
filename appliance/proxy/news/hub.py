"""Everybody who listens. While nobody does, nothing is looked at and nothing is worked out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from appliance.proxy.deps import ProxyDeps
from appliance.proxy.errors import ApiError
from appliance.proxy.meter import Ticket
from appliance.proxy.news.listener import Listener
from appliance.proxy.news.told import frame
from appliance.proxy.permit import Permit
from appliance.routing.table import RoutingTable
from appliance.tasks import TaskGroup

LOOK_SECONDS = 0.2  # at least so often the models are looked at
MOST = 64
MOST_OF_ONE = 8  # key, or address


class Hub:
    def __init__(self, deps: ProxyDeps) -> None:
        self._deps = deps
        self._listeners: set[Listener] = set()
        self._tasks = TaskGroup()
        self._looking: asyncio.Task[None] | None = None
        self._table: RoutingTable | None = None  # as it was last looked at

    @contextmanager
    def listening(self, permit: Permit, share: str) -> Iterator[Listener]:
        """Raises ApiError (429) when too many do."""
        self._check_room(share)
        listener = Listener(permit, share)
        self._listeners.add(listener)
        self._begin()
        listener.look(self._deps.routes(), time.time())
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._end()

    async def close(self) -> None:
        await self._tasks.close()

    def _check_room(self, share: str) -> None:
        own = sum(listener.share == share for listener in self._listeners)
        if own >= MOST_OF_ONE or len(self._listeners) >= MOST:
            what = f"{own} programs of yours" if own >= MOST_OF_ONE else f"{MOST} programs"
            raise ApiError(429, "too_many_listeners", f"{what} listen already, the most that may.", retry_after=30)

    def _begin(self) -> None:
        if self._looking is None:
            self._deps.meter.listener = self._request
            self._looking = self._tasks.start("look at models for listeners", self._look())

    def _end(self) -> None:
        self._deps.meter.listener = None
        if self._looking is not None:
            self._looking.cancel()
        self._looking, self._table = None, None

    async def _look(self) -> None:
        while not self._deps.stopping.is_set():
            table = self._deps.routes()
            if table is not self._table:
                self._table, now = table, time.time()
                for listener in self._listeners:
                    listener.look(table, now)
            await self._deps.changed(LOOK_SECONDS)
        for listener in self._listeners:
            listener.end()

    def _request(self, name: str, ticket: Ticket, more: Mapping[str, Any]) -> None:
        """Something happened to a request that came with a key: told to those who hold it."""
        told = b""
        for listener in self._listeners:
            if listener.permit.id == ticket.key_id:
                says = {"id": ticket.id, "endpoint": ticket.endpoint, "model": ticket.model or None, **more}
                told = told or frame(name, says, time.time())
                listener.tell(told)
