"""Removing and banning: the records for it, made by a box that has the right."""

from __future__ import annotations

from appliance.mesh.identity.anchor import Anchor
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.issuing import Issuer
from appliance.mesh.identity.revocation import ANY_SERIAL, Cause, Removal, Revocation, revoke
from appliance.mesh.identity.roster import Roster, children, judged, removals_through


def remove(
    issuer: Issuer,
    anchor: Anchor,
    roster: Roster,
    node: str,
    now: int,
    *,
    cause: Cause = Cause.REMOVED,
    with_its_guests: bool = False,
) -> tuple[Revocation, ...]:
    """One record for each admission of the node. Whom it let in stays, unless they are to go `with_its_guests`."""
    serials = (ANY_SERIAL,) if cause is Cause.BANNED else _admissions(roster, anchor, node, now)
    if not serials:
        raise Untrusted(Reason.UNKNOWN, f"Box {node} does not belong to this mesh, or not any more.")
    keeps, upholds = () if with_its_guests else children(roster, node), removals_through(roster, node)
    return tuple(
        revoke(issuer, anchor, Removal(anchor.mesh, node, serial, cause, now, anchor.generation, keeps, upholds))
        for serial in serials
    )


def _admissions(roster: Roster, anchor: Anchor, node: str, now: int) -> tuple[bytes, ...]:
    standing = judged(roster, anchor, now)
    return tuple(
        sorted(serial for member, serial in roster.certificates if member == node and not standing.cause(node, serial))
    )
