"""Counting requests."""

from __future__ import annotations

from appliance.node.snapshot import RequestLoad
from appliance.proxy.meter import RequestMeter, Ticket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def waiting(meter: RequestMeter, model: str) -> Ticket:
    ticket = meter.begin("/v1/x")
    ticket.model, ticket.waiting = model, True
    return ticket


def test_only_who_waits_for_the_engine_counts_as_its_work() -> None:
    """A request whose client does not read, or that has no model yet, is not the engine's debt, but is in flight."""
    meter = RequestMeter()
    first = waiting(meter, "m")
    waiting(meter, "m")
    waiting(meter, "other")
    meter.begin("/v1/x")
    first.waiting = False
    assert (meter.in_flight("m"), meter.in_flight("none"), meter.load()) == (1, 0, RequestLoad(in_flight=4))


def test_an_ended_request_is_in_the_totals_only() -> None:
    """It leaves the load and enters the books with its status, bytes and time."""
    clock = Clock()
    meter = RequestMeter(clock)
    ticket = waiting(meter, "m")
    clock.now += 1
    meter.received(ticket, 10)
    clock.now += 1
    meter.received(ticket, 5)
    took = meter.end(ticket, 200)
    assert (took, ticket.first_byte, meter.load().in_flight) == (2, 101, 0)
    assert (dict(meter.totals()), dict(meter.bytes_sent())) == ({("m", "/v1/x", 200): 1}, {"m": 15})
