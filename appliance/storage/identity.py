"""Who this box is: an Ed25519 key made at first start. Its public half, hashed, is the node id."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ID_LENGTH = 16  # 80 bits: short enough to read, long enough never to meet twice


class IdentityDamaged(Exception):
    """The key is there and cannot be used. It is not replaced: its box would be a stranger to its mesh."""


def load_or_create(path: Path) -> Ed25519PrivateKey:
    """The key in `path`; made there, readable by its owner alone, when there is none."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return _create(path)
    except (ValueError, TypeError, OSError) as error:
        raise IdentityDamaged(f"{path} cannot be read as a key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise IdentityDamaged(f"{path} does not hold an Ed25519 key")
    return key


def _create(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return key


def node_id(key: Ed25519PrivateKey) -> str:
    return id_of(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def id_of(public: bytes) -> str:
    """The id of the node whose public key this is."""
    return base64.b32encode(hashlib.sha256(public).digest()).decode().lower()[:ID_LENGTH]
