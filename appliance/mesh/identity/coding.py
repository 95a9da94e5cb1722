"""msgpack with limits: what does not fit its type is `Malformed`, whatever was wrong with it."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from appliance.mesh.identity.errors import Malformed

KEY_BYTES = 32
SERIAL_BYTES = 12

Key = Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
Nonce = Annotated[bytes, Meta(min_length=32, max_length=32)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Serial = Annotated[bytes, Meta(min_length=SERIAL_BYTES, max_length=SERIAL_BYTES)]
NodeId = Annotated[str, Meta(pattern=r"\A[a-z2-7]{16}\Z")]
Millis = Annotated[int, Meta(ge=0, le=1 << 53)]
Generation = Annotated[int, Meta(ge=1, le=1 << 16)]

T = TypeVar("T")

_ENCODER = msgspec.msgpack.Encoder()


def pack(value: object) -> bytes:
    return _ENCODER.encode(value)


def unpack(data: bytes, kind: type[T], most: int) -> T:
    """The value in `data`, which has at most `most` bytes."""
    if len(data) > most:
        raise Malformed(f"{len(data)} bytes where at most {most} make sense")
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
