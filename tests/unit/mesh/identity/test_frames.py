"""Frames on a byte stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.frames import FrameReader, framed


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6), st.binary(max_size=3), st.integers(1, 50))
def test_frames_come_out_as_they_went_in(payloads: list[bytes], rest: bytes, step: int) -> None:
    """However the network cuts the stream; what comes after the last frame is left for the next reader."""
    stream, reader, got = b"".join(framed(payload) for payload in payloads) + rest, FrameReader(), []
    for start in range(0, len(stream), step):
        reader.feed(stream[start : start + step])
        while (frame := reader.next()) is not None:
            got.append(frame)
    assert got == payloads
    assert reader.rest() == rest
    assert reader.rest() == b""


@pytest.mark.parametrize("length", [0, 65, 1 << 31])
def test_a_frame_of_a_wrong_length_is_refused_at_its_head(length: int) -> None:
    """Nobody can make the box wait for, or hold, more than the limit."""
    reader = FrameReader(limit=64)
    reader.feed(length.to_bytes(4, "big"))
    with pytest.raises(Malformed, match="1 to 64"):
        reader.next()


def test_the_limit_can_be_raised_once_both_trust_each_other() -> None:
    """The same reader goes on."""
    reader = FrameReader(limit=4)
    reader.limit = 1000
    reader.feed(framed(bytes(1000)))
    assert reader.next() == bytes(1000)


@pytest.mark.parametrize("payload", [b"", bytes(65)])
def test_a_frame_that_no_reader_would_take_is_not_made(payload: bytes) -> None:
    """That is a mistake of this box, not of another."""
    with pytest.raises(ValueError, match="1 to 64"):
        framed(payload, limit=64)
