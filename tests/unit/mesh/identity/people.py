"""A mesh, its boxes and their certificates for tests. Keys come from names: a failure comes again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, reduce

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.mesh.identity.anchor import Anchor, announce, follow, founded
from appliance.mesh.identity.certificate import Certificate, Claims, Link, Signed
from appliance.mesh.identity.coding import SERIAL_BYTES, pack
from appliance.mesh.identity.handshake import Credentials, Gate
from appliance.mesh.identity.issuing import Admission, Issuer, issue
from appliance.mesh.identity.revocation import ANY_SERIAL, Cause, Removal, Revocation, mark_of, revoke
from appliance.mesh.identity.roster import Roster, with_records
from appliance.mesh.identity.signing import Domain, public_of, sign
from appliance.mesh.identity.tls_certificate import self_signed
from appliance.mesh.identity.verifying import verify
from appliance.mesh.types import Role
from appliance.storage.identity import id_of

NOW = 1_800_000_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@cache
def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def node_of(name: str) -> str:
    return id_of(public_of(key_of(name)))


def bytes_of(name: str, count: int = 32) -> bytes:
    return hashlib.sha256(b"bytes " + name.encode()).digest()[:count]


def serial_of(name: str) -> bytes:
    return bytes_of("serial " + name, SERIAL_BYTES)


MESH_KEY = key_of("mesh")
ANCHOR = founded(public_of(MESH_KEY))
FOUNDER = Issuer(MESH_KEY)
# the same mesh after its key was replaced
LATER = follow(ANCHOR, announce(ANCHOR, MESH_KEY, public_of(key_of("second")), NOW))


def admission(name: str, *, may_invite: bool = False, role: Role = Role.NODE, serial: str = "") -> Admission:
    return Admission(public_of(key_of(name)), serial_of(serial or name), role, may_invite, node_of("founder"), NOW)


def member(
    name: str,
    *,
    may_invite: bool = False,
    role: Role = Role.NODE,
    issuer: Issuer = FOUNDER,
    anchor: Anchor = ANCHOR,
    now: int = NOW,
    serial: str = "",
) -> Certificate:
    return issue(issuer, anchor, admission(name, may_invite=may_invite, role=role, serial=serial), now)


def inviter(name: str, issuer: Issuer = FOUNDER, anchor: Anchor = ANCHOR, now: int = NOW) -> Issuer:
    return Issuer(key_of(name), member(name, may_invite=True, issuer=issuer, anchor=anchor, now=now))


def forged(certificate: Certificate, by: Ed25519PrivateKey, /, **claims: object) -> Certificate:
    """The same certificate saying something else, really signed by `by`."""
    link, *above = certificate.links
    said = _changed(link.claims, claims)
    body = pack(said)
    return replace(certificate, links=(Link(said, Signed(body, sign(by, Domain.CERTIFICATE, body))), *above))


def _changed(claims: Claims, changes: dict[str, object]) -> Claims:
    fields = {name: changes.get(name, getattr(claims, name)) for name in Claims.__struct_fields__}
    return Claims(**fields)  # type: ignore[arg-type]


def removed(
    name: str,
    by: Issuer,
    cause: Cause = Cause.REMOVED,
    *,
    serial: str = "",
    keeps: Iterable[Certificate] = (),
    upholds: Iterable[Revocation] = (),
) -> Revocation:
    which = ANY_SERIAL if cause is Cause.BANNED else serial_of(serial or name)
    kept, upheld = tuple(mark_of(one.links[0]) for one in keeps), tuple(one.mark for one in upholds)
    return revoke(by, ANCHOR, Removal(ANCHOR.mesh, node_of(name), which, cause, NOW, 1, kept, upheld))


def roster_of(*heard: Certificate | Revocation) -> Roster:
    return reduce(with_records, heard, Roster())


@dataclass(frozen=True, slots=True)
class Box:
    credentials: Credentials
    der: bytes

    @property
    def node(self) -> str:
        return id_of(public_of(self.credentials.key))


def gate(anchor: Anchor = ANCHOR) -> Gate:
    return lambda certificate, now: verify(certificate, anchor, now)


def box(name: str, certificate: Certificate | None, anchor: Anchor = ANCHOR) -> Box:
    key = key_of(name)
    return Box(Credentials(key, certificate, gate(anchor)), self_signed(key).public_bytes(Encoding.DER))
