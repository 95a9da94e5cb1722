"""What a member holds: its key, its rights, who let it in, and above it the chain of those who may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from appliance.mesh.identity.coding import Generation, Key, Millis, NodeId, Serial, Signature, pack, unpack
from appliance.mesh.types import Role
from appliance.storage.identity import id_of

MOST_ISSUERS = 3  # boxes between a member and the mesh key
MOST_BYTES = 4096
_MOST_CLAIMS = 768


class Claims(
    Struct,
    frozen=True,
    rename={
        "mesh": "m", "key": "k", "role": "r", "may_invite": "i", "serial": "s", "issuer": "b",
        "generation": "g", "issued": "f", "expires": "u", "let_in_by": "w", "let_in_at": "a",
    },
):  # fmt: skip
    """The signed part."""

    mesh: NodeId
    key: Key
    role: Role
    may_invite: bool
    serial: Serial  # of the admission: a renewal keeps it
    issuer: Key  # a mesh key, or a member's
    generation: Generation  # of the mesh key at the top of the chain
    issued: Millis
    expires: Millis
    let_in_by: NodeId
    let_in_at: Millis

    @property
    def node(self) -> str:
        return id_of(self.key)


class Signed(Struct, frozen=True, array_like=True):
    """Claims as they were signed: what a later version adds stays covered by the signature."""

    body: Annotated[bytes, Meta(max_length=_MOST_CLAIMS)]
    signature: Signature


_Chain = Annotated[tuple[Signed, ...], Meta(min_length=1, max_length=16)]  # too long a chain has a reason of its own


@dataclass(frozen=True, slots=True)
class Link:
    claims: Claims
    signed: Signed


@dataclass(frozen=True, slots=True)
class Certificate:
    links: tuple[Link, ...]  # its own first, then that of its issuer, up to one that a mesh key signed

    @property
    def claims(self) -> Claims:
        return self.links[0].claims

    @property
    def node(self) -> str:
        return self.claims.node

    @property
    def distance(self) -> int:
        """How many boxes stand between its holder and the mesh key."""
        return len(self.links) - 1

    def encoded(self) -> bytes:
        return pack(tuple(link.signed for link in self.links))


def decode(data: bytes) -> Certificate:
    """Readable, nothing more; raises Malformed."""
    return Certificate(tuple(_link(signed) for signed in unpack(data, _Chain, MOST_BYTES)))


def _link(signed: Signed) -> Link:
    return Link(unpack(signed.body, Claims, _MOST_CLAIMS), signed)
