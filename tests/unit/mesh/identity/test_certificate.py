"""Certificates as bytes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity.certificate import MOST_BYTES, Certificate, Claims, Link, Signed, decode
from appliance.mesh.identity.coding import pack
from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.signing import Domain, sign
from appliance.mesh.identity.verifying import verify
from tests.unit.mesh.identity.people import ANCHOR, MESH_KEY, NOW, inviter, member, node_of


def test_a_certificate_comes_back_as_it_was() -> None:
    """With its whole chain; and the longest that is allowed is far below the limit of its size."""
    deep = member("d", issuer=inviter("c", inviter("b", inviter("a"))))
    assert decode(deep.encoded()) == deep
    assert deep.node == node_of("d")
    assert deep.distance == 3
    assert len(deep.encoded()) < MOST_BYTES // 2


def test_what_a_later_version_adds_stays_signed() -> None:
    """Unknown claims are ignored when read, and nobody can take them away."""
    said = {**msgspec.msgpack.decode(member("anna").links[0].signed.body), "later": [1, 2, 3]}
    body = msgspec.msgpack.encode(said)
    link = Link(member("anna").claims, Signed(body, sign(MESH_KEY, Domain.CERTIFICATE, body)))
    read = decode(Certificate((link,)).encoded())
    verify(read, ANCHOR, NOW)
    assert read.links[0].signed.body == body


@given(st.binary(max_size=600))
def test_garbage_is_malformed(data: bytes) -> None:
    """And nothing else happens."""
    with pytest.raises(Malformed):
        decode(data)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    """Either it cannot be read any more or it does not verify."""
    data = bytearray(member("b", issuer=inviter("a")).encoded())
    data[place % len(data)] ^= change
    try:
        read = decode(bytes(data))
    except Malformed:
        return
    with pytest.raises(Exception, match=r".") as caught:
        verify(read, ANCHOR, NOW)
    assert type(caught.value).__name__ == "Untrusted"


@pytest.mark.parametrize(
    ("field", "value"),
    [("m", "../../etc/passwd"), ("k", b"short"), ("r", "king"), ("s", b""), ("g", 0), ("u", -1), ("u", 1 << 60)],
)
def test_claims_have_bounds(field: str, value: object) -> None:
    """Values that no honest box writes are not read."""
    said = {**msgspec.msgpack.decode(pack(member("anna").claims)), field: value}
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(said), type=Claims)
    with pytest.raises(Malformed):
        decode(pack((Signed(msgspec.msgpack.encode(said), bytes(64)),)))
