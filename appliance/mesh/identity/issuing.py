"""Letting in and renewing. What is issued always stays within the rights and the time of its issuer."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.identity.anchor import Anchor
from appliance.mesh.identity.certificate import MOST_ISSUERS, Certificate, Claims, Link, Signed
from appliance.mesh.identity.coding import pack
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.signing import Domain, public_of, sign
from appliance.mesh.types import Role
from appliance.storage.identity import id_of

_DAY = 24 * 3600 * 1000
MEMBER_LIFE = 90 * _DAY
INVITER_LIFE = 5 * 365 * _DAY  # nobody can renew beyond these once the holder of the mesh key is gone


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in, as what, and since when."""

    key: bytes
    serial: bytes
    role: Role
    may_invite: bool
    let_in_by: str
    let_in_at: int

    @property
    def node(self) -> str:
        return id_of(self.key)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: a member with the right to invite, or (`certificate` None) the holder of the mesh key."""

    key: Ed25519PrivateKey
    certificate: Certificate | None = None

    @property
    def ends(self) -> int | None:
        return self.certificate.claims.expires if self.certificate else None

    @property
    def above(self) -> tuple[Link, ...]:
        return self.certificate.links if self.certificate else ()

    @property
    def distance(self) -> int:
        """From the mesh key; 0 for its holder."""
        return len(self.above)


def issue(issuer: Issuer, anchor: Anchor, admission: Admission, now: int) -> Certificate:
    """A certificate that verifies, or Untrusted with the reason why this issuer cannot give one."""
    _check_right(issuer, anchor, now)
    if admission.may_invite and admission.role is not Role.NODE:
        raise Untrusted(Reason.NO_RIGHT, "A client cannot be given the right to invite.")
    may_invite = admission.may_invite and issuer.distance < MOST_ISSUERS  # beyond that it would be a right to nothing
    life = INVITER_LIFE if may_invite else MEMBER_LIFE
    ends = now + life if issuer.ends is None else min(now + life, issuer.ends)
    claims = Claims(
        mesh=anchor.mesh,
        key=admission.key,
        role=admission.role,
        may_invite=may_invite,
        serial=admission.serial,
        issuer=public_of(issuer.key),
        generation=anchor.generation,
        issued=now,
        expires=ends,
        let_in_by=admission.let_in_by,
        let_in_at=admission.let_in_at,
    )
    body = pack(claims)
    return Certificate((Link(claims, Signed(body, sign(issuer.key, Domain.CERTIFICATE, body))), *issuer.above))


def _check_right(issuer: Issuer, anchor: Anchor, now: int) -> None:
    if issuer.certificate is None and public_of(issuer.key) != anchor.key:
        raise Untrusted(Reason.NO_RIGHT, "This box does not hold the present key of the mesh.")
    if issuer.certificate is not None and not issuer.certificate.claims.may_invite:
        raise Untrusted(Reason.NO_RIGHT, "This box may not invite others. Ask the owner of the mesh for that right.")
    if issuer.certificate is not None and issuer.certificate.claims.generation != anchor.generation:
        raise Untrusted(Reason.OLD_KEY, "The key of the mesh was replaced. This box needs its new certificate first.")
    if issuer.distance > MOST_ISSUERS:
        raise Untrusted(
            Reason.CHAIN_TOO_LONG,
            "This box is too far from the first one to invite others. Invite from a box nearer to it.",
        )
    if issuer.ends is not None and issuer.ends <= now:
        raise Untrusted(
            Reason.EXPIRED, "The certificate of this box has ended. It has to be renewed before it can invite."
        )


def renewed(issuer: Issuer, anchor: Anchor, certificate: Certificate, now: int) -> Certificate:
    """The same admission with a later end; its rights shrink to what the issuer can give."""
    return issue(issuer, anchor, admission_of(certificate.claims), now)


def admission_of(claims: Claims) -> Admission:
    return Admission(claims.key, claims.serial, claims.role, claims.may_invite, claims.let_in_by, claims.let_in_at)


def due(claims: Claims, now: int) -> bool:
    """Whether it is time to ask for a renewal: in the last third of its life."""
    return now >= claims.expires - (claims.expires - claims.issued) // 3
