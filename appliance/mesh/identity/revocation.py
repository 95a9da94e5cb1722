"""Signed removals: who is out, who says so, and what of the removed one's doing goes on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from appliance.mesh.identity import certificate as certificates
from appliance.mesh.identity.anchor import Anchor
from appliance.mesh.identity.certificate import Certificate, Link
from appliance.mesh.identity.coding import SERIAL_BYTES, Generation, Millis, NodeId, Signature, pack, unpack
from appliance.mesh.identity.errors import Malformed, Reason, Untrusted
from appliance.mesh.identity.issuing import Issuer
from appliance.mesh.identity.signing import Domain, public_of, sign, signed_by
from appliance.mesh.identity.verifying import verify_chain

MOST_BYTES = 60 << 10
MOST_KEPT = 1536
MOST_UPHELD = 1024
ANY_SERIAL = b""
_MARK_BYTES = 16

Mark = Annotated[bytes, Meta(min_length=_MARK_BYTES, max_length=_MARK_BYTES)]


class Cause(StrEnum):
    LEFT = "left"  # said by the box itself
    REMOVED = "removed"  # may be invited again
    BANNED = "banned"  # may not


class Removal(
    Struct,
    frozen=True,
    rename={
        "mesh": "m", "node": "n", "serial": "s", "cause": "c",
        "at": "a", "generation": "g", "keeps": "k", "upholds": "h",
    },
):  # fmt: skip
    """The signed part."""

    mesh: NodeId
    node: NodeId
    serial: Annotated[bytes, Meta(max_length=SERIAL_BYTES)]  # ANY_SERIAL: whatever it shows
    cause: Cause
    at: Millis
    generation: Generation  # of the mesh key under which it is said
    keeps: Annotated[tuple[Mark, ...], Meta(max_length=MOST_KEPT)] = ()  # certificates that its subject gave
    upholds: Annotated[tuple[Mark, ...], Meta(max_length=MOST_UPHELD)] = ()  # removals by its subject


class _Wire(Struct, frozen=True, array_like=True):
    body: Annotated[bytes, Meta(max_length=MOST_BYTES)]
    signature: Signature
    signer: Annotated[bytes, Meta(max_length=certificates.MOST_BYTES)]  # empty: the mesh key


@dataclass(frozen=True, slots=True)
class Revocation:
    said: Removal
    body: bytes
    signature: bytes
    signer: Certificate | None  # None: the holder of the mesh key

    @property
    def target(self) -> tuple[str, bytes]:
        return self.said.node, self.said.serial

    @property
    def by(self) -> str:
        """The id of the box that signed; empty for the mesh key."""
        return self.signer.node if self.signer else ""

    @property
    def distance(self) -> int:
        """From the mesh key to who signed; 0 is the mesh key itself."""
        return self.signer.distance + 1 if self.signer else 0

    @property
    def mark(self) -> bytes:
        return mark(self.body)

    def encoded(self) -> bytes:
        return pack(_Wire(self.body, self.signature, self.signer.encoded() if self.signer else b""))


def mark(body: bytes) -> bytes:
    """By which one removal or certificate is named in another."""
    return hashlib.sha256(body).digest()[:_MARK_BYTES]


def mark_of(link: Link) -> bytes:
    return mark(link.signed.body)


def decode(data: bytes) -> Revocation:
    """Readable, nothing more; raises Malformed."""
    wire = unpack(data, _Wire, MOST_BYTES + certificates.MOST_BYTES)
    said = unpack(wire.body, Removal, MOST_BYTES)
    if len(said.serial) not in (0, SERIAL_BYTES):
        raise Malformed("a serial of a wrong length")
    return Revocation(said, wire.body, wire.signature, certificates.decode(wire.signer) if wire.signer else None)


def revoke(issuer: Issuer, anchor: Anchor, said: Removal) -> Revocation:
    """Signs a removal; raises Untrusted when this box may not."""
    body = pack(said)
    made = Revocation(said, body, sign(issuer.key, Domain.REVOCATION, body), issuer.certificate)
    if issuer.certificate is None and public_of(issuer.key) != anchor.key:
        raise Untrusted(Reason.NO_RIGHT, "This box does not hold the present key of the mesh.")
    verify_revocation(made, anchor)
    return made


def verify_revocation(revocation: Revocation, anchor: Anchor) -> None:
    """Whether it was said by somebody who may; raises Untrusted. Nothing here depends on a clock."""
    said, signer = revocation.said, revocation.signer
    if said.mesh != anchor.mesh:
        raise Untrusted(Reason.OTHER_MESH, "That removal belongs to another mesh.")
    if said.generation > anchor.generation:
        raise Untrusted(Reason.NEW_KEY, "That removal was signed under a newer key of the mesh.")
    public = anchor.key_of(said.generation)
    if signer is not None:
        verify_chain(signer, anchor)
        _verify_right(said, signer)
        public = signer.claims.key
    if public is None or not signed_by(public, revocation.signature, Domain.REVOCATION, revocation.body):
        raise Untrusted(Reason.BAD_SIGNATURE, "The signature on that removal is wrong.")


def _verify_right(said: Removal, signer: Certificate) -> None:
    claims = signer.claims
    if claims.generation != said.generation:
        raise Untrusted(Reason.BAD_SIGNATURE, "That removal and the certificate beside it do not belong together.")
    leaves = said.cause is Cause.LEFT
    if leaves and (claims.node, claims.serial) != (said.node, said.serial):
        raise Untrusted(Reason.NO_RIGHT, f"Box {claims.node} says that another box left. Only that box can say so.")
    if not leaves and not claims.may_invite:
        raise Untrusted(Reason.NO_RIGHT, f"Box {claims.node} removed a box and has no right to.")
