"""Is a certificate good, for this mesh, now? Removals are the roster's matter."""

from __future__ import annotations

from itertools import pairwise

from appliance.mesh.identity.anchor import Anchor
from appliance.mesh.identity.certificate import MOST_ISSUERS, Certificate, Claims, Link
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.signing import Domain, signed_by
from appliance.mesh.types import Role

TOLERANCE = 10 * 60 * 1000  # ms by which clocks may differ without anybody noticing


def verify(certificate: Certificate, anchor: Anchor, now: int) -> None:
    """Raises Untrusted with the first thing that is wrong."""
    verify_chain(certificate, anchor)
    verify_generation(certificate.claims, anchor, now)
    verify_begun(certificate.claims, now)
    verify_ended(certificate.claims, now)


def verify_chain(certificate: Certificate, anchor: Anchor) -> None:
    """What is true or false for ever: mesh, lengths, rights and signatures."""
    claims = certificate.claims
    if claims.mesh != anchor.mesh:
        raise Untrusted(Reason.OTHER_MESH, "That box belongs to another mesh. Invite it to this one first.")
    if certificate.distance > MOST_ISSUERS:
        raise Untrusted(
            Reason.CHAIN_TOO_LONG,
            f"That box was let in over more than {MOST_ISSUERS} others. Invite it from a box nearer to the first one.",
        )
    if claims.generation > anchor.generation:
        raise Untrusted(
            Reason.NEW_KEY,
            "That box has a newer key of this mesh, which has not come here yet. Ask it for the new key.",
        )
    _verify_rights(certificate)
    for link in certificate.links:
        _verify_signature(link)
    if certificate.links[-1].claims.issuer != anchor.key_of(claims.generation):
        raise Untrusted(Reason.BAD_SIGNATURE, "That certificate does not go back to the key of this mesh.")


def _verify_rights(certificate: Certificate) -> None:
    for link in certificate.links:
        if link.claims.may_invite and link.claims.role is not Role.NODE:
            raise Untrusted(Reason.NO_RIGHT, "A client cannot invite others, and that certificate says it can.")
    for below, above in pairwise(link.claims for link in certificate.links):
        _verify_step(below, above)


def _verify_step(below: Claims, above: Claims) -> None:
    if below.issuer != above.key or (below.mesh, below.generation) != (above.mesh, above.generation):
        raise Untrusted(Reason.BAD_SIGNATURE, "The certificates of that box do not belong together.")
    if not above.may_invite:
        raise Untrusted(Reason.NO_RIGHT, f"Box {above.node} let that box in and has no right to invite.")
    if below.expires > above.expires:
        raise Untrusted(Reason.OUTLIVES_ISSUER, "That certificate would hold longer than the one it comes from.")


def _verify_signature(link: Link) -> None:
    if not signed_by(link.claims.issuer, link.signed.signature, Domain.CERTIFICATE, link.signed.body):
        raise Untrusted(Reason.BAD_SIGNATURE, "The signature on that certificate is wrong.")


def verify_generation(claims: Claims, anchor: Anchor, now: int) -> None:
    if not generation_holds(claims.generation, anchor, now):
        raise Untrusted(
            Reason.OLD_KEY,
            "The key of the mesh was replaced while that box was away. It can ask any member for its new certificate.",
        )


def generation_holds(generation: int, anchor: Anchor, now: int) -> bool:
    """What was signed under the present mesh key holds, and for a while what was under the one before."""
    behind = anchor.generation - generation
    return behind <= 0 or (behind == 1 and now <= anchor.old_until + TOLERANCE)


def verify_begun(claims: Claims, now: int) -> None:
    if claims.issued - now > TOLERANCE:
        raise Untrusted(
            Reason.NOT_YET,
            f"That certificate is not valid yet: the clocks differ by {span(claims.issued - now)} or more. "
            "Set the clocks of both boxes.",
        )


def verify_ended(claims: Claims, now: int) -> None:
    if now - claims.expires > TOLERANCE:
        raise Untrusted(
            Reason.EXPIRED,
            f"That certificate ended {span(now - claims.expires)} ago. "
            "If that is not so, the clock is wrong; else let the box ask for a new one.",
        )


def span(milliseconds: int) -> str:
    """A length of time in words, rounded down."""
    minutes = milliseconds // 60_000
    for size, one, many in ((1440, "day", "days"), (60, "hour", "hours"), (1, "minute", "minutes")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {one if count == 1 else many}"
    return "less than a minute"
