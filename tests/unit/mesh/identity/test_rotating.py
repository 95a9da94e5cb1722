"""A new mesh key for everybody."""

from __future__ import annotations

from appliance.mesh.identity.gate import gate
from appliance.mesh.identity.hearing import learn_all
from appliance.mesh.identity.issuing import MEMBER_LIFE
from appliance.mesh.identity.owners import Trust
from appliance.mesh.identity.revocation import Cause
from appliance.mesh.identity.roster import Roster, banned, members
from appliance.mesh.identity.rotating import rotate
from appliance.mesh.identity.verifying import TOLERANCE
from tests.unit.mesh.identity.people import (
    ANCHOR,
    DAY,
    MESH_KEY,
    NOW,
    inviter,
    key_of,
    member,
    node_of,
    removed,
    roster_of,
)

ANNA = inviter("anna")
NEW = key_of("second")


def home() -> Roster:
    assert ANNA.certificate is not None
    return roster_of(
        ANNA.certificate,
        member("bert", issuer=ANNA),
        member("gone"),
        member("guest", issuer=inviter("gone")),
        removed("gone", ANNA),
        removed("pest", ANNA, Cause.BANNED),
    )


def test_everybody_stays_under_the_new_key() -> None:
    """Directly under it: whoever let them in does not matter any more, and all pass the gate at once."""
    turned = rotate(ANCHOR, home(), MESH_KEY, NEW, NOW, overlap=0)
    open_to = gate(turned.anchor, turned.roster, Trust())
    for certificate in turned.certificates:
        open_to(certificate, NOW + TOLERANCE + 1)
    assert {one.node for one in turned.certificates} == {node_of("anna"), node_of("bert")}
    assert {one.distance for one in turned.certificates} == {0}
    assert {one.claims.let_in_by for one in turned.certificates} == {node_of("founder")}


def test_who_was_removed_stays_out() -> None:
    """The old key's removals end with it, so they are said anew."""
    turned = rotate(ANCHOR, home(), MESH_KEY, NEW, NOW)
    late = NOW + DAY
    assert {one.node for one in members(turned.roster, turned.anchor, late)} == {node_of("anna"), node_of("bert")}
    assert banned(turned.roster, turned.anchor, late) == {node_of("pest")}


def test_members_take_it_over_from_what_they_hear() -> None:
    """What they had before they keep."""
    turned, found = rotate(ANCHOR, home(), MESH_KEY, NEW, NOW), home()
    found, refused = learn_all(found, turned.anchor, (*turned.certificates, *turned.revocations), NOW)
    assert (found, refused) == (turned.roster, ())


def test_who_is_away_for_long_gets_one_too() -> None:
    """As long as it would have been renewed."""
    turned = rotate(ANCHOR, home(), MESH_KEY, NEW, NOW + MEMBER_LIFE + DAY)
    assert node_of("bert") in {one.node for one in turned.certificates}
