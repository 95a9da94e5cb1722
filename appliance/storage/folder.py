"""The data folder: there, writable, and ours alone while the box runs."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

ROOM_FOR_SECRETS = 64 << 10


class FolderTrouble(Exception):
    """The data folder cannot be used; the text says why and what to do."""


class DataFolder:
    """Paths inside the folder, and the lock that keeps a second box out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock: int | None = None

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def node_key(self) -> Path:
        return self.secrets / "node.key"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def database(self) -> Path:
        return self.root / "state.db"

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    def take(self) -> None:
        """Makes the folder and locks it; raises FolderTrouble when that cannot be done now."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.secrets.mkdir(mode=0o700, exist_ok=True)
            self.secrets.chmod(0o700)
            self._prove_writable()
            self._acquire()
        except OSError as error:
            raise FolderTrouble(self._explain(error)) from error

    def _prove_writable(self) -> None:
        """A box that has its identity starts on a full disk too; a new one needs room for it first."""
        proof = self.root / ".writable"
        try:
            proof.write_bytes(b"" if self.node_key.exists() else b"." * ROOM_FOR_SECRETS)
        finally:
            proof.unlink(missing_ok=True)

    def _acquire(self) -> None:
        lock = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise FolderTrouble(
                f"Another Meshbox already runs on the data folder {self.root}. "
                "Stop it, or give this one a folder of its own with MESHBOX_DATA."
            ) from error
        self._lock = lock

    def _explain(self, error: OSError) -> str:
        if error.errno == errno.ENOSPC:
            return (
                f"The disk of the data folder {self.root} is full: a new box has no room for its keys. Free some space."
            )
        return (
            f"The data folder {self.root} cannot be written: {error.strerror or error}. "
            f"Meshbox runs as user {os.geteuid()}, group {os.getegid()}. "
            "Give that user the folder (chown), or set PUID and PGID to its owner."
        )

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
