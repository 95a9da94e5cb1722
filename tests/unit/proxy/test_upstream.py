"""How an engine's bytes are read, wherever they were cut on their way."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.events import Spliced, check_pieces

END = b"0\r\n\r\n"
EVENTS = st.lists(
    st.one_of(
        st.binary(max_size=40).map(lambda word: b'data: {"content":"' + word.replace(b"\n", b"") + b'","id":"x"}\n\n'),
        st.sampled_from([b"data: [DONE]\n\n", b": a comment\n\n", b"half of ", b"\n\n", b"d\n\ne\n\n"]),
    ),
    max_size=30,
)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(data)) for place in places} | {len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@settings(deadline=None)
@given(EVENTS, st.lists(st.integers(0, 1500), max_size=12))
def test_a_stream_is_the_same_however_it_was_cut(pieces: list[bytes], places: list[int]) -> None:
    """What goes on is what came, whole events only, and the books are right."""
    asyncio.run(_check(pieces, places))


async def _check(pieces: list[bytes], places: list[int]) -> None:
    spliced, said = Spliced(), b"".join(pieces)
    sent = cut(b"".join(map(chunk, pieces)) + END, places)
    spliced.feed(sent)
    assert spliced.passed + spliced.passage.rest() == said
    assert (spliced.ticket.sent, spliced.kept.all()) == (len(said), spliced.passed)
    await spliced.exchange.ended()
    await check_pieces(sent)


async def test_whole_chunks_take_the_shortcut() -> None:
    """All but the first, which comes before anybody asked for it."""
    spliced = Spliced()
    spliced.feed([chunk(b'data: {"content":" %d"}\n\n' % number) for number in range(20)])
    assert spliced.straight == 19


async def test_after_a_part_of_a_chunk_nothing_takes_the_shortcut() -> None:
    """What looks like a chunk may be the content of one."""
    spliced, looks = Spliced(), chunk(b"data: x\n\n")
    spliced.feed([chunk(b"data: a\n\n"), b"%x\r\n" % len(looks + b"\n\n"), looks, b"\n\n\r\n"])
    spliced.feed([b"e", b"\r\n" + b"y" * 12 + b"\n\n\r\n", looks])
    assert (spliced.passed, spliced.straight) == (
        b"data: a\n\n" + looks + b"\n\n" + b"y" * 12 + b"\n\ndata: x\n\n",
        1,
    )


async def test_nothing_follows_the_end_of_an_answer() -> None:
    """However much it looks like a chunk."""
    spliced = Spliced()
    spliced.feed([chunk(b"data: a\n\n"), END, chunk(b"data: b\n\n")])
    assert (spliced.passed, spliced.straight, spliced.engine.broken) == (b"data: a\n\n", 0, True)
