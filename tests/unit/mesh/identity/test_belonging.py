"""To which mesh this box belongs, from its founding on."""

from __future__ import annotations

from appliance.mesh.identity.belonging import Belonging, entered, followed, found_mesh, refreshed, turned
from appliance.mesh.identity.gate import gate
from appliance.mesh.identity.hearing import learn_all
from appliance.mesh.identity.issuing import Issuer, issue, renewed
from appliance.mesh.identity.joining import Joined
from appliance.mesh.identity.owners import Trust
from appliance.mesh.identity.roster import Roster, members, with_records
from appliance.mesh.identity.rotating import rotate
from appliance.mesh.identity.signing import public_of
from appliance.mesh.identity.verifying import TOLERANCE, verify
from tests.unit.mesh.identity.people import (
    ANCHOR,
    DAY,
    FOUNDER,
    MESH_KEY,
    NOW,
    admission,
    key_of,
    member,
    node_of,
    serial_of,
)

BERT = Belonging(ANCHOR, "home", member("bert"))


def test_a_new_mesh_has_one_member() -> None:
    """Its founder, which holds the key and lets others in."""
    home, roster = found_mesh(MESH_KEY, key_of("founder"), "home", serial_of("founder"), NOW)
    gate(home.anchor, roster, Trust())(home.certificate, NOW)
    assert home.anchor.mesh == ANCHOR.mesh
    assert [one.node for one in members(roster, home.anchor, NOW)] == [node_of("founder")]
    issuer = home.issuer(key_of("founder"))
    assert issuer is not None
    verify(issue(issuer, home.anchor, admission("bert"), NOW), home.anchor, NOW)


def test_who_may_issue_depends_on_what_a_box_holds() -> None:
    """The mesh key, the right to invite, or neither."""
    inviter = Belonging(ANCHOR, "home", member("anna", may_invite=True))
    assert inviter.issuer(key_of("anna")) == Issuer(key_of("anna"), inviter.certificate)
    assert BERT.issuer(key_of("bert")) is None


def test_a_box_that_joined_knows_itself() -> None:
    """And the mesh; the others it hears of."""
    belonging, roster = entered(Joined(ANCHOR, member("bert"), "home"))
    assert belonging == BERT
    assert [one.node for one in members(roster, ANCHOR, NOW)] == [node_of("bert")]


def test_a_rotation_reaches_a_member() -> None:
    """First its record, then the certificates; the member ends up with its own under the new key."""
    home, roster = found_mesh(MESH_KEY, key_of("founder"), "home", serial_of("founder"), NOW)
    roster = with_records(roster, member("bert"))
    done = rotate(home.anchor, roster, MESH_KEY, key_of("second"), NOW, overlap=0)
    after = followed(BERT, (done.rotation,))
    heard, refused = learn_all(roster, after.anchor, (*done.certificates, *done.revocations), NOW)
    after = refreshed(after, heard)
    assert refused == ()
    late = NOW + TOLERANCE + DAY
    verify(after.certificate, after.anchor, late)
    gate(after.anchor, heard, Trust())(turned(home, key_of("second"), done).certificate, late)
    assert turned(home, key_of("second"), done).issuer(key_of("founder")) == Issuer(key_of("second"))


def test_a_mesh_key_that_was_replaced_elsewhere_is_given_up() -> None:
    """A copy of the founder's data folder does not go on signing with it."""
    home = Belonging(ANCHOR, "home", member("founder", may_invite=True), MESH_KEY)
    done = rotate(ANCHOR, Roster(), MESH_KEY, key_of("second"), NOW)
    assert followed(home, (done.rotation,)).mesh_key is None
    assert followed(home, ()).mesh_key is not None
    assert public_of(key_of("second")) == followed(home, (done.rotation,)).anchor.key


def test_a_renewal_is_taken_from_the_roster() -> None:
    """Only if it is better than what the box has."""
    later = renewed(FOUNDER, ANCHOR, BERT.certificate, NOW + DAY)
    assert refreshed(BERT, with_records(Roster(), later)).certificate == later
    newer = Belonging(ANCHOR, "home", later)
    assert refreshed(newer, with_records(Roster(), BERT.certificate)) == newer
    assert refreshed(BERT, Roster()) == BERT
