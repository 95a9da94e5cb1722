"""Keeps what a box knows of its mesh in two files under `secrets`, each written as a whole or not at all.

A file that is damaged is named and left alone: to begin anew would bring removed boxes back, or make this box a
stranger.
The functions block; they are called in a thread.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import Meta, Struct

from appliance.mesh.identity import certificate as certificates
from appliance.mesh.identity import invites, roster
from appliance.mesh.identity.anchor import Rotations, follow_all, founded
from appliance.mesh.identity.belonging import Belonging
from appliance.mesh.identity.coding import Key, pack, unpack
from appliance.mesh.identity.errors import Malformed, Untrusted
from appliance.mesh.identity.roster import Roster
from appliance.mesh.identity.signing import public_of
from appliance.storage.errors import storage_failed

_MAGIC = b"meshbox/1\n"
_DIGEST_BYTES = 32

T = TypeVar("T")


class MeshStateDamaged(Exception):
    """A file is there and cannot be used. The text names it and says what to do."""


class _Wire(Struct, frozen=True):
    first_key: Key
    rotations: Rotations
    name: Annotated[str, Meta(max_length=256)]
    certificate: bytes
    mesh_key: Key | None
    roster: bytes


class MeshStore:
    def __init__(self, secrets: Path) -> None:
        self._mesh = secrets / "mesh"
        self._invites = secrets / "mesh.invites"

    def load(self) -> tuple[Belonging, Roster, invites.Book] | None:
        """None while the box belongs to no mesh; raises MeshStateDamaged."""
        found = _read(self._mesh, _unpacked)
        if found is None:
            return None
        belonging, members = found
        book = _read(self._invites, _of_mesh(belonging.anchor.mesh, invites.decoded))
        return belonging, members, book or invites.Book()

    def save(self, belonging: Belonging, members: Roster) -> None:
        """Key, certificate, members and removals change together: a crash leaves all the old or all the new ones."""
        _write(self._mesh, _packed(belonging, members))

    def save_invites(self, mesh: str, book: invites.Book) -> None:
        """Before the roster: a use that is known leads to the same admission when its answer was lost."""
        _write(self._invites, mesh.encode() + invites.encoded(book))

    def forget(self) -> None:
        """After leaving. Invitations that stay when this is interrupted belong to no mesh and are not read again."""
        try:
            self._mesh.unlink(missing_ok=True)
            self._invites.unlink(missing_ok=True)
        except OSError as error:
            raise storage_failed(error, self._mesh) from error


def _packed(belonging: Belonging, members: Roster) -> bytes:
    anchor, key = belonging.anchor, belonging.mesh_key
    wire = _Wire(
        anchor.keys[0],
        anchor.rotations,
        belonging.name,
        belonging.certificate.encoded(),
        key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()) if key else None,
        roster.encoded(members),
    )
    return pack(wire)


def _unpacked(data: bytes) -> tuple[Belonging, Roster]:
    wire = unpack(data, _Wire, len(data))
    anchor = follow_all(founded(wire.first_key), wire.rotations)
    key = Ed25519PrivateKey.from_private_bytes(wire.mesh_key) if wire.mesh_key else None
    if key is not None and public_of(key) != anchor.key:
        raise Malformed("the mesh key in it is not the present one")
    certificate = certificates.decode(wire.certificate)
    return Belonging(anchor, wire.name, certificate, key), roster.decoded(wire.roster)


def _of_mesh(mesh: str, decode: Callable[[bytes], T]) -> Callable[[bytes], T | None]:
    """What an earlier mesh left behind is passed over."""

    def read(data: bytes) -> T | None:
        length = len(mesh)
        return decode(data[length:]) if data[:length] == mesh.encode() else None

    return read


def _read(path: Path, decode: Callable[[bytes], T | None]) -> T | None:
    try:
        return decode(_checked(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, Malformed, Untrusted) as error:
        raise MeshStateDamaged(
            f"{path} cannot be used: {error}. It was left as it is. "
            "Put it back from a copy of the data folder, or move it away and join the mesh anew."
        ) from error


def _checked(data: bytes) -> bytes:
    head, body = data[: len(_MAGIC)], data[len(_MAGIC) + _DIGEST_BYTES :]
    if head != _MAGIC:
        raise Malformed("it is not a file of Meshbox, or of a newer one")
    if hashlib.sha256(body).digest() != data[len(_MAGIC) : len(_MAGIC) + _DIGEST_BYTES]:
        raise Malformed("its content was changed or cut off")
    return body


def _write(path: Path, body: bytes) -> None:
    """Raises StorageFailed; what was there before is there then."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_MAGIC + hashlib.sha256(body).digest() + body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _settle(path.parent)
    except OSError as error:
        raise storage_failed(error, path) from error


def _settle(folder: Path) -> None:
    """So that the new name outlives a power cut: an invitation that was used stays used."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
