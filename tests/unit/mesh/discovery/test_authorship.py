"""Who wrote a listing."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.discovery.authorship import proof_of, proven, secret_of
from appliance.mesh.identity.signing import public_of
from tests.unit.mesh.discovery.published import AUTHOR, KEY, MESH


def test_an_author_stays_the_same() -> None:
    """After a restart the same listing is replaced."""
    assert secret_of(KEY, MESH) == secret_of(KEY, MESH)
    assert len(secret_of(KEY, MESH)) == 32


def test_two_meshes_have_two_authors() -> None:
    """A box in two meshes is not recognised by its key."""
    assert secret_of(KEY, MESH) != secret_of(KEY, "b" * 16)


def test_an_author_is_proven_for_one_mesh_and_one_node() -> None:
    """The proof is worth nothing with another author, mesh or node."""
    proof = proof_of(KEY, MESH, AUTHOR)
    other = public_of(Ed25519PrivateKey.generate())
    assert proven(public_of(KEY), proof, MESH, AUTHOR)
    assert not proven(public_of(KEY), proof, MESH, "cd" * 32)
    assert not proven(public_of(KEY), proof, "b" * 16, AUTHOR)
    assert not proven(other, proof, MESH, AUTHOR)
    assert not proven(b"", b"", MESH, AUTHOR)
