"""Bytes from others become bounded values or an error of one kind."""

from __future__ import annotations

import msgspec
import pytest

from appliance.mesh.identity.coding import Generation, Key, Millis, NodeId, Serial, pack, unpack
from appliance.mesh.identity.errors import Malformed


class Sample(msgspec.Struct, frozen=True):
    key: Key = bytes(32)
    node: NodeId = "a" * 16
    serial: Serial = bytes(12)
    at: Millis = 0
    generation: Generation = 1
    anything: object = None


def test_values_come_back() -> None:
    """And fields that are not known yet are passed over."""
    assert unpack(pack(Sample(at=5)), Sample, 200) == Sample(at=5)
    assert unpack(msgspec.msgpack.encode({"at": 5, "later": []}), Sample, 200) == Sample(at=5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": bytes(31)},
        {"key": "text"},
        {"node": "a" * 15},
        {"node": "a" * 16 + "\n"},
        {"node": "A" * 16},
        {"node": "aaaaaaaaaaaaaaa1"},
        {"serial": bytes(13)},
        {"at": -1},
        {"at": 1 << 60},
        {"at": 1.5},
        {"generation": 0},
        [1, 2],
        None,
    ],
)
def test_values_out_of_bounds_are_malformed(wrong: object) -> None:
    """No other box of ours writes them."""
    with pytest.raises(Malformed):
        unpack(msgspec.msgpack.encode(wrong), Sample, 200)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xdf\xff\xff\xff\xff",  # a map of four thousand million entries
        b"\x81\xa8anything" + b"\x91" * 100_000,
        b"\x81\xa4node\xa2\xff\xfe",
        b"\x81\xa4node\xb0" + b"\xed\xa0\x80" * 5 + b"a",  # half of a surrogate pair
        pack(Sample()) + b"\0",
    ],
    ids=["empty", "reserved", "endless", "nested", "no utf-8", "surrogates", "more"],
)
def test_garbage_is_malformed(data: bytes) -> None:
    """Whichever way the parser finds out."""
    with pytest.raises(Malformed):
        unpack(data, Sample, 1 << 20)


def test_too_much_is_not_parsed() -> None:
    """The limit belongs to each kind of value."""
    with pytest.raises(Malformed, match="at most 10"):
        unpack(pack(Sample()), Sample, 10)
