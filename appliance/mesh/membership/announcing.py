"""What this box says of itself: seldom enough in a large mesh, at once when it is said to be gone."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from appliance.mesh.membership.bounding import bounded
from appliance.mesh.membership.facts import DemandFact, Facts
from appliance.mesh.membership.noticing import news_in
from appliance.mesh.membership.record import Body, Record, seal
from appliance.mesh.membership.table import Table
from appliance.mesh.membership.types import Timing
from appliance.mesh.membership.wire import MOST

_PER_MEMBER = 0.02  # seconds between two records for each member: all together no more than fifty a second


class Announcer:
    def __init__(
        self, table: Table, timing: Timing, incarnation: int, wants: Callable[[float], tuple[DemandFact, ...]]
    ) -> None:
        self._table = table
        self._timing = timing
        self._wants = wants
        self._given: Facts | None = None
        self._facts = Facts()
        self._told_at = -math.inf
        self.incarnation = incarnation
        self._version = 0
        self.next_at = math.inf

    def describe(self, facts: Facts, now: float) -> None:
        if facts != self._given:
            self._given = facts
            self._facts = bounded(facts)
            self.consider(now)

    def moved(self, now: float) -> None:
        """Something of little weight changed; asked for often, so nothing is compared."""
        if self.next_at == math.inf:
            self._plan(self._pause(), now)

    def consider(self, now: float) -> None:
        """Plans the next record if there is something to tell."""
        current = msgspec.structs.replace(self._facts, demand=self._wants(now))
        told = self._table.own
        important, worth = news_in(told.facts, current) if told is not None else (True, True)
        if important:
            self._plan(self._timing.tell_important, now)
        elif worth:
            self._plan(self._pause(), now)

    def tell(self, now: float, wall: float) -> Record:
        self._version += 1
        self._told_at, self.next_at = now, math.inf
        facts = msgspec.structs.replace(self._facts, demand=self._wants(now))
        body = Body(self._table.node, self.incarnation, self._version, max(0, round(wall * 1000)), facts)
        record = seal(body, self._table.trust)
        self._table.tell(record)
        return record

    def outdo(self, incarnation: int) -> None:
        """A life after the one with that number."""
        self.incarnation = min(max(self.incarnation, incarnation) + 1, MOST)
        self._version = 0

    def _pause(self) -> float:
        return max(self._timing.tell_load, self._table.here * _PER_MEMBER)

    def _plan(self, pause: float, now: float) -> None:
        self.next_at = min(self.next_at, max(now, self._told_at + pause))
