"""What two boxes say before they trust each other. Each is one frame; fields that a later version adds are ignored."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from appliance.mesh.identity.certificate import MOST_BYTES
from appliance.mesh.identity.coding import Key, Millis, Nonce, Signature, unpack
from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.frames import BEFORE_TRUST
from appliance.mesh.plain import plain

VERSION = 1
UNDERSTOOD = (VERSION,)

_CertificateBytes = Annotated[bytes, Meta(max_length=MOST_BYTES)]


class Hello(Struct, frozen=True, tag="hello", tag_field="t"):
    """The client's first frame."""

    key: Key
    nonce: Nonce
    now: Millis  # what its clock says
    join: bool = False  # a stranger who asks to be let in
    certificate: _CertificateBytes = b""
    v: int = VERSION


class Challenge(Struct, frozen=True, tag="challenge", tag_field="t"):
    nonce: Nonce
    now: Millis
    certificate: _CertificateBytes = b""


class Proof(Struct, frozen=True, tag="proof", tag_field="t"):
    signature: Signature


class Welcome(Struct, frozen=True, tag="welcome", tag_field="t"):
    pass


class Refusal(Struct, frozen=True, tag="refused", tag_field="t"):
    """Why there will be no connection."""

    reason: Annotated[str, Meta(max_length=64)]
    text: Annotated[str, Meta(max_length=2048)] = ""
    understood: Annotated[tuple[int, ...], Meta(max_length=32)] = UNDERSTOOD  # versions

    def shown(self) -> Refusal:
        """With nothing in it that could not stand on a page."""
        return Refusal(plain(self.reason, 64), plain(self.text, 500), self.understood)


Message = Hello | Challenge | Proof | Welcome | Refusal


class _Version(Struct):
    v: int = 0


def read(data: bytes) -> Message:
    return unpack(data, Message, BEFORE_TRUST)  # type: ignore[arg-type]


def version_of(data: bytes) -> int:
    """The version of a first frame, of whatever shape a later one has; 0 when it does not say."""
    try:
        return unpack(data, _Version, BEFORE_TRUST).v
    except Malformed:
        return 0
