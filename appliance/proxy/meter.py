"""Counts requests: who waits for which engine right now, and totals for /metrics. Lives in the loop's thread."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from appliance.activity.types import Ended
from appliance.node.snapshot import RequestLoad
from appliance.proxy.access import write_access
from appliance.proxy.batch import Batch, Later
from appliance.proxy.ticket import Ticket

__all__ = ["RequestMeter", "Ticket"]

Listener = Callable[[str, Ticket, Mapping[str, object]], None]


class RequestMeter:
    """`told` hears of the requests that ended, of several at once where there is a `later`."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        told: Callable[[Sequence[Ended]], None] = lambda _: None,
        later: Later | None = None,
    ) -> None:
        self._clock = clock
        self._told = told
        self.later = later  # as of `Batch`
        self._batch = Batch(self._book, later)
        self._peak = 0
        self._tickets: set[Ticket] = set()
        self._totals: Counter[tuple[str, str, int]] = Counter()
        self._bytes: Counter[str] = Counter()
        self._used: dict[str, float] = {}
        self._rescued: Counter[str] = Counter()
        self._direct: Counter[str] = Counter()
        self.listener: Listener | None = None  # there while somebody wants to be told of his requests

    def begin(self, endpoint: str, request_id: str = "", address: str = "") -> Ticket:
        ticket = Ticket(endpoint, self._clock(), request_id, address)
        self._tickets.add(ticket)
        if len(self._tickets) > self._peak:
            self._peak = max(self._peak, self.load().in_flight)
        return ticket

    def let_in(self, ticket: Ticket, key_id: str) -> None:
        """The request may be made, with this key or without any."""
        ticket.key_id = key_id
        if key_id:
            self.tell("request.started", ticket)

    def tell(self, what: str, ticket: Ticket, **more: object) -> None:
        """Only requests with a key have somebody to be told."""
        if self.listener is not None and ticket.key_id:
            self.listener(what, ticket, more)

    def received(self, ticket: Ticket, size: int) -> None:
        """The engine sent something."""
        ticket.sent += size
        if ticket.first_byte is None:
            ticket.first_byte = self._clock()
            if ticket.stream:
                self.tell("request.first_token", ticket, seconds=round(ticket.first_byte - ticket.started, 3))

    def end(self, ticket: Ticket, status: int) -> float:
        """The request is over; returns how many seconds it took."""
        self._tickets.discard(ticket)
        now = self._clock()
        if ticket.here(ticket.model):
            self._used[ticket.model] = now
        seconds = now - ticket.started
        ticket.status, ticket.seconds, ticket.at = status, seconds, time.time()
        self._batch.add(ticket)
        if self.listener is not None and ticket.key_id:
            usage = ticket.usage
            told = {"tokens_in": usage.tokens_in, "tokens_out": usage.tokens_out}
            self.tell("request.ended", ticket, status=status, seconds=round(seconds, 3), **told)
        return seconds

    def settle(self) -> None:
        """Everything that has ended is in the books now."""
        self._batch.settle()

    def _book(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            self._totals[ticket.model, ticket.endpoint, ticket.status] += 1
            self._bytes[ticket.model] += ticket.sent
            if ticket.direct:
                self._direct[ticket.model] += 1
        self._told([_ended(ticket) for ticket in tickets])
        write_access([ticket for ticket in tickets if ticket.logged])

    def went_on(self, ticket: Ticket) -> None:
        """An answer broke off, and another engine went on with it."""
        self._rescued[ticket.model] += 1

    def rescued(self) -> Mapping[str, int]:
        """Such answers by model."""
        return MappingProxyType(self._rescued)

    def direct(self) -> Mapping[str, int]:
        """Requests by model that were answered on the short way."""
        self.settle()
        return MappingProxyType(self._direct)

    def in_flight(self, model: str) -> int:
        """Requests that wait for this model's engine. One whose client does not read is not the engine's debt."""
        return sum(ticket.waiting and ticket.here(model) for ticket in self._tickets)

    def idle_for(self, model: str) -> float | None:
        """Seconds since the last request for this model ended; None when there was none yet."""
        if any(ticket.here(model) for ticket in self._tickets):
            return 0.0
        used = self._used.get(model)
        return None if used is None else self._clock() - used

    def take_peak(self) -> int:
        """The most requests at once since this was last asked; those in line before an engine do not count."""
        peak, self._peak = self._peak, self.load().in_flight
        return peak

    def load(self) -> RequestLoad:
        queued = sum(ticket.queued for ticket in self._tickets)
        return RequestLoad(len(self._tickets) - queued, queued)

    def totals(self) -> Mapping[tuple[str, str, int], int]:
        """Ended requests by model, endpoint and status; the model is empty when none was found."""
        self.settle()
        return MappingProxyType(self._totals)

    def bytes_sent(self) -> Mapping[str, int]:
        """Bytes of ended answers by model."""
        self.settle()
        return MappingProxyType(self._bytes)


def _ended(ticket: Ticket) -> Ended:
    usage, seconds = ticket.usage, ticket.seconds
    first = None if ticket.first_byte is None else ticket.first_byte - ticket.started
    streamed = seconds - first if ticket.stream and first is not None else None
    generating = streamed if usage.generating is None else usage.generating
    if not ticket.stream:  # the engine has kept its tokens to itself until the last
        first = None if usage.generating is None else max(0.0, seconds - usage.generating)
    return Ended(
        at=ticket.at,
        id=ticket.id,
        model=ticket.model,
        endpoint=ticket.endpoint,
        route=ticket.route,
        address=ticket.address,
        status=ticket.status,
        stream=ticket.stream,
        seconds=seconds,
        sent=ticket.sent,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        first_token=first,
        generating=generating,
        speed=usage.speed or _speed(usage.tokens_out, streamed),
        key=ticket.key,
    )


def _speed(tokens: int | None, seconds: float | None) -> float | None:
    """Between the first token and the last."""
    return (tokens - 1) / seconds if tokens is not None and tokens > 1 and seconds else None
