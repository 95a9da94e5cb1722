"""Which certificates are good, and why others are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.mesh.identity.anchor import Anchor, founded
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.issuing import INVITER_LIFE, MEMBER_LIFE
from appliance.mesh.identity.signing import public_of
from appliance.mesh.identity.verifying import TOLERANCE, span, verify
from appliance.mesh.types import Role
from tests.unit.mesh.identity.people import ANCHOR, DAY, MESH_KEY, MINUTE, NOW, forged, inviter, key_of, member, node_of


def why(certificate: Certificate, anchor: Anchor = ANCHOR, now: int = NOW) -> tuple[str, str]:
    with pytest.raises(Untrusted) as caught:
        verify(certificate, anchor, now)
    return caught.value.reason, caught.value.text


def test_a_chain_of_three_inviters_is_good() -> None:
    """So that a mesh goes on without the box that founded it."""
    verify(member("anna"), ANCHOR, NOW)
    verify(member("d", issuer=inviter("c", inviter("b", inviter("a")))), ANCHOR, NOW)


def test_another_mesh_is_another_mesh() -> None:
    """However genuine its certificates are."""
    assert why(member("anna"), founded(public_of(key_of("other mesh"))))[0] == Reason.OTHER_MESH


def test_who_signs_must_be_the_mesh_key() -> None:
    """Anybody can write down the right mesh id."""
    impostor = forged(member("anna"), key_of("impostor"), issuer=public_of(key_of("impostor")))
    assert why(impostor)[0] == Reason.BAD_SIGNATURE
    assert why(forged(member("anna"), key_of("impostor")))[0] == Reason.BAD_SIGNATURE


def test_an_issuer_without_the_right_is_refused() -> None:
    """A plain member cannot let others in, by no honest code and by no other."""
    plain = member("anna")
    friend = forged(member("friend"), key_of("anna"), issuer=public_of(key_of("anna")), expires=plain.claims.expires)
    reason, text = why(replace(friend, links=(*friend.links, *plain.links)))
    assert reason == Reason.NO_RIGHT
    assert node_of("anna") in text


def test_a_client_that_invites_is_refused() -> None:
    """Even when a member that may invite gave it that right."""
    giver = inviter("anna")
    assert giver.certificate is not None
    escalated = forged(member("client", role=Role.CLIENT, issuer=giver), key_of("anna"), may_invite=True)
    assert why(escalated)[0] == Reason.NO_RIGHT


def test_a_box_cannot_give_itself_the_right() -> None:
    """Its own signature on its own claims leads nowhere."""
    own = member("anna")
    better = forged(own, key_of("anna"), may_invite=True)
    assert why(better)[0] == Reason.BAD_SIGNATURE
    assert why(replace(better, links=(*better.links, *own.links)))[0] == Reason.BAD_SIGNATURE


def test_a_chain_that_is_too_long_is_refused() -> None:
    """Each step of it may be genuine."""
    last = inviter("c", inviter("b", inviter("a")))
    assert last.certificate is not None
    may = forged(member("d", issuer=last), key_of("c"), may_invite=True)
    below = forged(member("e"), key_of("d"), issuer=public_of(key_of("d")), expires=may.claims.expires)
    assert why(Certificate((*below.links, *may.links)))[0] == Reason.CHAIN_TOO_LONG


def test_a_certificate_cannot_outlive_its_issuer() -> None:
    """Else an inviter that is not renewed would live on in its friends."""
    giver = inviter("anna")
    assert giver.certificate is not None
    longer = forged(member("bert", issuer=giver), key_of("anna"), expires=giver.certificate.claims.expires + 1)
    assert why(longer)[0] == Reason.OUTLIVES_ISSUER


@pytest.mark.parametrize("change", [{"generation": 2}, {"mesh": node_of("another")}])
def test_a_chain_belongs_together(change: dict[str, object]) -> None:
    """A genuine certificate under a forged one, or the other way round, is none."""
    below = member("bert", issuer=inviter("anna"))
    above = forged(replace(below, links=below.links[1:]), MESH_KEY, **change)
    assert why(Certificate((below.links[0], *above.links)))[0] == Reason.BAD_SIGNATURE


def test_clocks_may_differ_a_little() -> None:
    """Ten minutes, before it begins and after it ends."""
    verify(member("anna"), ANCHOR, NOW - TOLERANCE)
    verify(member("anna"), ANCHOR, NOW + MEMBER_LIFE + TOLERANCE)


def test_a_wrong_clock_is_named() -> None:
    """The reason says by how much, so that a person knows what to mend."""
    reason, text = why(member("anna"), now=NOW - 3 * 60 * MINUTE)
    assert reason == Reason.NOT_YET
    assert "the clocks differ by 3 hours" in text


def test_a_certificate_that_ended_says_when() -> None:
    """In words."""
    reason, text = why(member("anna"), now=NOW + MEMBER_LIFE + 2 * DAY)
    assert reason == Reason.EXPIRED
    assert "2 days ago" in text


def test_inviters_hold_for_years() -> None:
    """Nobody can renew beyond them once the founder's box is gone."""
    giver = inviter("anna").certificate
    assert giver is not None
    verify(giver, ANCHOR, NOW + INVITER_LIFE)


@pytest.mark.parametrize(
    ("length", "words"),
    [(30_000, "less than a minute"), (MINUTE, "1 minute"), (59 * MINUTE, "59 minutes"), (DAY, "1 day")],
)
def test_lengths_of_time_are_said_in_words(length: int, words: str) -> None:
    """Rounded down."""
    assert span(length) == words
