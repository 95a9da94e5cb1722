"""An invitation as one line of text: where to go, whom to expect there, and the secret that opens.

`mbx1.` and base64url of msgpack with a checksum at its end. The checksum finds what was cut or mistyped; nothing in the
text is believed beyond that, because the box that made it keeps its own record and is pinned by its id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from appliance.mesh.identity.coding import Millis, NodeId, pack, unpack
from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.signing import Domain
from appliance.mesh.plain import plain
from appliance.mesh.types import Role

PREFIX = "mbx1."
SECRET_BYTES = 20
INVITE_BYTES = 8
MOST_ADDRESSES = 8
LONGEST_ADDRESS = 100
LONGEST_NAME = 64
LONGEST = 2048
_CHECK_BYTES = 6
_OURS = re.compile("mbx[0-9]+", re.ASCII | re.IGNORECASE)  # of whatever version


class Token(Struct, frozen=True, array_like=True):
    invite: Annotated[bytes, Meta(min_length=INVITE_BYTES, max_length=INVITE_BYTES)]
    secret: Annotated[bytes, Meta(min_length=16, max_length=64)]
    mesh: NodeId
    issuer: NodeId  # the box to expect at the addresses
    addresses: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=LONGEST_ADDRESS)], ...], Meta(max_length=MOST_ADDRESSES)
    ]
    role: Role
    expires: Millis
    name: Annotated[str, Meta(max_length=LONGEST_NAME * 4)] = ""  # of the mesh

    @property
    def shown_name(self) -> str:
        return plain(self.name, LONGEST_NAME)

    def __repr__(self) -> str:  # a secret does not get into a log by accident
        return f"Token(invite={self.invite.hex()}, mesh={self.mesh}, issuer={self.issuer})"


class Fault(StrEnum):
    NO_TOKEN = "no_token"  # noqa: S105 - a word, not a secret
    NEWER = "newer"
    DAMAGED = "damaged"


FAULTS = {
    Fault.NO_TOKEN: "This is not an invitation. One begins with mbx1 and is a single long word; copy it as a whole.",
    Fault.NEWER: "This invitation was made by a newer Meshbox. Update this box, then try again.",
    Fault.DAMAGED: "This invitation is incomplete or was changed. Copy it again, from its first to its last letter.",
}


@dataclass(frozen=True, slots=True)
class BadToken:
    fault: Fault

    @property
    def text(self) -> str:
        return FAULTS[self.fault]


def written(token: Token) -> str:
    body = pack(token)
    return PREFIX + base64.urlsafe_b64encode(body + _check(body)).decode().rstrip("=")


def parse(text: str) -> Token | BadToken:
    """Line ends and spaces that a mail program put in do not matter."""
    word = "".join(text[: 2 * LONGEST].split())
    family, dot, rest = word.partition(".")
    if not dot or not _OURS.fullmatch(family):
        return BadToken(Fault.NO_TOKEN)
    if family.lower() + dot != PREFIX:
        return BadToken(Fault.NEWER)
    if len(word) > LONGEST or (body := _body(rest)) is None:
        return BadToken(Fault.DAMAGED)
    try:
        return unpack(body, Token, LONGEST)
    except Malformed:
        return BadToken(Fault.DAMAGED)


def _body(rest: str) -> bytes | None:
    try:
        data = base64.b64decode(rest + "=" * (-len(rest) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
    return body if _check(body) == check else None


def _check(body: bytes) -> bytes:
    return hashlib.sha256(Domain.TOKEN.value + body).digest()[:_CHECK_BYTES]
