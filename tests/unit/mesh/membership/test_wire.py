"""Messages: what goes in comes out, and whatever is no message is `Malformed` and nothing else."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.membership.wire import (
    LONGEST,
    MOST_STAMPS,
    Ack,
    Compare,
    LaterVersion,
    Listing,
    Malformed,
    Message,
    Nack,
    News,
    Ping,
    PingFor,
    Refusal,
    Stamp,
    Update,
    Want,
    decode,
    encode,
    parcels,
)

counts = st.integers(0, 1 << 53)
nodes = st.text("abcdefgh234567", min_size=1, max_size=16)
updates = st.lists(st.builds(Update, st.integers(1, 3), nodes, counts, nodes), max_size=4).map(tuple)
stamps = st.lists(st.builds(Stamp, nodes, counts, counts), max_size=4).map(tuple)
numbers = st.integers(0, (1 << 32) - 1)
totals = st.integers(0, (1 << 64) - 1)
messages = st.one_of(
    st.builds(Ping, numbers, totals, counts, updates, stamps),
    st.builds(Ack, numbers, totals, counts, updates, stamps),
    st.builds(Nack, numbers),
    st.builds(PingFor, numbers, nodes),
    st.builds(News, updates, stamps, st.lists(st.binary(max_size=64), max_size=3).map(tuple)),
    st.builds(Compare, st.integers(0, 8), st.binary(max_size=64), st.booleans()),
    st.builds(Listing, st.integers(0, 8), st.lists(st.integers(0, 255), max_size=9).map(tuple), stamps),
    st.builds(Want, st.lists(nodes, max_size=5).map(tuple)),
    st.builds(Refusal, st.lists(counts, max_size=3).map(tuple)),
)


@given(messages)
def test_every_message_arrives_as_it_was_sent(message: Message) -> None:
    """Encoding and decoding change nothing."""
    assert decode(encode(message)) == message


@given(st.binary(max_size=200))
def test_garbage_is_malformed_and_nothing_else(data: bytes) -> None:
    """Bytes from anybody never raise what nobody expects."""
    with contextlib.suppress(Malformed):
        decode(b"\x01" + data)


@given(messages, st.data())
def test_damaged_messages_are_malformed_or_messages(message: Message, data: st.DataObject) -> None:
    """A flipped byte or a missing end is no surprise either."""
    raw = bytearray(encode(message))
    raw[data.draw(st.integers(1, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(Malformed):
        decode(bytes(raw[: data.draw(st.integers(1, len(raw)))]))


def test_a_later_protocol_is_told_from_garbage() -> None:
    """So that it can be answered politely."""
    with pytest.raises(LaterVersion) as found:
        decode(b"\x07whatever that may be")
    assert found.value.version == 7


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01", b"\x01" + bytes(LONGEST)])
def test_too_short_and_too_long(data: bytes) -> None:
    """Both are malformed."""
    with pytest.raises(Malformed):
        decode(data)


def test_lists_have_limits() -> None:
    """A message cannot list more than makes sense."""
    with pytest.raises(Malformed):
        decode(b"\x01" + msgspec.msgpack.encode(["w", ["k"] * (MOST_STAMPS + 1)]))


def test_fields_of_later_minor_versions_are_ignored() -> None:
    """More at the end of a message does not make it another one."""
    assert decode(b"\x01" + msgspec.msgpack.encode(["k", 7, "something new"])) == Nack(7)


@given(st.lists(st.binary(max_size=100)), st.integers(1, 150))
def test_parcels_hold_everything_in_order(blobs: list[bytes], most: int) -> None:
    """Nothing is lost, and only a blob that is too long alone makes a parcel too long."""
    found = parcels(blobs, most)
    assert [blob for parcel in found for blob in parcel] == blobs
    assert all(sum(map(len, parcel)) <= most or len(parcel) == 1 for parcel in found)
