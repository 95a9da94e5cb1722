"""The data folder: there, writable, and ours alone while the box runs."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


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
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def database(self) -> Path:
        return self.root / "state.db"

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
        proof = self.root / ".writable"
        proof.write_bytes(b"")
        proof.unlink()

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
        return (
            f"The data folder {self.root} cannot be written: {error.strerror or error}. "
            f"Meshbox runs as user {os.geteuid()}, group {os.getegid()}. "
            "Give that user the folder (chown), or set PUID and PGID to its owner."
        )

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
