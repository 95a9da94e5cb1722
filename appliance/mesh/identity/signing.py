"""Ed25519 signatures that are good for one purpose only."""

from __future__ import annotations

from enum import Enum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Domain(Enum):
    """Comes first in what is signed or hashed, so that it means nothing anywhere else."""

    CERTIFICATE = b"meshbox/1 certificate\0"
    ROTATION = b"meshbox/1 rotation\0"
    REVOCATION = b"meshbox/1 revocation\0"
    HANDSHAKE = b"meshbox/1 handshake\0"
    ENDORSEMENT = b"meshbox/1 endorsement\0"
    TOKEN = b"meshbox/1 token\0"
    SECRET = b"meshbox/1 secret\0"
    COMMITMENT = b"meshbox/1 commitment\0"
    DIGITS = b"meshbox/1 digits\0"


def public_of(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def sign(key: Ed25519PrivateKey, domain: Domain, body: bytes) -> bytes:
    return key.sign(domain.value + body)


def signed_by(public: bytes, signature: bytes, domain: Domain, body: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, domain.value + body)
    except (InvalidSignature, ValueError):
        return False
    return True
