"""Counts requests: who waits for which engine right now, and totals for /metrics. Lives in the loop's thread."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.node.snapshot import RequestLoad


@dataclass(eq=False, slots=True)
class Ticket:
    """One request on its way. `waiting` says that the engine owes it something."""

    endpoint: str
    started: float
    model: str = ""
    waiting: bool = False
    sent: int = 0
    first_byte: float | None = None


class RequestMeter:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tickets: set[Ticket] = set()
        self._totals: Counter[tuple[str, str, int]] = Counter()
        self._bytes: Counter[str] = Counter()
        self._used: dict[str, float] = {}

    def begin(self, endpoint: str) -> Ticket:
        ticket = Ticket(endpoint, self._clock())
        self._tickets.add(ticket)
        return ticket

    def received(self, ticket: Ticket, size: int) -> None:
        """The engine sent something."""
        ticket.sent += size
        if ticket.first_byte is None:
            ticket.first_byte = self._clock()

    def end(self, ticket: Ticket, status: int) -> float:
        """Closes the books on a request; returns how many seconds it took."""
        self._tickets.discard(ticket)
        self._totals[ticket.model, ticket.endpoint, status] += 1
        self._bytes[ticket.model] += ticket.sent
        self._used[ticket.model] = self._clock()
        return self._clock() - ticket.started

    def in_flight(self, model: str) -> int:
        """Requests that wait for this model's engine. One whose client does not read is not the engine's debt."""
        return sum(ticket.waiting and ticket.model == model for ticket in self._tickets)

    def idle_for(self, model: str) -> float | None:
        """Seconds since the last request for this model ended; None when there was none yet."""
        if any(ticket.model == model for ticket in self._tickets):
            return 0.0
        used = self._used.get(model)
        return None if used is None else self._clock() - used

    def load(self) -> RequestLoad:
        return RequestLoad(in_flight=len(self._tickets))

    def totals(self) -> Mapping[tuple[str, str, int], int]:
        """Ended requests by model, endpoint and status; the model is empty when none was found."""
        return MappingProxyType(self._totals)

    def bytes_sent(self) -> Mapping[str, int]:
        """Bytes of ended answers by model."""
        return MappingProxyType(self._bytes)
