"""Whose boxes are trusted: an owner's key, kept by a person, signs the ids of the boxes that are his."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from appliance.mesh.identity.coding import Key, Millis, NodeId, Signature, pack, unpack
from appliance.mesh.identity.signing import Domain, public_of, sign, signed_by
from appliance.storage.identity import id_of

MOST_BYTES = 512


class Policy(StrEnum):
    OFF = "off"
    PREFER_OWNED = "prefer_owned"  # all may take part, an owner's boxes come first
    REQUIRE_OWNED = "require_owned"
    ALLOW_LIST = "allow_list"


class Endorsement(Struct, frozen=True, rename={"owner": "o", "node": "n", "at": "a", "signature": "s"}):
    """An owner says: that box is mine."""

    owner: Key
    node: NodeId
    at: Millis
    signature: Signature

    @property
    def owner_id(self) -> str:
        return id_of(self.owner)


@dataclass(frozen=True, slots=True)
class Trust:
    policy: Policy = Policy.OFF
    owners: frozenset[str] = frozenset()  # ids of owner keys
    allowed: frozenset[str] = frozenset()  # ids of nodes, for the allow-list
    owned: frozenset[str] = frozenset()  # ids of nodes that one of the owners signed; see `owned_nodes`


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    preferred: bool = False
    why: str = ""


def endorse(owner: Ed25519PrivateKey, node: str, now: int) -> Endorsement:
    return Endorsement(public_of(owner), node, now, sign(owner, Domain.ENDORSEMENT, _body(node, now)))


def decode(data: bytes) -> Endorsement:
    """Readable, nothing more; raises Malformed."""
    return unpack(data, Endorsement, MOST_BYTES)


def owned_nodes(endorsements: Iterable[Endorsement], owners: frozenset[str]) -> frozenset[str]:
    """Whose endorsement is genuine and by one of these owners; all others are left out."""
    return frozenset(one.node for one in endorsements if one.owner_id in owners and _genuine(one))


def judge(node: str, trust: Trust) -> Verdict:
    """Whether a box may take part, and in words why not."""
    owned = node in trust.owned
    match trust.policy:
        case Policy.REQUIRE_OWNED if not owned:
            return Verdict(
                allowed=False,
                why=f"Box {node} is signed by no owner that this box trusts. Sign it, or change the rule.",
            )
        case Policy.ALLOW_LIST if node not in trust.allowed:
            return Verdict(allowed=False, why=f"Box {node} is not on the list of allowed boxes. Add it to the list.")
        case Policy.PREFER_OWNED:
            return Verdict(allowed=True, preferred=owned)
        case _:
            return Verdict(allowed=True)


def _genuine(one: Endorsement) -> bool:
    return signed_by(one.owner, one.signature, Domain.ENDORSEMENT, _body(one.node, one.at))


def _body(node: str, at: int) -> bytes:
    return pack((node, at))
