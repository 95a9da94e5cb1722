"""A new mesh key: the record that announces it, new certificates for all members, and every removal said anew."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.identity.anchor import OVERLAP, Anchor, Rotation, announce, follow
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.issuing import Issuer, admission_of, issue
from appliance.mesh.identity.revocation import Cause, Removal, Revocation, revoke
from appliance.mesh.identity.roster import Roster, judged, members, with_records
from appliance.mesh.identity.signing import public_of


@dataclass(frozen=True, slots=True)
class Rotated:
    anchor: Anchor
    rotation: Rotation
    certificates: tuple[Certificate, ...]
    revocations: tuple[Revocation, ...]
    roster: Roster  # with both in it


def rotate(
    anchor: Anchor, roster: Roster, old: Ed25519PrivateKey, new: Ed25519PrivateKey, now: int, overlap: int = OVERLAP
) -> Rotated:
    """Everybody who belongs to the mesh stays, directly under the new key. `overlap` 0: the old key ends at once."""
    rotation = announce(anchor, old, public_of(new), now, overlap)
    after, holder = follow(anchor, rotation), Issuer(new)
    given = tuple(
        issue(holder, after, admission_of(member.certificate.claims), now) for member in members(roster, anchor, now)
    )
    said = tuple(
        revoke(holder, after, Removal(after.mesh, *target, cause, now, after.generation))
        for target, cause in _removed(roster, anchor, now).items()
    )
    return Rotated(after, rotation, given, said, with_records(roster, *given, *said))


def _removed(roster: Roster, anchor: Anchor, now: int) -> dict[tuple[str, bytes], Cause]:
    standing = judged(roster, anchor, now)
    causes = {one.target: standing.cause(*one.target) for one in standing.effective}
    return {target: cause for target, cause in causes.items() if cause is not None}
