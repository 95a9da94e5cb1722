"""What of a stream has passed."""

from __future__ import annotations

from appliance.proxy.meter import Ticket
from appliance.proxy.passage import Passage
from appliance.proxy.rescue.kept import Kept
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


def test_the_shortcut_is_in_the_same_books() -> None:
    """Bytes, events, the beginning and the end, and what is kept, in the order in which it went."""
    kept, ticket = Kept(), Ticket("/v1/chat/completions", 0.0)
    stream, written = Passage(ticket, kept), list[bytes]()
    events = [b'data: {"word":"%d"}\n\n' % number for number in range(100)]
    stream.take(events[0])
    for number, event in enumerate(events[1:], 1):
        short = stream.shortcut(written.append)
        if number == 50:
            stream.take(event)
        elif short is not None:
            short.take(b"%x\r\n%b\r\n" % (len(event), event))
    stream.waiting(False)
    assert (ticket.sent, stream.events, kept.all()) == (len(b"".join(events)), 100, b"".join(events))
    assert (stream.head, stream.tail, len(written)) == (events[0], events[98] + events[99], 98)


def test_no_shortcut_overtakes_half_an_event() -> None:
    """It is there again when the other half has come."""
    stream, _ = passage()
    stream.take(b"data: a\n\ndata: b")
    while_held = stream.shortcut(list[bytes]().append)
    stream.take(b"\n\n")
    assert (while_held, stream.shortcut(list[bytes]().append) is not None) == (None, True)


def test_a_debt_of_the_engine_is_told_to_the_ticket() -> None:
    """The watchdog counts on it."""
    stream, ticket = passage()
    stream.waiting(True)
    owed = ticket.waiting
    stream.waiting(False)
    assert (owed, ticket.waiting) == (True, False)
