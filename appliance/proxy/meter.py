"""Counts requests: who waits for which engine right now, and totals for /metrics. Lives in the loop's thread."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.activity.types import Ended
from appliance.node.snapshot import RequestLoad
from appliance.proxy.usage import NOTHING_TOLD, Usage


@dataclass(eq=False, slots=True)
class Ticket:
    """One request on its way. `waiting` says that the engine owes it something."""

    endpoint: str
    started: float
    id: str = ""
    address: str = ""
    model: str = ""
    route: str = ""
    stream: bool = False
    usage: Usage = NOTHING_TOLD
    waiting: bool = False
    queued: bool = False  # it stands in line before the engine
    sent: int = 0
    first_byte: float | None = None
    key: str = ""  # the name of the API key it came with
    key_id: str = ""  # once it was let in


Listener = Callable[[str, Ticket, Mapping[str, object]], None]


class RequestMeter:
    """`told` hears of each request that ended."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, told: Callable[[Ended], None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._told = told
        self._peak = 0
        self._tickets: set[Ticket] = set()
        self._totals: Counter[tuple[str, str, int]] = Counter()
        self._bytes: Counter[str] = Counter()
        self._used: dict[str, float] = {}
        self._rescued: Counter[str] = Counter()
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
        """Closes the books on a request; returns how many seconds it took."""
        self._tickets.discard(ticket)
        self._totals[ticket.model, ticket.endpoint, status] += 1
        self._bytes[ticket.model] += ticket.sent
        now = self._used[ticket.model] = self._clock()
        self._told(_ended(ticket, status, now))
        usage = ticket.usage
        self.tell(
            "request.ended",
            ticket,
            status=status,
            seconds=round(now - ticket.started, 3),
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
        )
        return now - ticket.started

    def went_on(self, ticket: Ticket) -> None:
        """An answer broke off, and another engine went on with it."""
        self._rescued[ticket.model] += 1

    def rescued(self) -> Mapping[str, int]:
        """Such answers by model."""
        return MappingProxyType(self._rescued)

    def in_flight(self, model: str) -> int:
        """Requests that wait for this model's engine. One whose client does not read is not the engine's debt."""
        return sum(ticket.waiting and ticket.model == model for ticket in self._tickets)

    def idle_for(self, model: str) -> float | None:
        """Seconds since the last request for this model ended; None when there was none yet."""
        if any(ticket.model == model for ticket in self._tickets):
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
        return MappingProxyType(self._totals)

    def bytes_sent(self) -> Mapping[str, int]:
        """Bytes of ended answers by model."""
        return MappingProxyType(self._bytes)


def _ended(ticket: Ticket, status: int, now: float) -> Ended:
    usage, seconds = ticket.usage, now - ticket.started
    first = None if ticket.first_byte is None else ticket.first_byte - ticket.started
    streamed = seconds - first if ticket.stream and first is not None else None
    generating = streamed if usage.generating is None else usage.generating
    if not ticket.stream:  # the engine has kept its tokens to itself until the last
        first = None if usage.generating is None else max(0.0, seconds - usage.generating)
    return Ended(
        at=time.time(),
        id=ticket.id,
        model=ticket.model,
        endpoint=ticket.endpoint,
        route=ticket.route,
        address=ticket.address,
        status=status,
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
