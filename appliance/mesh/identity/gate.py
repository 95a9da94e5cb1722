"""Is this certificate good now? The question that each connection asks, with all that is known."""

from __future__ import annotations

from appliance.mesh.identity.anchor import Anchor
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.handshake import Gate
from appliance.mesh.identity.owners import Trust, judge
from appliance.mesh.identity.roster import Roster, judged
from appliance.mesh.identity.standing import Standing
from appliance.mesh.identity.verifying import generation_holds, verify


def gate(anchor: Anchor, roster: Roster, trust: Trust) -> Gate:
    """Made anew whenever one of these changes; removals are worked out once."""
    worked_out: dict[bool, Standing] = {}

    def check(certificate: Certificate, now: int) -> None:
        verify(certificate, anchor, now)
        both = generation_holds(anchor.generation - 1, anchor, now)
        if both not in worked_out:
            worked_out[both] = judged(roster, anchor, now)
        worked_out[both].check(certificate)
        verdict = judge(certificate.node, trust)
        if not verdict.allowed:
            raise Untrusted(Reason.UNTRUSTED_OWNER, verdict.why)

    return check
