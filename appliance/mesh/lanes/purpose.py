"""What a TLS connection is opened for: its first frame after the handshake (pure). Unknown fields are ignored."""

from __future__ import annotations

from typing import Final

import msgspec

from appliance.mesh.lanes.trouble import LaneError, Reason

LONGEST = 4096  # bytes of a whole frame
NAME = 512  # characters


class Purpose(msgspec.Struct, frozen=True, tag_field="for"):
    """One class for each purpose; its tag chooses the handler."""


class Tunnel(Purpose, frozen=True, tag="tunnel"):
    """HTTP to the peer's own API; the model is a hint only."""

    model: str | None = None


class File(Purpose, frozen=True, tag="file"):
    """A model's file, from a byte on."""

    name: str
    digest: str = ""
    offset: int = 0


class Rpc(Purpose, frozen=True, tag="rpc"):
    """A stage of a split model."""

    model: str
    epoch: int = 0


class Ping(Purpose, frozen=True, tag="ping"):
    """What is sent comes back."""


class Measure(Purpose, frozen=True, tag="measure"):
    """So many bytes, as fast as the way allows."""

    size: int


class Messages(Purpose, frozen=True, tag="messages"):
    """Questions and notes as on the QUIC lane, for pairs between which it does not pass."""


class Relay(Purpose, frozen=True, tag="relay"):
    """Be led on to another member, which will prove itself to us and we to it."""

    target: str


class Meet(Purpose, frozen=True, tag="meet"):
    """Come to be led together with who waits under this ticket."""

    ticket: bytes


class Answer(msgspec.Struct, frozen=True):
    """What the peer says to a purpose. `refused` is empty when it goes on."""

    refused: str = ""
    text: str = ""


ALL: Final = Tunnel | File | Rpc | Ping | Measure | Messages | Relay | Meet
_decoder: Final = msgspec.msgpack.Decoder(ALL)
_answers: Final = msgspec.msgpack.Decoder(Answer)
_encoder: Final = msgspec.msgpack.Encoder()


def tag_of(purpose: Purpose | type[Purpose]) -> str:
    return str(purpose.__struct_config__.tag)


def encode(message: Purpose | Answer) -> bytes:
    return _encoder.encode(message)


def decode(frame: bytes) -> Purpose:
    if len(frame) > LONGEST:
        raise LaneError(Reason.MALFORMED, "the purpose of the connection is too long")
    try:
        purpose: Purpose = _decoder.decode(frame)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise LaneError(Reason.UNKNOWN, "this box does not know what the connection is for") from error
    if any(isinstance(value, str | bytes) and len(value) > NAME for value in msgspec.structs.astuple(purpose)):
        raise LaneError(Reason.MALFORMED, "a name in the purpose of the connection is too long")
    if any(isinstance(value, int) and value < 0 for value in msgspec.structs.astuple(purpose)):
        raise LaneError(Reason.MALFORMED, "a number in the purpose of the connection is negative")
    return purpose


def decode_answer(frame: bytes) -> Answer:
    try:
        return _answers.decode(frame)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise LaneError(Reason.MALFORMED, "the peer's answer to the purpose cannot be understood") from error
