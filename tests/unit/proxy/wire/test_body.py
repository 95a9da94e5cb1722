"""Bodies of requests: whole however they are cut, and nothing of the next request in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.errors import ApiError
from appliance.proxy.wire.body import FREE_CHUNKS, LONGEST_TRAILER, Body, ChunkedBody, body_of
from appliance.proxy.wire.head import CHUNKED

PIECES = (
    *(
        b"0",
        b"1",
        b"5",
        b"a",
        b"A",
        b"\r\n",
        b"\r",
        b"\n",
        b"hello",
        b";x=y",
        b" ",
        b"0x5",
        b"-1",
        b"+1",
        b"X: y",
        b"x",
    ),
    *(b"5\r\nhello\r\n", b"0\r\n\r\n"),
)

cuts = st.lists(st.integers(1, 40), max_size=60)


def cut(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [piece for piece in [*pieces, data[at:]] if piece]


def fed(body: Body | ChunkedBody, pieces: Iterable[bytes]) -> tuple[bytes, bytes]:
    """What it took and what it left, as a connection feeds it."""
    taken, left = b"", b""
    for piece in pieces:
        if body.complete:
            left += piece
        else:
            taken += body.feed(piece)
            left += body.rest
            body.rest = b""
    return taken, left


def in_chunks(pieces: Iterable[bytes]) -> bytes:
    return b"".join(b"%X\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)


@given(st.binary(max_size=200), st.binary(max_size=50), cuts)
def test_a_length_is_kept_to(data: bytes, after: bytes, sizes: list[int]) -> None:
    """Not a byte less, not a byte more, however it arrives."""
    body = Body(len(data))
    assert (fed(body, cut(data + after, sizes)), body.complete) == ((data, after), True)


@given(st.lists(st.binary(max_size=60), max_size=8), st.binary(max_size=50), cuts, st.booleans())
def test_chunks_are_put_together(pieces: list[bytes], after: bytes, sizes: list[int], trailer: bool) -> None:
    """The same for a body in chunks, with or without fields behind it."""
    sent = in_chunks(pieces) + b"0\r\n" + (b"X-Sum: 1\r\n" if trailer else b"") + b"\r\n"
    body = ChunkedBody()
    assert (fed(body, cut(sent + after, sizes)), body.complete) == ((b"".join(pieces), after), True)


@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_whatever_is_accepted_means_the_same_to_another_reader(pieces: list[bytes]) -> None:
    """No chunks are taken that a careful second reader refuses or understands differently."""
    sent, body = b"".join(pieces), ChunkedBody()
    with contextlib.suppress(ApiError):
        taken, _ = fed(body, [sent] if sent else [])
        assert (taken, body.complete) == _as_h11_reads(sent)


def _as_h11_reads(sent: bytes) -> tuple[bytes, bool]:
    other = h11.Connection(h11.SERVER)
    other.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + sent)
    other.next_event()
    read, complete = b"", False
    while (event := other.next_event()) not in (h11.NEED_DATA, h11.PAUSED) and not complete:
        if isinstance(event, h11.Data):
            read += bytes(event.data)
        complete = isinstance(event, h11.EndOfMessage)
    return read, complete


@pytest.mark.parametrize(
    "sent",
    [
        b"5;name=value\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n",
        b" 5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"5_0\r\nhello\r\n",
        b"\r\nhello\r\n",
        b"5\nhello\n0\n\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhelloo\r\n0\r\n\r\n",
        b"FFFFFFFFF\r\n",
        b"0" * 20 + b"\r\n",
        b"0\r\nno field\r\n\r\n",
        b"0\r\n folded: x\r\n\r\n",
        b"0\r\nX: " + b"y" * LONGEST_TRAILER + b"z",
        b"1\r\nx\r\n" * (FREE_CHUNKS + 1),
        b"0\r\nX: 1\r\ntransfer-Encoding: chunked\r\n\r\n",
        b"0\r\nContent-Length: 1\r\n\r\n",
    ],
    ids=[
        "extension", "space behind", "space before", "sign", "prefix", "underscore", "no size", "bare line feeds",
        "bare line feed behind a chunk", "longer than said", "too large", "too many digits", "broken trailer",
        "folded trailer", "endless trailer", "tiny chunks for ever", "another coding at the end", "a length at the end",
    ],
)  # fmt: skip
def test_unsound_chunks_are_refused(sent: bytes) -> None:
    """Whatever another reader might read differently, and what is only there to cost time."""
    with pytest.raises(ApiError) as caught:
        fed(ChunkedBody(), [sent])
    assert caught.value.status == 400


def test_half_a_chunk_is_waited_for() -> None:
    """What has come is handed out; the body is not complete."""
    body = ChunkedBody()
    assert ([body.feed(piece) for piece in (b"5", b"\r", b"\nhel")], body.complete) == ([b"", b"", b"hel"], False)


def test_a_head_tells_which_kind_it_is() -> None:
    """A body of no length is complete at once."""
    assert (body_of(0).complete, body_of(1).complete, isinstance(body_of(CHUNKED), ChunkedBody)) == (True, False, True)
