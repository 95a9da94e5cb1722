"""Clients that are told of changes, gathered for a moment; each has to ask again now and then."""

from __future__ import annotations

import math

from appliance.mesh.membership.outbox import Outbox
from appliance.mesh.membership.types import Timing
from appliance.mesh.membership.wire import MOST_STAMPS, MOST_UPDATES, News, Stamp, Update

MOST_WATCHERS = 1024


class Watchers:
    def __init__(self, outbox: Outbox, timing: Timing) -> None:
        self._outbox = outbox
        self._timing = timing
        self._until: dict[str, float] = {}
        self._changed: dict[str, Stamp | Update] = {}
        self._next_at = math.inf

    def add(self, client: str, now: float) -> None:
        if client in self._until or len(self._until) < MOST_WATCHERS:
            self._until[client] = now + self._timing.watch_for

    def note(self, node: str, news: Stamp | Update, now: float) -> None:
        if not self._until:
            return
        self._changed[node] = news
        self._next_at = min(self._next_at, now + self._timing.watch_every)
        if len(self._changed) >= MOST_UPDATES:
            self.flush(now)

    def tick(self, now: float) -> None:
        if now >= self._next_at:
            self.flush(now)

    def next_wake(self) -> float:
        return self._next_at

    def flush(self, now: float) -> None:
        self._until = {client: until for client, until in self._until.items() if until > now}
        changed = self._changed.values()
        updates = tuple(news for news in changed if isinstance(news, Update))
        stamps = tuple(news for news in changed if isinstance(news, Stamp))[:MOST_STAMPS]
        if changed and self._until:
            self._outbox.send_all(self._until, News(updates, stamps))
        self._changed = {}
        self._next_at = math.inf
