"""To which mesh this box belongs, and by what right."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.identity.anchor import Anchor, Rotation, follow_all, founded
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.issuing import Admission, Issuer, issue
from appliance.mesh.identity.joining import Joined
from appliance.mesh.identity.roster import Roster, with_records
from appliance.mesh.identity.rotating import Rotated
from appliance.mesh.identity.signing import public_of
from appliance.mesh.types import Role
from appliance.storage.identity import node_id


@dataclass(frozen=True, slots=True)
class Belonging:
    anchor: Anchor
    name: str
    certificate: Certificate
    mesh_key: Ed25519PrivateKey | None = None  # the present one, on the box that holds it

    def issuer(self, node_key: Ed25519PrivateKey) -> Issuer | None:
        """As whom this box lets others in, renews and removes; None when it may not."""
        if self.mesh_key is not None:
            return Issuer(self.mesh_key)
        return Issuer(node_key, self.certificate) if self.certificate.claims.may_invite else None


def found_mesh(
    mesh_key: Ed25519PrivateKey, node_key: Ed25519PrivateKey, name: str, serial: bytes, now: int
) -> tuple[Belonging, Roster]:
    """A mesh of one box."""
    anchor, founder = founded(public_of(mesh_key)), node_id(node_key)
    admission = Admission(public_of(node_key), serial, Role.NODE, may_invite=True, let_in_by=founder, let_in_at=now)
    certificate = issue(Issuer(mesh_key), anchor, admission, now)
    return Belonging(anchor, name, certificate, mesh_key), with_records(Roster(), certificate)


def entered(got: Joined) -> tuple[Belonging, Roster]:
    """After joining; who else is there is heard from the others."""
    return Belonging(got.anchor, got.name, got.certificate), with_records(Roster(), got.certificate)


def turned(belonging: Belonging, mesh_key: Ed25519PrivateKey, rotated: Rotated) -> Belonging:
    """On the box that replaced the mesh key."""
    return refreshed(replace(belonging, anchor=rotated.anchor, mesh_key=mesh_key), rotated.roster)


def followed(belonging: Belonging, rotations: tuple[Rotation, ...]) -> Belonging:
    """On all others, when they hear of it; raises Untrusted. Their new certificates are heard next."""
    anchor = follow_all(belonging.anchor, rotations)
    held = belonging.mesh_key if belonging.mesh_key and public_of(belonging.mesh_key) == anchor.key else None
    return replace(belonging, anchor=anchor, mesh_key=held)


def refreshed(belonging: Belonging, roster: Roster) -> Belonging:
    """With the best certificate of its own admission that the roster holds."""
    claims = belonging.certificate.claims
    best = roster.certificates.get((claims.node, claims.serial), belonging.certificate)
    better = (best.claims.generation, best.claims.expires) > (claims.generation, claims.expires)
    return replace(belonging, certificate=best) if better else belonging
