"""Whatever comes from elsewhere is a value within bounds or one kind of error."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.lanes import exchange, purpose
from appliance.mesh.lanes.purpose import File, Measure, Meet, Messages, Ping, Purpose, Relay, Rpc, Tunnel
from appliance.mesh.lanes.quic.incoming import Incoming
from appliance.mesh.lanes.rtt import Rtt
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.lanes.x509 import node_of

PURPOSES = [
    Tunnel("llama"), File("a.gguf", "", 7), Rpc("m", 2), Ping(), Measure(1000), Messages(), Relay("b"), Meet(b"t"),
]  # fmt: skip


@pytest.mark.parametrize("what", PURPOSES)
def test_purposes_arrive_as_they_were_sent(what: Purpose) -> None:
    """There and back."""
    assert purpose.decode(purpose.encode(what)) == what


@given(st.binary(max_size=200) | st.from_type(dict).map(msgspec.msgpack.encode))
def test_garbage_is_one_kind_of_error(data: bytes) -> None:
    """No parser of the lanes raises anything but LaneError."""
    for parse in (purpose.decode, purpose.decode_answer, exchange.heard, exchange.answer_of, node_of):
        with contextlib.suppress(LaneError):
            parse(data)


@given(
    st.recursive(st.none() | st.integers(-5, 5) | st.binary(max_size=5) | st.text(max_size=5), st.lists, max_leaves=9)
)
def test_what_is_well_formed_and_meaningless(value: object) -> None:
    """The same for msgpack that means something else."""
    data = msgspec.msgpack.encode(value)
    for parse in (purpose.decode, purpose.decode_answer, exchange.heard, exchange.answer_of):
        with contextlib.suppress(LaneError):
            parse(data)


def test_nesting_without_end_is_refused() -> None:
    """Thousands of lists in each other do not end the process."""
    for parse in (purpose.decode, exchange.heard, exchange.answer_of):
        with pytest.raises(LaneError):
            parse(b"\x91" * 4000)


@pytest.mark.parametrize(
    "data",
    [
        {"for": "tunnel", "model": "m" * 1000},
        {"for": "file", "name": "a", "offset": -1},
        {"for": "measure", "size": -5},
        {"for": "file", "name": "n" * 5000},
    ],
)
def test_purposes_beyond_their_bounds(data: dict[str, object]) -> None:
    """Names and numbers have limits."""
    with pytest.raises(LaneError) as caught:
        purpose.decode(msgspec.msgpack.encode(data))
    assert caught.value.reason is Reason.MALFORMED


def test_a_purpose_of_the_future() -> None:
    """One that this box does not know is said so; fields that it does not know are ignored."""
    with pytest.raises(LaneError) as caught:
        purpose.decode(msgspec.msgpack.encode({"for": "teleport"}))
    assert caught.value.reason is Reason.UNKNOWN
    assert purpose.decode(msgspec.msgpack.encode({"for": "ping", "colour": "blue"})) == Ping()


def test_refusals_travel_with_their_reason() -> None:
    """What one side raises the other side raises."""
    with pytest.raises(LaneError, match="enough") as caught:
        exchange.answer_of(exchange.refusal(LaneError(Reason.BUSY, "enough for now")))
    assert caught.value.reason is Reason.BUSY


def test_an_error_of_a_peer_is_made_plain() -> None:
    """Control characters and endless texts do not reach a page."""
    with pytest.raises(LaneError) as caught:
        exchange.answer_of(msgspec.msgpack.encode([b"", "busy", "\x1b[31mred\n" * 50]))
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) <= 300


def test_streams_come_in_pieces() -> None:
    """Interleaved pieces make whole messages."""
    incoming = Incoming(longest=10, most=20)
    assert incoming.add(4, b"ab", end=False) is None
    assert incoming.add(8, b"xyz", end=True) == b"xyz"
    assert incoming.add(4, b"cd", end=True) == b"abcd"
    assert (len(incoming), incoming.total) == (0, 0)


def test_a_stream_that_is_too_long_is_given_up_once() -> None:
    """Its rest is thrown away without another word, and its memory is free at once."""
    incoming = Incoming(longest=4, most=100)
    incoming.add(4, b"abc", end=False)
    with pytest.raises(OverflowError):
        incoming.add(4, b"de", end=False)
    assert incoming.total == 0
    assert incoming.add(4, b"more", end=False) is None
    assert incoming.add(4, b"", end=True) is None
    assert len(incoming) == 0


def test_all_streams_together_are_bounded() -> None:
    """Many short ones make a long one."""
    incoming = Incoming(longest=10, most=25)
    incoming.add(4, bytes(10), end=False)
    incoming.add(8, bytes(10), end=False)
    with pytest.raises(OverflowError):
        incoming.add(12, bytes(10), end=False)
    assert incoming.total == 20


def test_streams_that_were_given_up_are_forgotten_at_last() -> None:
    """A connection that lives for months does not remember each of them."""
    incoming = Incoming(longest=4, most=100)
    for stream in range(0, 40_000, 4):
        incoming.give_up(stream)
    assert len(incoming) <= 256


def test_the_round_trip_is_smoothed() -> None:
    """One slow answer moves it a little, and the least is kept."""
    rtt = Rtt()
    assert rtt.milliseconds is None
    for seconds in (0.010, 0.010, 0.090):
        rtt.add(seconds)
    assert rtt.least == 0.010
    assert rtt.milliseconds == pytest.approx(20.0)
