"""Signed removals."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity.anchor import founded
from appliance.mesh.identity.errors import Malformed, Reason, Untrusted
from appliance.mesh.identity.issuing import Issuer
from appliance.mesh.identity.revocation import ANY_SERIAL, Cause, Removal, Revocation, decode, revoke, verify_revocation
from appliance.mesh.identity.signing import Domain, public_of, sign
from tests.unit.mesh.identity.people import (
    ANCHOR,
    FOUNDER,
    NOW,
    bytes_of,
    inviter,
    key_of,
    member,
    node_of,
    serial_of,
)


def removal(
    node: str = "bert", cause: Cause = Cause.REMOVED, *, keeps: tuple[bytes, ...] = (), upholds: tuple[bytes, ...] = ()
) -> Removal:
    serial = ANY_SERIAL if cause is Cause.BANNED else serial_of(node)
    return Removal(ANCHOR.mesh, node_of(node), serial, cause, NOW, 1, keeps, upholds)


def why(revocation: Revocation) -> str:
    with pytest.raises(Untrusted) as caught:
        verify_revocation(revocation, ANCHOR)
    return caught.value.reason


def signed(said: Removal, by: Issuer) -> Revocation:
    """Really signed, whether or not the signer may."""
    body = msgspec.msgpack.encode(said)
    return Revocation(said, body, sign(by.key, Domain.REVOCATION, body), by.certificate)


@pytest.mark.parametrize("by", [FOUNDER, inviter("anna")], ids=["holder", "inviter"])
@pytest.mark.parametrize("cause", [Cause.REMOVED, Cause.BANNED])
def test_who_may_invite_may_remove(by: Issuer, cause: Cause) -> None:
    """The record travels as bytes and can be checked by everybody."""
    made = revoke(by, ANCHOR, removal(cause=cause, keeps=(bytes_of("kept", 16),)))
    verify_revocation(decode(made.encoded()), ANCHOR)
    assert decode(made.encoded()) == made


def test_who_may_not_invite_may_not_remove() -> None:
    """Neither a member nor a stranger who signs as the mesh key."""
    plain = Issuer(key_of("anna"), member("anna"))
    with pytest.raises(Untrusted, match="no right to"):
        revoke(plain, ANCHOR, removal())
    with pytest.raises(Untrusted, match="does not hold"):
        revoke(Issuer(key_of("stranger")), ANCHOR, removal())
    assert why(signed(removal(), plain)) == Reason.NO_RIGHT
    assert why(signed(removal(), Issuer(key_of("stranger")))) == Reason.BAD_SIGNATURE


def test_a_box_can_say_that_it_leaves() -> None:
    """It alone, and of itself alone."""
    bert = Issuer(key_of("bert"), member("bert"))
    verify_revocation(revoke(bert, ANCHOR, removal(cause=Cause.LEFT)), ANCHOR)
    assert why(signed(removal("anna", Cause.LEFT), bert)) == Reason.NO_RIGHT
    assert why(signed(removal("bert"), bert)) == Reason.NO_RIGHT


def test_a_removal_belongs_to_one_mesh() -> None:
    """A founder of two meshes does not remove from both with one record."""
    other = founded(public_of(key_of("other")))
    elsewhere = Removal(other.mesh, node_of("bert"), serial_of("bert"), Cause.REMOVED, NOW, 1)
    assert why(revoke(Issuer(key_of("other")), other, elsewhere)) == Reason.OTHER_MESH


def test_a_removal_that_was_changed_is_noticed() -> None:
    """So is one that is shown with another's certificate."""
    made = revoke(inviter("anna"), ANCHOR, removal())
    assert why(replace(made, body=made.body + b"\0")) == Reason.BAD_SIGNATURE
    assert why(replace(made, signer=inviter("carla").certificate)) == Reason.BAD_SIGNATURE
    assert why(replace(made, signer=None)) == Reason.BAD_SIGNATURE


def test_a_removal_of_the_future_is_not_believed() -> None:
    """Under a mesh key that nobody has announced here."""
    assert why(signed(msgspec.structs.replace(removal(), generation=2), FOUNDER)) == Reason.NEW_KEY
    assert why(signed(msgspec.structs.replace(removal(), generation=2), inviter("anna"))) == Reason.NEW_KEY


@given(st.binary(max_size=600))
def test_garbage_is_malformed(data: bytes) -> None:
    """And nothing else happens."""
    with pytest.raises(Malformed):
        decode(data)


def test_a_serial_has_its_length_or_none() -> None:
    """Half a serial would be a third meaning."""
    made = signed(msgspec.structs.replace(removal(), serial=b"half"), FOUNDER)
    with pytest.raises(Malformed, match="serial"):
        decode(made.encoded())
