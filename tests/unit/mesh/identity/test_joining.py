"""A visitor and a box, from the first question to the certificate."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity import invites, joining, pairing
from appliance.mesh.identity.anchor import announce, follow
from appliance.mesh.identity.errors import Malformed, Reason, Untrusted
from appliance.mesh.identity.handshake import Peer
from appliance.mesh.identity.invites import Invite, hash_of
from appliance.mesh.identity.issuing import Issuer
from appliance.mesh.identity.joining import (
    Admitted,
    Answer,
    Ask,
    Caller,
    Office,
    Promise,
    Question,
    Redeem,
    Renew,
    Reveal,
    Revealed,
    Wait,
    answer,
    asking,
    by_token,
    encoded,
    joined,
)
from appliance.mesh.identity.messages import Refusal
from appliance.mesh.identity.removing import remove
from appliance.mesh.identity.revocation import Cause
from appliance.mesh.identity.roster import members, pruned, with_records
from appliance.mesh.identity.rotating import rotate
from appliance.mesh.identity.signing import public_of
from appliance.mesh.identity.tokens import Token
from appliance.mesh.types import Role
from tests.unit.mesh.identity.people import (
    ANCHOR,
    DAY,
    FOUNDER,
    MESH_KEY,
    NOW,
    bytes_of,
    inviter,
    key_of,
    member,
    node_of,
    removed,
    roster_of,
)

SECRET = bytes_of("secret", 20)
ANNA = inviter("anna")
BERT = public_of(key_of("bert"))
TOKEN = Token(bytes_of("one", 8), SECRET, ANCHOR.mesh, node_of("anna"), ("10.0.0.1:9338",), Role.NODE, NOW + DAY)


def office(*, uses: int = 1, issuer: Issuer | None = ANNA, may_invite: bool = False, role: Role = Role.NODE) -> Office:
    invite = Invite(TOKEN.invite, hash_of(SECRET), role, NOW, NOW + DAY, uses, may_invite)
    return Office(public_of(key_of("anna")), ANCHOR, "home", issuer, book=invites.add(invites.Book(), invite))


def caller(name: str = "bert", now: int = NOW) -> Caller:
    key = public_of(key_of(name))
    return Caller(Peer(node_of(name), key, None), "10.0.0.7", now, lambda count: bytes_of(f"{name} {now}", count))


def ask(found: Office, question: Question, who: str = "bert", now: int = NOW) -> tuple[Office, Answer]:
    after, said = answer(found, caller(who, now), encoded(question))
    return after, joining.read(encoded(said))


def let_in(found: Office, question: Question, who: str = "bert", now: int = NOW) -> tuple[Office, joining.Joined]:
    after, said = ask(found, question, who, now)
    assert isinstance(said, Admitted)
    return after, joined(said, public_of(key_of(who)), ANCHOR.mesh, now)


def refused(found: Office, question: Question, who: str = "bert", now: int = NOW) -> str:
    after, said = ask(found, question, who, now)
    assert isinstance(said, Refusal)
    assert said.text.endswith(".")
    assert after == found
    return said.reason


def test_an_invitation_lets_in() -> None:
    """The new box holds a certificate, and the old one a member more."""
    after, got = let_in(office(), by_token(TOKEN))
    assert got.anchor == ANCHOR
    assert got.name == "home"
    claims = got.certificate.claims
    assert (claims.node, claims.role, claims.may_invite, claims.let_in_by) == (
        node_of("bert"),
        Role.NODE,
        False,
        node_of("anna"),
    )
    assert [one.node for one in members(after.roster, ANCHOR, NOW)] == [node_of("bert")]


def test_the_rights_are_those_of_the_invitation() -> None:
    """As the inviting box has written them down; what the token says of them does not matter."""
    assert let_in(office(role=Role.CLIENT), by_token(TOKEN))[1].certificate.claims.role is Role.CLIENT
    assert let_in(office(may_invite=True), by_token(TOKEN))[1].certificate.claims.may_invite


def test_a_lost_answer_is_given_again() -> None:
    """The same certificate, and the invitation is used once."""
    after, first = let_in(office(), by_token(TOKEN))
    again, second = let_in(after, by_token(TOKEN), now=NOW + 1)
    assert (again, second) == (after, first)
    assert refused(after, by_token(TOKEN), "dora") == Reason.USED_UP


@pytest.mark.parametrize(
    ("question", "now", "reason"),
    [
        (Redeem(ANCHOR.mesh, TOKEN.invite, SECRET), NOW + 2 * DAY, Reason.EXPIRED),
        (Redeem(ANCHOR.mesh, TOKEN.invite, bytes(20)), NOW, Reason.UNKNOWN),
        (Redeem(ANCHOR.mesh, bytes(8), SECRET), NOW, Reason.UNKNOWN),
        (Redeem(node_of("another"), TOKEN.invite, SECRET), NOW, Reason.OTHER_MESH),
    ],
    ids=["expired", "tampered", "unknown", "other mesh"],
)
def test_a_bad_invitation_lets_nobody_in(question: Redeem, now: int, reason: Reason) -> None:
    """Each with its own reason, and without a trace in the book."""
    assert refused(office(), question, now=now) == reason


def test_a_withdrawn_invitation_lets_nobody_in() -> None:
    """From that moment on."""
    found = office()
    assert refused(replace(found, book=invites.withdraw(found.book, TOKEN.invite, NOW)), by_token(TOKEN)) == (
        Reason.WITHDRAWN
    )


def test_who_was_removed_does_not_come_back_by_its_old_invitation() -> None:
    """Even when there are uses left; with a new one it does."""
    after, got = let_in(office(uses=5), by_token(TOKEN))
    out = _without(after, got)
    for roster in (out.roster, pruned(out.roster, ANCHOR, NOW)):
        assert refused(replace(out, roster=roster), by_token(TOKEN)) == Reason.REMOVED
    fresh = Invite(bytes_of("two", 8), hash_of(SECRET), Role.NODE, NOW, NOW + DAY, 1)
    again = replace(_without(after, got), book=invites.add(after.book, fresh))
    assert let_in(again, Redeem(ANCHOR.mesh, fresh.id, SECRET), now=NOW + 1)[1].certificate.node == node_of("bert")


def _without(found: Office, got: joining.Joined) -> Office:
    gone = remove(FOUNDER, ANCHOR, found.roster, got.certificate.node, NOW)
    return replace(found, roster=with_records(found.roster, *gone))


def test_a_banned_box_uses_no_invitation() -> None:
    """Nor does it use one up."""
    found = replace(office(), roster=roster_of(removed("bert", FOUNDER, Cause.BANNED)))
    assert refused(found, by_token(TOKEN)) == Reason.BANNED


def test_a_box_that_may_not_invite_lets_nobody_in() -> None:
    """Its right may have ended after it made the invitation."""
    assert refused(office(issuer=None), by_token(TOKEN)) == Reason.NO_RIGHT
    assert refused(office(issuer=None), Ask(bytes(32), "bert", Role.NODE)) == Reason.NO_RIGHT


def test_two_boxes_pair() -> None:
    """Ask, compare six digits, approve, in."""
    nonce = bytes_of("bert's nonce")
    mine, first = asking(BERT, public_of(key_of("anna")), nonce, "Bert", Role.NODE)
    found, promise = ask(office(), first)
    assert isinstance(promise, Promise)
    assert promise.mesh == ANCHOR.mesh
    found, said = ask(found, Reveal(nonce))
    assert isinstance(said, Revealed)
    mine = mine.promised(promise.commitment).revealed(said.nonce)
    theirs = found.desk.find(node_of("bert"))
    assert theirs is not None
    assert mine.digits == theirs.digits
    assert refused(found, Wait()) == Reason.WAITING
    found = replace(found, desk=pairing.approve(found.desk, node_of("bert"), bytes_of("serial", 12), NOW))
    found, got = let_in(found, Wait())
    assert let_in(found, Wait())[1] == got
    assert members(found.roster, ANCHOR, NOW)[0].node == node_of("bert")


def test_a_certificate_is_renewed_in_the_same_conversation() -> None:
    """For a box that missed a rotation too: it follows the new key from the old one."""
    bert = member("bert")
    turned = rotate(ANCHOR, roster_of(bert), MESH_KEY, key_of("second"), NOW)
    found = replace(office(), anchor=turned.anchor, roster=turned.roster, issuer=None)
    _, got = let_in(found, Renew(bert.encoded()), now=NOW + DAY)
    assert got.anchor == turned.anchor
    assert got.certificate.claims.generation == 2
    assert refused(found, Renew(member("dora").encoded()), now=NOW) == Reason.WRONG_NODE


def test_what_is_given_is_checked() -> None:
    """A box that lets us into another mesh, or with another's certificate, is not believed."""
    elsewhere = Issuer(key_of("second"))
    other = follow(ANCHOR, announce(ANCHOR, MESH_KEY, public_of(key_of("second")), NOW))
    _, said = ask(office(), by_token(TOKEN))
    assert isinstance(said, Admitted)
    for reason, changed in (
        (Reason.OTHER_MESH, msgspec.structs.replace(said, first_key=public_of(key_of("second")))),
        (Reason.WRONG_NODE, msgspec.structs.replace(said, certificate=member("dora").encoded())),
        (
            Reason.NEW_KEY,
            msgspec.structs.replace(said, certificate=member("bert", issuer=elsewhere, anchor=other).encoded()),
        ),
    ):
        with pytest.raises(Untrusted) as caught:
            joined(changed, BERT, ANCHOR.mesh, NOW)
        assert caught.value.reason == reason


@given(st.binary(max_size=300))
def test_garbage_is_answered_with_a_refusal(data: bytes) -> None:
    """From any stranger, with nothing changed."""
    found = office()
    after, said = answer(found, caller(), data)
    assert after == found
    assert isinstance(said, Refusal)
    with pytest.raises(Malformed):
        joining.read(data)


def test_unknown_fields_are_ignored() -> None:
    """A later box may ask for more."""
    more = {**msgspec.msgpack.decode(encoded(by_token(TOKEN))), "later": True}
    assert isinstance(answer(office(), caller(), msgspec.msgpack.encode(more))[1], Admitted)


def test_a_renewal_goes_on_from_the_key_that_is_known() -> None:
    """A thief of the old key has announced another successor: a box that knows the right one does not follow him."""
    bert = member("bert")
    right = rotate(ANCHOR, roster_of(bert), MESH_KEY, key_of("second"), NOW)
    wrong = rotate(ANCHOR, roster_of(bert), MESH_KEY, key_of("thief"), NOW)
    _, said = ask(replace(office(), anchor=wrong.anchor, roster=wrong.roster), Renew(bert.encoded()))
    assert isinstance(said, Admitted)
    with pytest.raises(Untrusted) as caught:
        joined(said, BERT, right.anchor, NOW)
    assert caught.value.reason == Reason.FORK
    assert joined(said, BERT, ANCHOR, NOW).anchor == wrong.anchor
