"""All members and removals of a mesh, as one box knows them.

Two rosters merge into one, in any order and as often as one likes, with the same outcome: of each admission the best
certificate, of each removal the gravest version, and of both not more than a fixed number, chosen by what they are and
not by when they came. What goes in was verified before, by `hearing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from appliance.mesh.identity import certificate as certificates
from appliance.mesh.identity import revocation as revocations
from appliance.mesh.identity.anchor import Anchor
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.coding import pack, unpack
from appliance.mesh.identity.revocation import Cause, Revocation
from appliance.mesh.identity.standing import Standing, standing
from appliance.mesh.identity.verifying import (
    TOLERANCE,
    generation_holds,
)

MOST_CERTIFICATES = 2048
MOST_REVOCATIONS = 1024
MOST_BY_ONE = 256  # removals that one box signs
GRACE = 90 * 24 * 3600 * 1000  # ms after its end in which a certificate is renewed without a person
MOST_BYTES = 80 << 20

Admitted = tuple[str, bytes]  # node and serial
Removed = tuple[str, bytes, str]  # node, serial and who says so

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Roster:
    certificates: Mapping[Admitted, Certificate] = field(default_factory=dict)
    revocations: Mapping[Removed, Revocation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """For the page: who belongs to the mesh, and who let it in when."""

    certificate: Certificate
    ended: bool  # its certificate has; it is renewed when the box comes back

    @property
    def node(self) -> str:
        return self.certificate.node

    @property
    def let_in_by(self) -> str:
        return self.certificate.claims.let_in_by

    @property
    def let_in_at(self) -> int:
        return self.certificate.claims.let_in_at


def merge(*rosters: Roster) -> Roster:
    return Roster(
        _best(MOST_CERTIFICATES, _weight, _place, *(one.certificates for one in rosters)),
        _bounded_removals(_best(None, _gravity, _rank, *(one.revocations for one in rosters))),
    )


def of_one(record: Certificate | Revocation) -> Roster:
    if isinstance(record, Revocation):
        return Roster({}, {(*record.target, record.by): record})
    return Roster({(record.node, record.claims.serial): record})


def with_records(roster: Roster, *records: Certificate | Revocation) -> Roster:
    return merge(roster, *(of_one(record) for record in records))


def judged(roster: Roster, anchor: Anchor, now: int) -> Standing:
    """The removals that count now: a replaced mesh key removes nobody any more."""
    return standing(one for one in roster.revocations.values() if generation_holds(one.said.generation, anchor, now))


def members(roster: Roster, anchor: Anchor, now: int) -> tuple[Member, ...]:
    """Everybody who belongs to the mesh, in the order in which they came."""
    standing_now, best = judged(roster, anchor, now), dict[str, Certificate]()
    for certificate in roster.certificates.values():
        if not gone(certificate, now) and standing_now.holds(certificate):
            best[certificate.node] = max(best.get(certificate.node, certificate), certificate, key=_newest)
    found = (Member(one, ended=now - one.claims.expires > TOLERANCE) for one in best.values())
    return tuple(sorted(found, key=lambda member: (member.let_in_at, member.node)))


def banned(roster: Roster, anchor: Anchor, now: int) -> frozenset[str]:
    effective = judged(roster, anchor, now).effective
    return frozenset(one.said.node for one in effective if one.said.cause is Cause.BANNED)


def children(roster: Roster, node: str) -> tuple[bytes, ...]:
    """Marks of the certificates that stand directly on one of this node: what a removal of it may keep."""
    found = {
        revocations.mark_of(below)
        for certificate in roster.certificates.values()
        for below, above in zip(certificate.links, certificate.links[1:], strict=False)
        if above.claims.node == node
    }
    return tuple(sorted(found))[: revocations.MOST_KEPT]


def removals_through(roster: Roster, node: str) -> tuple[bytes, ...]:
    """Marks of the removals that this node, or who it let in, has signed: what a removal of it may uphold."""
    found = {
        one.mark
        for one in roster.revocations.values()
        if one.signer is not None and any(link.claims.node == node for link in one.signer.links)
    }
    return tuple(sorted(found))[: revocations.MOST_UPHELD]


def pruned(roster: Roster, anchor: Anchor, now: int) -> Roster:
    """Without what does not count any more; a certificate under an older key stays, for its holder may come back.

    Should a removal turn out not to count, whom it was about shows its certificate again by itself.
    """
    out = judged(roster, anchor, now)
    return Roster(
        {key: one for key, one in roster.certificates.items() if not gone(one, now) and out.holds(one)},
        {key: one for key, one in roster.revocations.items() if generation_holds(one.said.generation, anchor, now)},
    )


def settled(roster: Roster, anchor: Anchor, now: int) -> Roster:
    """What others are told: the same on all boxes that have heard the same, in whatever order."""
    found = pruned(roster, anchor, now)
    held = found.certificates.items()
    return replace(
        found, certificates={key: one for key, one in held if generation_holds(one.claims.generation, anchor, now)}
    )


def fingerprint(settled_roster: Roster) -> bytes:
    """By which two boxes see that they have nothing to tell each other."""
    return hashlib.sha256(encoded(settled_roster)).digest()


class _Wire(Struct, frozen=True):
    certificates: Annotated[tuple[bytes, ...], Meta(max_length=MOST_CERTIFICATES)]
    revocations: Annotated[tuple[bytes, ...], Meta(max_length=MOST_REVOCATIONS)]


def encoded(roster: Roster) -> bytes:
    return pack(
        _Wire(
            tuple(roster.certificates[key].encoded() for key in sorted(roster.certificates)),
            tuple(roster.revocations[key].encoded() for key in sorted(roster.revocations)),
        )
    )


def decoded(data: bytes) -> Roster:
    """What this box stored itself; raises Malformed. What another sent goes through `hearing`."""
    wire = unpack(data, _Wire, MOST_BYTES)
    held = [certificates.decode(one) for one in wire.certificates]
    said = [revocations.decode(one) for one in wire.revocations]
    return Roster({(one.node, one.claims.serial): one for one in held}, {(*one.target, one.by): one for one in said})


def _best(
    most: int | None,
    weight: Callable[[V], tuple[object, ...]],
    rank: Callable[[K, V], tuple[object, ...]],
    *maps: Mapping[K, V],
) -> dict[K, V]:
    """Of each key the weightiest value, and of all the first by rank. A weightier value never ranks worse."""
    found: dict[K, V] = {}
    for key, value in (item for one in maps for item in one.items()):
        held = found.get(key)
        found[key] = value if held is None or weight(value) > weight(held) else held
    if most is None or len(found) <= most:
        return found
    return dict(sorted(found.items(), key=lambda item: rank(*item), reverse=True)[:most])


def _bounded_removals(found: Mapping[Removed, Revocation]) -> dict[Removed, Revocation]:
    """Nobody but the holder of the mesh key can push out what others said."""
    said: dict[str, int] = {}
    kept: dict[Removed, Revocation] = {}
    for key, revocation in sorted(found.items(), key=lambda item: _rank(*item), reverse=True):
        said[revocation.by] = said.get(revocation.by, 0) + 1
        if len(kept) < MOST_REVOCATIONS and (not revocation.by or said[revocation.by] <= MOST_BY_ONE):
            kept[key] = revocation
    return kept


def _weight(certificate: Certificate) -> tuple[int, int, bytes]:
    """Of one admission: under the newest key, then the one that ends last."""
    return certificate.claims.generation, certificate.claims.expires, certificate.encoded()


def _place(key: Admitted, certificate: Certificate) -> tuple[int, bytes]:
    return certificate.claims.generation, hashlib.sha256(key[0].encode() + key[1]).digest()


def _gravity(revocation: Revocation) -> tuple[int, int, int, int, bytes]:
    said = revocation.said
    return said.generation, -revocation.distance, _grade(said.cause), said.at, revocation.encoded()


def _rank(key: Removed, revocation: Revocation) -> tuple[int, int, int, bytes]:
    node, serial, by = key
    return *_gravity(revocation)[:3], hashlib.sha256(node.encode() + serial + by.encode()).digest()


def _grade(cause: Cause) -> int:
    return list(Cause).index(cause)


def _newest(certificate: Certificate) -> tuple[int, int, bytes]:
    """Of several admissions of one node."""
    return certificate.claims.generation, certificate.claims.let_in_at, certificate.claims.serial


def gone(certificate: Certificate, now: int) -> bool:
    """Ended so long ago that a person has to invite its holder again."""
    return now - certificate.claims.expires > GRACE
