"""What was sent can be had again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.proxy.rescue import kept
from appliance.proxy.rescue.kept import Kept


@settings(deadline=None)
@given(st.lists(st.binary(max_size=5000), max_size=40), st.integers(0, 40))
def test_all_that_was_added_comes_back(pieces: list[bytes], look_at: int) -> None:
    """At any time, and looking changes nothing."""
    found = Kept()
    for number, piece in enumerate(pieces):
        found.add(piece)
        if number == look_at:
            assert found.all() == b"".join(pieces[: number + 1])
    assert found.all() == b"".join(pieces)


def test_events_take_little_room() -> None:
    """They repeat themselves."""
    found = Kept()
    event = b'data: {"choices":[{"index":0,"delta":{"content":" word"}}],"id":"chatcmpl-1"}\n\n'
    for _ in range(10_000):
        found.add(event)
    assert sum(map(len, found._packed)) < len(event) * 10_000 // 30


def test_what_is_too_long_is_not_kept() -> None:
    """Memory stays bounded, and it is known that something is missing."""
    found = Kept()
    for _ in range(kept.MOST_BYTES // 1_000_000 + 2):
        found.add(b"x" * 1_000_000)
    assert found.all() is None
