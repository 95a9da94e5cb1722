"""What other boxes pass on."""

from __future__ import annotations

import pytest

from appliance.mesh.identity.anchor import announce, follow
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.hearing import learn, learn_all
from appliance.mesh.identity.issuing import MEMBER_LIFE, Issuer
from appliance.mesh.identity.revocation import Revocation
from appliance.mesh.identity.roster import GRACE, Roster
from appliance.mesh.identity.signing import public_of
from tests.unit.mesh.identity.people import (
    ANCHOR,
    DAY,
    FOUNDER,
    LATER,
    MESH_KEY,
    NOW,
    inviter,
    key_of,
    member,
    removed,
    roster_of,
)

ANNA, CARLA = inviter("anna"), inviter("carla")


def why(found: Roster, heard: Certificate | Revocation, now: int = NOW) -> str:
    with pytest.raises(Untrusted) as caught:
        learn(found, ANCHOR, heard, now)
    return caught.value.reason


def test_what_is_heard_is_verified() -> None:
    """A member passes on what others said, and may pass on lies."""
    assert learn(Roster(), ANCHOR, member("bert"), NOW) == roster_of(member("bert"))
    assert learn(Roster(), ANCHOR, removed("bert", ANNA), NOW) == roster_of(removed("bert", ANNA))
    elsewhere = follow(ANCHOR, announce(ANCHOR, MESH_KEY, public_of(key_of("thief")), NOW))
    assert why(Roster(), member("bert", issuer=Issuer(key_of("thief")), anchor=elsewhere)) == Reason.NEW_KEY


def test_what_was_removed_is_not_learned_again() -> None:
    """Nor what a removed box hands out; so it cannot fill the roster either."""
    assert why(roster_of(removed("bert", ANNA)), member("bert")) == Reason.REMOVED
    assert why(roster_of(removed("anna", CARLA)), member("dora", issuer=ANNA)) == Reason.REMOVED


def test_certificates_out_of_their_time_are_not_learned() -> None:
    """Those that ended lately are: they will be renewed."""
    assert why(Roster(), member("bert", now=NOW + DAY)) == Reason.NOT_YET
    assert learn(Roster(), ANCHOR, member("bert"), NOW + MEMBER_LIFE + DAY) == roster_of(member("bert"))
    assert why(Roster(), member("bert"), NOW + MEMBER_LIFE + GRACE + DAY) == Reason.EXPIRED


def test_a_replaced_key_is_not_heard() -> None:
    """Whoever stole it can sign what he likes."""
    with pytest.raises(Untrusted) as caught:
        learn(Roster(), LATER, removed("bert", FOUNDER), LATER.old_until + DAY)
    assert caught.value.reason == Reason.OLD_KEY


def test_of_many_the_good_ones_are_kept() -> None:
    """One lie among them does not spoil the rest; removals come first, wherever they stand."""
    lie = member("liar", now=NOW + DAY)
    found, refused = learn_all(Roster(), ANCHOR, [member("bert"), lie, member("dora"), removed("dora", ANNA)], NOW)
    assert found == roster_of(member("bert"), removed("dora", ANNA))
    assert [one.reason for one in refused] == [Reason.NOT_YET, Reason.REMOVED]
