"""Messages between members: one byte of protocol version, then msgpack with limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

PROTOCOL = 1
LONGEST = 64 * 1024
ROOM = 1100  # what fits into one datagram of any network
MOST_BYTES = 48 * 1024  # of records in one message
MOST_STAMPS = 1024
MOST_UPDATES = 256
MOST = 1 << 53

Node = Annotated[str, Meta(min_length=1, max_length=32)]
Key = Annotated[str, Meta(min_length=1, max_length=64)]
Count = Annotated[int, Meta(ge=0, le=MOST)]
Sum = Annotated[int, Meta(ge=0)]  # msgpack has none above 64 bits
Sequence32 = Annotated[int, Meta(ge=0, le=(1 << 32) - 1)]
Blob = Annotated[bytes, Meta(max_length=16 * 1024)]


class Malformed(Exception):
    """Not a message, or one beyond its limits."""


class LaterVersion(Exception):
    """A message of a protocol that this box does not know."""

    def __init__(self, version: int) -> None:
        super().__init__(f"protocol {version}; this box understands {PROTOCOL}")
        self.version = version


class Stamp(Struct, frozen=True, array_like=True):
    """Which version of an entry somebody has."""

    key: Key
    incarnation: Count
    version: Count


class Update(Struct, frozen=True, array_like=True):
    """A member is not what it was: 1 suspected, 2 dead, 3 left. That it is alive only its own record says."""

    state: Annotated[int, Meta(ge=1, le=3)]
    node: Node
    incarnation: Count
    by: Node


Updates = Annotated[tuple[Update, ...], Meta(max_length=MOST_UPDATES)]
Stamps = Annotated[tuple[Stamp, ...], Meta(max_length=MOST_STAMPS)]
Blobs = Annotated[tuple[Blob, ...], Meta(max_length=MOST_STAMPS)]
Bits = Annotated[int, Meta(ge=0, le=8)]


class Ping(Struct, frozen=True, array_like=True, tag="p"):
    number: Sequence32
    total: Sum  # of all that the sender knows
    at: Count  # its wall clock, ms
    updates: Updates = ()
    stamps: Stamps = ()


class Ack(Struct, frozen=True, array_like=True, tag="a"):
    number: Sequence32
    total: Sum
    at: Count
    updates: Updates = ()
    stamps: Stamps = ()


class Nack(Struct, frozen=True, array_like=True, tag="k"):
    """The one who was to be tried is silent for the helper too; so the helper is there and the link to it works."""

    number: Sequence32


class PingFor(Struct, frozen=True, array_like=True, tag="q"):
    number: Sequence32
    target: Node


class News(Struct, frozen=True, array_like=True, tag="g"):
    updates: Updates = ()
    stamps: Stamps = ()
    blobs: Blobs = ()


class Compare(Struct, frozen=True, array_like=True, tag="d"):
    """All that the sender knows as sums; who gets it names what lies where they differ."""

    bits: Bits
    sums: Annotated[bytes, Meta(max_length=8 * 256)]
    watch: bool = False  # tell me of changes from now on


class Listing(Struct, frozen=True, array_like=True, tag="e"):
    bits: Bits
    buckets: Annotated[tuple[Annotated[int, Meta(ge=0, le=255)], ...], Meta(max_length=256)]
    stamps: Stamps = ()


class Want(Struct, frozen=True, array_like=True, tag="w"):
    keys: Annotated[tuple[Key, ...], Meta(max_length=MOST_STAMPS)]


class Refusal(Struct, frozen=True, array_like=True, tag="r"):
    """Answers a later protocol, in the oldest one: which versions are understood."""

    understood: Annotated[tuple[Count, ...], Meta(max_length=16)]


Message = Ping | Ack | Nack | PingFor | News | Compare | Listing | Want | Refusal

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
_HEAD = bytes((PROTOCOL,))


def encode(message: Message) -> bytes:
    return _HEAD + _ENCODER.encode(message)


def decode(data: bytes) -> Message:
    if not data or len(data) > LONGEST:
        raise Malformed(f"{len(data)} bytes")
    if data[0] > PROTOCOL:
        raise LaterVersion(data[0])
    if data[0] < PROTOCOL:
        raise Malformed(f"protocol {data[0]}")
    try:
        return _DECODER.decode(memoryview(data)[1:])
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise Malformed(str(error)) from error


def pages(items: Sequence[Any], most: int) -> list[tuple[Any, ...]]:
    return [tuple(items[at : at + most]) for at in range(0, len(items), most)]


def parcels(blobs: Sequence[bytes], most: int = MOST_BYTES) -> list[tuple[bytes, ...]]:
    """The same blobs in messages that are not too long."""
    found: list[list[bytes]] = []
    room = 0
    for blob in blobs:
        if not found or len(blob) > room or len(found[-1]) >= MOST_STAMPS:
            found.append([])
            room = most
        found[-1].append(blob)
        room -= len(blob)
    return [tuple(part) for part in found]
