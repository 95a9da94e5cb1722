"""What a mesh is recognised by: its public mesh keys, one a generation, each announced by the one before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta, Struct

from appliance.mesh.identity.coding import Generation, Key, Millis, NodeId, Signature, pack, unpack
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.signing import Domain, public_of, sign, signed_by
from appliance.storage.identity import id_of

MOST_ROTATIONS = 128
OVERLAP = 10 * 60 * 1000  # ms in which certificates under the key before still hold, if nothing else is asked for
_MOST_BODY = 512


class Succession(Struct, frozen=True, rename={"mesh": "m", "key": "k", "generation": "g", "at": "f", "old_until": "u"}):
    """The signed part: which key comes next."""

    mesh: NodeId
    key: Key
    generation: Generation  # of the new key
    at: Millis
    old_until: Millis  # certificates under the key before hold until then


class Rotation(Struct, frozen=True, array_like=True):
    body: Annotated[bytes, Meta(max_length=_MOST_BODY)]
    signature: Signature  # by the key before


Rotations = Annotated[tuple[Rotation, ...], Meta(max_length=MOST_ROTATIONS)]


@dataclass(frozen=True, slots=True)
class Anchor:
    keys: tuple[bytes, ...]  # by generation, the first is 1
    rotations: tuple[Rotation, ...] = ()
    old_until: int = 0

    @property
    def mesh(self) -> str:
        return id_of(self.keys[0])

    @property
    def generation(self) -> int:
        return len(self.keys)

    @property
    def key(self) -> bytes:
        return self.keys[-1]

    def key_of(self, generation: int) -> bytes | None:
        return self.keys[generation - 1] if 0 < generation <= len(self.keys) else None


def founded(first: bytes) -> Anchor:
    return Anchor((first,))


def announce(anchor: Anchor, old: Ed25519PrivateKey, new: bytes, now: int, overlap: int = OVERLAP) -> Rotation:
    """The record by which the holder of the mesh key hands over to a new one."""
    if public_of(old) != anchor.key:
        raise Untrusted(Reason.NO_RIGHT, "Only the box that holds the mesh key can replace it.")
    if len(anchor.rotations) >= MOST_ROTATIONS:
        raise Untrusted(Reason.FULL, "The key of this mesh was replaced too often. Found a new mesh instead.")
    body = pack(Succession(anchor.mesh, new, anchor.generation + 1, now, now + overlap))
    return Rotation(body, sign(old, Domain.ROTATION, body))


def follow(anchor: Anchor, rotation: Rotation) -> Anchor:
    """The anchor after a rotation; raises Untrusted. One that is known already changes nothing."""
    said = unpack(rotation.body, Succession, _MOST_BODY)
    before = anchor.key_of(said.generation - 1)
    if said.mesh != anchor.mesh:
        raise Untrusted(Reason.OTHER_MESH, "The new key belongs to another mesh.")
    if before is None:
        raise Untrusted(
            Reason.NEW_KEY, "A newer key of this mesh was announced, and the one before it is not known here."
        )
    if not signed_by(before, rotation.signature, Domain.ROTATION, rotation.body):
        raise Untrusted(Reason.BAD_SIGNATURE, "The new key of the mesh is not signed by the key before it.")
    known = anchor.key_of(said.generation)
    if known is not None and known != said.key:
        raise Untrusted(
            Reason.FORK,
            "Two different keys claim to follow one key of this mesh: somebody else has had it. "
            "Found a new mesh and invite your boxes again.",
        )
    if known is not None:
        return anchor
    if len(anchor.rotations) >= MOST_ROTATIONS:
        raise Untrusted(Reason.FULL, "The key of this mesh was replaced too often. Found a new mesh instead.")
    return replace(
        anchor,
        keys=(*anchor.keys, said.key),
        rotations=(*anchor.rotations, rotation),
        old_until=said.old_until,
    )


def follow_all(anchor: Anchor, rotations: tuple[Rotation, ...]) -> Anchor:
    for rotation in rotations:
        anchor = follow(anchor, rotation)
    return anchor
