"""The self-signed X.509 certificate by which TLS proves a node key. It never expires: the key is all."""

from __future__ import annotations

import datetime as dt
import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.signing import public_of
from appliance.storage.identity import id_of

_LONGEST = 16 << 10
# wide enough for boxes whose clock was never set
_FROM = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_UNTIL = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


def self_signed(key: Ed25519PrivateKey) -> x509.Certificate:
    """The same bytes each time for the same key."""
    public = public_of(key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, id_of(public))])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(public[:15], "big") or 1)
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .sign(key, None)
    )


def node_key_in(der: bytes) -> bytes:
    """The 32 bytes of the node key that a certificate shows."""
    if len(der) > _LONGEST:
        raise Malformed("the certificate is too long")
    try:
        with warnings.catch_warnings(action="error"):  # what the library only frowns upon no box of ours makes
            key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, TypeError, Warning, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise Malformed(f"the certificate cannot be read: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Malformed("the certificate shows no Ed25519 key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
