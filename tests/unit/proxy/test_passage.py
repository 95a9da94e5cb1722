"""What of a stream has passed."""

from __future__ import annotations

from appliance.proxy.meter import Ticket
from appliance.proxy.passage import Passage
from appliance.proxy.usage import TAIL


def passage() -> tuple[Passage, Ticket]:
    ticket = Ticket("/v1/chat/completions", 0.0)
    return Passage(ticket), ticket


def test_only_whole_events_pass() -> None:
    """Half an event waits for its other half; at a good end the rest follows."""
    stream, _ = passage()
    passed = [stream.take(piece) for piece in (b"data: a\n\ndata: b", b"\n\n", b"data: [DONE]")]
    assert (passed, stream.events, stream.rest()) == ([b"data: a\n\n", b"data: b\n\n", b""], 2, b"data: [DONE]")


def test_what_comes_is_booked_once() -> None:
    """The first piece is in the books before; it is only cut."""
    stream, ticket = passage()
    stream.cut(b"data: a\n\n")
    stream.take(b"data: bc\n\n")
    assert (ticket.sent, stream.events) == (10, 2)


def test_the_beginning_and_the_end_are_kept() -> None:
    """The first event, and enough of the last ones."""
    stream, _ = passage()
    for number in range(5):
        stream.take(b"data: %d\n\n" % number)
    assert (stream.head, stream.tail) == (b"data: 0\n\n", b"data: 3\n\ndata: 4\n\n")
    stream.take(b"x" * 3 * TAIL + b"\n\n")
    assert len(stream.tail) < 2 * TAIL


def test_a_debt_of_the_engine_is_told_to_the_ticket() -> None:
    """The watchdog counts on it."""
    stream, ticket = passage()
    stream.waiting(True)
    owed = ticket.waiting
    stream.waiting(False)
    assert (owed, ticket.waiting) == (True, False)
