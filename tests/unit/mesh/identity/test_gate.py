"""All that is known, as one question."""

from __future__ import annotations

import pytest

from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.gate import gate
from appliance.mesh.identity.issuing import MEMBER_LIFE
from appliance.mesh.identity.owners import Policy, Trust
from appliance.mesh.identity.roster import Roster
from tests.unit.mesh.identity.people import ANCHOR, DAY, FOUNDER, LATER, NOW, member, node_of, removed, roster_of


def why(certificate: Certificate, found: Roster, trust: Trust = Trust(), now: int = NOW) -> str:  # noqa: B008
    with pytest.raises(Untrusted) as caught:
        gate(ANCHOR, found, trust)(certificate, now)
    return caught.value.reason


def test_a_member_passes() -> None:
    """As often as it comes."""
    opened = gate(ANCHOR, Roster(), Trust())
    opened(member("bert"), NOW)
    opened(member("bert"), NOW)


def test_each_reason_stops_it() -> None:
    """Time, removal, owner."""
    assert why(member("bert"), Roster(), now=NOW + MEMBER_LIFE + DAY) == Reason.EXPIRED
    assert why(member("bert"), roster_of(removed("bert", FOUNDER))) == Reason.REMOVED
    assert why(member("bert"), Roster(), Trust(Policy.REQUIRE_OWNED)) == Reason.UNTRUSTED_OWNER
    gate(ANCHOR, Roster(), Trust(Policy.ALLOW_LIST, allowed=frozenset({node_of("bert")})))(member("bert"), NOW)


def test_it_follows_the_end_of_an_old_key() -> None:
    """The same gate, before and after."""
    opened = gate(LATER, roster_of(removed("dora", FOUNDER)), Trust())
    opened(member("bert"), NOW)
    with pytest.raises(Untrusted, match="replaced"):
        opened(member("bert"), NOW + DAY)
