"""Counting requests."""

from __future__ import annotations

from appliance.activity.types import Ended
from appliance.node.snapshot import RequestLoad
from appliance.proxy.meter import RequestMeter, Ticket
from appliance.proxy.usage import NOTHING_TOLD, Usage


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


def test_the_peak_is_the_most_since_it_was_last_asked() -> None:
    """Requests that came and went between two looks are seen; what still runs is the new beginning."""
    meter = RequestMeter()
    tickets = [meter.begin("/v1/x") for _ in range(3)]
    for ticket in tickets[1:]:
        meter.end(ticket, 200)
    assert (meter.take_peak(), meter.take_peak()) == (3, 1)


def told(
    seconds: tuple[float, float], usage: Usage = NOTHING_TOLD, *, stream: bool = True, first: bool = True
) -> Ended:
    """What is told of a request whose first bytes came and which ended after so many seconds."""
    clock, heard = Clock(), list[Ended]()
    meter = RequestMeter(clock, heard.extend)
    ticket = meter.begin("/v1/x", "req-1", "10.0.0.1")
    ticket.model, ticket.route, ticket.stream, ticket.usage = "m", "solo", stream, usage
    clock.now += seconds[0]
    if first:
        meter.received(ticket, 10)
    clock.now += seconds[1] - seconds[0]
    meter.end(ticket, 200)
    return heard[0]


def test_an_ended_request_is_told() -> None:
    """Who asked what, and how it went."""
    one = told((1, 3), Usage(18, 5))
    assert (one.id, one.address, one.model, one.route, one.endpoint) == ("req-1", "10.0.0.1", "m", "solo", "/v1/x")
    assert (one.status, one.seconds, one.sent, one.tokens_in, one.tokens_out) == (200, 3, 10, 18, 5)


def test_a_stream_shows_its_first_token_and_its_speed() -> None:
    """From outside, when the engine tells no times: four more tokens in two seconds."""
    one = told((1, 3), Usage(18, 5))
    assert (one.first_token, one.generating, one.speed) == (1, 2, 2.0)


def test_the_engine_knows_its_times_better() -> None:
    """A client that reads slowly does not slow the tokens down."""
    one = told((1, 30), Usage(18, 5, 0.5, 8.0))
    assert (one.first_token, one.generating, one.speed) == (1, 0.5, 8.0)


def test_a_whole_answer_was_begun_when_its_first_token_was_made() -> None:
    """Known where the engine tells how long it made tokens, else not at all."""
    known, unknown = told((3, 3), Usage(18, 5, 2.0, 2.5), stream=False), told((3, 3), Usage(18, 5), stream=False)
    assert (known.first_token, known.speed) == (1.0, 2.5)
    assert (unknown.first_token, unknown.generating, unknown.speed) == (None, None, None)


def test_a_request_that_got_nothing_has_no_times() -> None:
    """Refused or broken off before the first byte."""
    one = told((1, 2), first=False, stream=False)
    assert (one.first_token, one.generating, one.speed, one.tokens_out) == (None, None, None, None)


def test_those_in_line_are_counted_apart() -> None:
    """They wait: they are not being answered, neither now nor in the most at once."""
    meter = RequestMeter()
    tickets = [meter.begin("/v1/chat/completions") for _ in range(3)]
    meter.take_peak()
    tickets[1].queued = tickets[2].queued = True
    meter.take_peak()
    meter.begin("/v1/chat/completions")
    assert (meter.load(), meter.take_peak()) == (RequestLoad(in_flight=2, queued=2), 2)


def test_requests_are_booked_a_moment_later_and_before_anybody_reads() -> None:
    """Told together, in the order in which they ended; who waits is known at once."""
    planned, heard = list[object](), list[list[Ended]]()
    meter = RequestMeter(told=lambda ended: heard.append(list(ended)), later=lambda *call: planned.append(call))
    for name in ("a", "b"):
        meter.end(waiting(meter, name), 200)
    assert (heard, len(planned), meter.load()) == ([], 1, RequestLoad())
    assert dict(meter.totals()) == {("a", "/v1/x", 200): 1, ("b", "/v1/x", 200): 1}
    assert [[one.model for one in ended] for ended in heard] == [["a", "b"]]
