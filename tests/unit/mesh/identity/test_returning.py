"""A new certificate for a member."""

from __future__ import annotations

import pytest

from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.issuing import INVITER_LIFE, MEMBER_LIFE, Issuer
from appliance.mesh.identity.returning import readmit
from appliance.mesh.identity.roster import GRACE, Roster
from appliance.mesh.identity.rotating import rotate
from appliance.mesh.identity.verifying import verify
from tests.unit.mesh.identity.people import (
    ANCHOR,
    DAY,
    FOUNDER,
    MESH_KEY,
    NOW,
    inviter,
    key_of,
    member,
    removed,
    roster_of,
)

ANNA = inviter("anna")
BERT = member("bert")
NEW = key_of("second")


def why(found: Roster, shown: Certificate, issuer: Issuer | None = ANNA, now: int = NOW) -> str:
    with pytest.raises(Untrusted) as caught:
        readmit(found, ANCHOR, issuer, shown, BERT.claims.key, now)
    return caught.value.reason


def test_a_certificate_that_is_due_is_renewed() -> None:
    """By any member that may invite."""
    later = NOW + 80 * DAY
    given = readmit(roster_of(BERT), ANCHOR, ANNA, BERT, BERT.claims.key, later)
    verify(given, ANCHOR, later)
    assert given.claims.expires == later + MEMBER_LIFE
    assert given.claims.serial == BERT.claims.serial


def test_one_that_ended_is_renewed_for_a_while() -> None:
    """Then a person has to invite the box again."""
    late = NOW + MEMBER_LIFE + GRACE
    assert readmit(roster_of(BERT), ANCHOR, ANNA, BERT, BERT.claims.key, late).claims.expires > late
    assert why(roster_of(BERT), BERT, now=late + 1) == Reason.EXPIRED


def test_one_that_ended_and_is_not_known_is_not_renewed() -> None:
    """Only a roster tells that nobody removed it in the meantime."""
    assert why(Roster(), BERT, now=NOW + MEMBER_LIFE + DAY) == Reason.EXPIRED


def test_what_is_there_already_is_handed_out_by_anybody() -> None:
    """A box that may not invite helps too."""
    assert readmit(roster_of(BERT), ANCHOR, None, BERT, BERT.claims.key, NOW) == BERT
    assert why(roster_of(BERT), BERT, None, NOW + 80 * DAY) == Reason.NO_RIGHT


def test_an_issuer_near_its_end_does_not_shorten_anything() -> None:
    """It has less to give than there is."""
    assert (
        readmit(
            roster_of(BERT),
            ANCHOR,
            inviter("old", now=NOW - INVITER_LIFE + 85 * DAY),
            BERT,
            BERT.claims.key,
            NOW + 70 * DAY,
        )
        == BERT
    )


def test_who_was_removed_is_not_renewed() -> None:
    """Nor is what a removed box gave."""
    assert why(roster_of(BERT, removed("bert", ANNA)), BERT) == Reason.REMOVED
    guest = member("bert", issuer=inviter("carla"))
    assert why(roster_of(guest, removed("carla", ANNA)), guest) == Reason.REMOVED


def test_the_key_has_to_be_its_own() -> None:
    """A certificate is public."""
    assert why(roster_of(member("dora")), member("dora")) == Reason.WRONG_NODE


def test_a_box_that_missed_a_rotation_comes_back() -> None:
    """Any member hands it the certificate that was made for it, even long after the old key ended."""
    turned = rotate(ANCHOR, roster_of(BERT), MESH_KEY, NEW, NOW)
    given = readmit(turned.roster, turned.anchor, None, BERT, BERT.claims.key, NOW + 30 * DAY)
    verify(given, turned.anchor, NOW + 30 * DAY)
    assert given.claims.serial == BERT.claims.serial


def test_a_box_that_the_rotation_missed_comes_back_over_an_inviter() -> None:
    """Its admission was heard of before the rotation, by a box that is an inviter now."""
    turned = rotate(ANCHOR, roster_of(), MESH_KEY, NEW, NOW)
    giver = inviter("anna", Issuer(NEW), turned.anchor)
    given = readmit(roster_of(BERT), turned.anchor, giver, BERT, BERT.claims.key, NOW + DAY)
    verify(given, turned.anchor, NOW + DAY)
    assert given.distance == 1


def test_a_stolen_old_key_lets_nobody_in() -> None:
    """What it signs is well-formed, and no roster knows the serial."""
    turned = rotate(ANCHOR, roster_of(BERT), MESH_KEY, NEW, NOW)
    friend = member("bert", issuer=FOUNDER, serial="made by the thief")
    with pytest.raises(Untrusted) as caught:
        readmit(turned.roster, turned.anchor, Issuer(NEW), friend, friend.claims.key, NOW + DAY)
    assert caught.value.reason == Reason.OLD_KEY
