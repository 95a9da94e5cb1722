"""Cutting streams at event ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.events import LONGEST_HELD, EventCutter

PIECES = st.lists(st.sampled_from([b"data: x", b"\n", b"\n\n", b"\r\n", b"a\n\nb", b""]) | st.binary(max_size=8))


@given(PIECES)
def test_nothing_is_lost_or_changed(pieces: list[bytes]) -> None:
    """All that is passed on, and the rest, are the bytes that came in."""
    cutter = EventCutter()
    assert b"".join(map(cutter.feed, pieces)) + cutter.rest() == b"".join(pieces)


@given(PIECES)
def test_only_whole_events_are_passed_on(pieces: list[bytes]) -> None:
    """Whatever was passed on so far ends with an event's end."""
    cutter, passed = EventCutter(), b""
    for piece in pieces:
        passed += cutter.feed(piece)
        assert passed == b"" or passed.endswith(b"\n\n")


@given(PIECES)
def test_a_whole_event_is_passed_on_at_once(pieces: list[bytes]) -> None:
    """Nothing that ends an event is ever held back."""
    cutter, fed, passed = EventCutter(), b"", b""
    for piece in pieces:
        fed, passed = fed + piece, passed + cutter.feed(piece)
        assert b"\n\n" not in fed[len(passed) :]


def test_an_endless_event_does_not_fill_memory() -> None:
    """Beyond any real event's length, bytes are passed on as they come."""
    cutter = EventCutter()
    passed = sum(len(cutter.feed(b"x" * 100_000)) for _ in range(100))
    assert 10_000_000 - passed <= LONGEST_HELD
