"""The certificate by which TLS proves a node key."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.signing import public_of
from appliance.mesh.identity.tls_certificate import node_key_in, self_signed
from tests.unit.mesh.identity.people import key_of


def test_it_shows_the_node_key() -> None:
    """The same bytes after each start."""
    der = self_signed(key_of("anna")).public_bytes(Encoding.DER)
    assert node_key_in(der) == public_of(key_of("anna"))
    assert der == self_signed(key_of("anna")).public_bytes(Encoding.DER)


def test_other_kinds_of_key_are_refused() -> None:
    """A node key is Ed25519."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    when = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    other = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, when, when + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    with pytest.raises(Malformed, match="Ed25519"):
        node_key_in(other)


@given(st.binary(max_size=300))
def test_garbage_is_malformed(data: bytes) -> None:
    """Whatever the parser of X.509 thinks of it."""
    with pytest.raises(Malformed):
        node_key_in(data)


@example(13, 128)  # a negative serial number, at which the library only warns
@given(st.integers(0, 400), st.integers(1, 255))
def test_a_damaged_certificate_shows_a_key_or_is_malformed(place: int, change: int) -> None:
    """TLS has checked the signature of the handshake; nothing else in it is looked at."""
    der = bytearray(self_signed(key_of("anna")).public_bytes(Encoding.DER))
    der[place % len(der)] ^= change
    with contextlib.suppress(Malformed):
        assert len(node_key_in(bytes(der))) == 32


def test_an_endless_certificate_is_not_parsed() -> None:
    """A stranger can send as much as TLS lets through."""
    with pytest.raises(Malformed, match="too long"):
        node_key_in(bytes(100_000))
