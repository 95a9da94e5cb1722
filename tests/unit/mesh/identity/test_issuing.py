"""Letting in and renewing."""

from __future__ import annotations

import pytest

from appliance.mesh.identity.anchor import announce, follow
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.issuing import INVITER_LIFE, MEMBER_LIFE, Issuer, due, issue, renewed
from appliance.mesh.identity.signing import public_of
from appliance.mesh.identity.verifying import verify
from appliance.mesh.types import Role
from tests.unit.mesh.identity.people import (
    ANCHOR,
    DAY,
    FOUNDER,
    MESH_KEY,
    NOW,
    admission,
    inviter,
    key_of,
    member,
    node_of,
)


def why(issuer: Issuer, *, may_invite: bool = False, role: Role = Role.NODE, now: int = NOW) -> str:
    with pytest.raises(Untrusted) as caught:
        issue(issuer, ANCHOR, admission("new", may_invite=may_invite, role=role), now)
    return caught.value.reason


def test_what_is_issued_verifies() -> None:
    """And says who let the box in, and when."""
    given = member("new", issuer=inviter("anna"))
    verify(given, ANCHOR, NOW)
    assert (given.claims.let_in_by, given.claims.let_in_at) == (node_of("founder"), NOW)


def test_only_the_holder_of_the_mesh_key_signs_with_it() -> None:
    """A key that was replaced or made up signs nothing."""
    assert why(Issuer(key_of("made up"))) == Reason.NO_RIGHT


def test_a_plain_member_cannot_invite() -> None:
    """The page can say so before anybody tries."""
    assert why(Issuer(key_of("anna"), member("anna"))) == Reason.NO_RIGHT


def test_a_client_cannot_be_given_the_right_to_invite() -> None:
    """A client computes nothing and vouches for nobody."""
    assert why(FOUNDER, may_invite=True, role=Role.CLIENT) == Reason.NO_RIGHT


def test_the_end_of_a_chain_lets_nobody_in() -> None:
    """A right to invite that would be none is not given in the first place."""
    third = inviter("c", inviter("b", inviter("a")))
    last = member("d", may_invite=True, issuer=third)
    assert not last.claims.may_invite
    assert last.claims.expires == NOW + MEMBER_LIFE
    assert why(Issuer(key_of("d"), last)) == Reason.NO_RIGHT


def test_nothing_outlives_its_issuer() -> None:
    """Towards the end of its own certificate an inviter gives shorter ones, then none."""
    giver, late = inviter("anna"), NOW + INVITER_LIFE - DAY
    assert member("new", issuer=giver, now=late).claims.expires == NOW + INVITER_LIFE
    assert why(giver, now=NOW + INVITER_LIFE) == Reason.EXPIRED


def test_an_inviter_of_a_replaced_key_waits_for_its_new_certificate() -> None:
    """What it gave would be old from the start."""
    after = follow(ANCHOR, announce(ANCHOR, MESH_KEY, public_of(key_of("second")), NOW))
    with pytest.raises(Untrusted) as caught:
        issue(inviter("anna"), after, admission("new"), NOW)
    assert caught.value.reason == Reason.OLD_KEY


def test_a_renewal_is_the_same_admission() -> None:
    """Same serial, same host who let it in; only its end is later, and another box may give it."""
    before, later = member("new"), NOW + 70 * DAY
    after = renewed(inviter("anna"), ANCHOR, before, later)
    verify(after, ANCHOR, later)
    assert after.claims.serial == before.claims.serial
    assert (after.claims.let_in_by, after.claims.let_in_at) == (before.claims.let_in_by, before.claims.let_in_at)
    assert after.claims.expires == later + MEMBER_LIFE


def test_a_renewal_is_due_in_the_last_third() -> None:
    """Early enough for a box that is on at weekends only."""
    claims = member("new").claims
    assert not due(claims, NOW + 59 * DAY)
    assert due(claims, NOW + 60 * DAY)
    assert due(claims, NOW + 300 * DAY)
