"""A new certificate for a member: in time, after its end, or when the mesh key was replaced while it was away."""

from __future__ import annotations

from appliance.mesh.identity.anchor import Anchor
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.issuing import Issuer, admission_of, due, issue
from appliance.mesh.identity.roster import GRACE, Roster, judged
from appliance.mesh.identity.verifying import span, verify, verify_chain


def readmit(
    roster: Roster, anchor: Anchor, issuer: Issuer | None, shown: Certificate, key: bytes, now: int
) -> Certificate:
    """What to hand to who proved `key` and shows that certificate; raises Untrusted.

    Any member hands out what is there already. Only one that may invite gives a new one, and only for an admission that
    its roster knows or that is good as it is: a replaced mesh key lets nobody in any more.
    """
    if shown.claims.key != key:
        raise Untrusted(Reason.WRONG_NODE, "That box shows the certificate of another one.")
    verify_chain(shown, anchor)
    known = roster.certificates.get((shown.node, shown.claims.serial))
    if known is None:
        verify(shown, anchor, now)
        known = shown
    judged(roster, anchor, now).check(known)
    _check_age(known, now)
    if _good(known, anchor, now):
        return known
    if issuer is None:
        raise Untrusted(Reason.NO_RIGHT, "This box may not renew certificates. Ask one that may invite.")
    return max(known, issue(issuer, anchor, admission_of(known.claims), now), key=_lasting)


def _good(known: Certificate, anchor: Anchor, now: int) -> bool:
    return known.claims.generation == anchor.generation and not due(known.claims, now)


def _lasting(certificate: Certificate) -> tuple[int, int]:
    """An issuer near its own end has less to give than there is."""
    return certificate.claims.generation, certificate.claims.expires


def _check_age(known: Certificate, now: int) -> None:
    if now - known.claims.expires > GRACE:
        raise Untrusted(
            Reason.EXPIRED, f"That certificate ended {span(now - known.claims.expires)} ago. Invite the box again."
        )
