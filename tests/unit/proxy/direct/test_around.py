"""Heads that differ in the length of the body alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.direct.around import ANOTHER, around_length
from appliance.proxy.direct.opening import opening_of
from appliance.proxy.errors import ApiError
from appliance.proxy.wire.head import parse_head

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: box\r\nContent-Length: %b\r\nX-A: b\r\n"
SAMPLE = around_length(HEAD % b"12")


@pytest.mark.parametrize("length", [b"0", b"7", b"007", b"12345678"])
def test_another_length_is_read(length: bytes) -> None:
    """And where the body begins."""
    assert SAMPLE is not None
    whole = HEAD % length + b"\r\n"
    assert SAMPLE.read(whole + b"body") == (int(length), len(whole))


@pytest.mark.parametrize(
    "length", [b"", b"-1", b"+1", b" 1", b"1 ", b"1_0", b"\xb2", b"0x1", b"1, 1", b"1\r\nContent-Length: 2"]
)
def test_what_is_no_plain_number_is_another_head(length: bytes) -> None:
    """It is read strictly, as every other."""
    assert SAMPLE is not None
    assert SAMPLE.read(HEAD % length + b"\r\n") == ANOTHER


@given(st.integers(0, len(HEAD % b"12") + 1))
def test_a_head_that_is_not_whole_is_not_known(size: int) -> None:
    """However much of it is there."""
    assert SAMPLE is not None
    assert SAMPLE.read((HEAD % b"12" + b"\r\n")[:size]) == ANOTHER


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: a\r\n", HEAD % b"1" + b"content-length:2\r\n", HEAD % b"x"])
def test_only_one_length_can_be_known_again(head: bytes) -> None:
    """None, two, or no number."""
    assert around_length(head) is None


PIECES = st.sampled_from(
    (
        *(b"Content-Length: 5\r\n", b"content-length:\t7 \r\n", b"Content-Length: 05\r\n", b"X: Content-Length: 3\r\n"),
        *(b"Host: a\r\n", b"Y: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Origin: x\r\n"),
    )
)


@given(st.lists(PIECES, max_size=5), st.integers(0, 10**8 - 1))
def test_a_known_head_is_read_as_the_strict_reader_would(pieces: list[bytes], length: int) -> None:
    """Whatever stands in it, and whatever the length is."""
    text = b"POST /v1/chat/completions HTTP/1.1\r\n" + b"".join(pieces)
    try:
        opening = opening_of(parse_head(text), text)
    except ApiError:
        return
    if opening is None:
        return
    other = opening.around.before + b"%d" % length + opening.around.after
    assert opening.around.read(other) == (length, len(other))
    assert opening.head_with(length) == parse_head(other[:-2])
