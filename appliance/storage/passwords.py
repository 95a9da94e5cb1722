"""The admin password: an Argon2id hash in a file of its own, so that it can be reset without anything else."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 8
MAX_LENGTH = 1024
FILE = "password"

_HASHER = PasswordHasher()


async def store_password(secrets_dir: Path, password: str) -> None:
    """Hashes in a thread and swaps the file; raises OSError when that cannot be stored."""
    hashed = await asyncio.to_thread(_HASHER.hash, password)
    await asyncio.to_thread(_write, secrets_dir / FILE, hashed)


async def password_matches(stored: str, password: str) -> bool:
    return await asyncio.to_thread(_matches, stored, password)


def read_hash(secrets_dir: Path) -> str | None:
    """The stored hash; None while the box belongs to nobody."""
    try:
        return (secrets_dir / FILE).read_text().strip() or None
    except FileNotFoundError:
        return None


def mark_of(stored: str) -> str:
    """Changes when the password does; says nothing about it."""
    return hashlib.sha256(stored.encode()).hexdigest()[:16]


def _matches(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _write(path: Path, hashed: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(hashed + "\n")
        file.flush()
        os.fsync(file.fileno())
    owner = path.parent.stat()
    if os.geteuid() == 0:  # `docker exec` runs as root, the box does not
        os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(path)
