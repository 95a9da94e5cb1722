"""Removing and banning, as a click does it."""

from __future__ import annotations

import pytest

from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.removing import remove
from appliance.mesh.identity.revocation import ANY_SERIAL, Cause
from appliance.mesh.identity.roster import Roster, judged, members, with_records
from tests.unit.mesh.identity.people import (
    ANCHOR,
    FOUNDER,
    NOW,
    inviter,
    member,
    node_of,
    removed,
    roster_of,
    serial_of,
)

ANNA, CARLA = inviter("anna"), inviter("carla")
GUEST = member("guest", issuer=ANNA)


def home() -> Roster:
    assert ANNA.certificate is not None
    assert CARLA.certificate is not None
    return roster_of(ANNA.certificate, CARLA.certificate, member("bert"), GUEST)


def who(found: Roster) -> set[str]:
    return {one.node for one in members(found, ANCHOR, NOW)}


def test_a_removed_box_is_no_member_any_more() -> None:
    """With all of its admissions that are open."""
    found = roster_of(member("bert"), member("bert", serial="again"))
    said = remove(CARLA, ANCHOR, found, node_of("bert"), NOW)
    assert {one.said.serial for one in said} == {serial_of("bert"), serial_of("again")}
    for one in said:
        found = with_records(found, one)
    assert who(found) == set()


def test_whom_it_let_in_stays() -> None:
    """Removing the box of somebody who moved out does not end everybody else's."""
    (said,) = remove(CARLA, ANCHOR, home(), node_of("anna"), NOW)
    assert who(with_records(home(), said)) == {node_of("carla"), node_of("bert"), node_of("guest")}
    judged(with_records(home(), said), ANCHOR, NOW).check(GUEST)


def test_a_box_can_be_removed_with_its_guests() -> None:
    """When it was stolen, whom it let in lately is nobody one knows."""
    (said,) = remove(CARLA, ANCHOR, home(), node_of("anna"), NOW, with_its_guests=True)
    with pytest.raises(Untrusted, match="vouches"):
        judged(with_records(home(), said), ANCHOR, NOW).check(GUEST)
    assert who(with_records(home(), said)) == {node_of("carla"), node_of("bert")}


def test_what_it_had_removed_stays_removed() -> None:
    """The holder of the mesh key upholds what it knows."""
    before = with_records(home(), removed("bert", ANNA))
    (said,) = remove(FOUNDER, ANCHOR, before, node_of("anna"), NOW)
    assert node_of("bert") not in who(with_records(before, said))


def test_a_ban_needs_no_membership() -> None:
    """A box that only keeps asking to join can be banned too."""
    (said,) = remove(FOUNDER, ANCHOR, Roster(), node_of("pest"), NOW, cause=Cause.BANNED)
    assert said.target == (node_of("pest"), ANY_SERIAL)


def test_who_is_no_member_cannot_be_removed() -> None:
    """The page is told so; a second click is one of these."""
    found = with_records(home(), removed("bert", ANNA))
    for name in ("bert", "stranger"):
        with pytest.raises(Untrusted) as caught:
            remove(FOUNDER, ANCHOR, found, node_of(name), NOW)
        assert caught.value.reason == Reason.UNKNOWN
