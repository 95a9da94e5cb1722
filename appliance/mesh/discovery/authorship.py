"""Who wrote a listing (pure). Directories know authors by keys of their own kind; a signature of the node ties the two.

The author's key follows from the node key and the mesh: a box that starts anew replaces its listing instead of adding
one, and two meshes of one box cannot be told to be of one box by their authors.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY = b"meshbox/1 directory key\0"
_PROOF = b"meshbox/1 directory author\0"


def secret_of(key: Ed25519PrivateKey, mesh: str) -> bytes:
    """The secret by which this node signs in a directory, for this mesh alone."""
    return HKDF(SHA256(), 32, None, _KEY + mesh.encode()).derive(key.private_bytes_raw())


def proof_of(key: Ed25519PrivateKey, mesh: str, author: str) -> bytes:
    return key.sign(_signed(mesh, author))


def proven(public: bytes, proof: bytes, mesh: str, author: str) -> bool:
    """Whether the node with this public key says that it is that author."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(proof, _signed(mesh, author))
    except (InvalidSignature, ValueError):
        return False
    return True


def _signed(mesh: str, author: str) -> bytes:
    return _PROOF + mesh.encode() + b"\0" + author.encode()
