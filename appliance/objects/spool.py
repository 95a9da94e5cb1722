"""One file without a name: whatever happens to the box, nothing of it stays behind.

Its calls block, so they belong into a thread; a close waits for a call that is under way.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path


class Spool:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by whoever forgets the object
        self._lock = threading.Lock()

    def append(self, data: bytes) -> None:
        with self._lock:
            self._file.write(data)

    def finish(self) -> None:
        """What was appended is on the disk, or it is said here that it does not fit."""
        with self._lock:
            self._file.flush()

    def read(self, offset: int, size: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def close(self) -> None:
        with self._lock:
            self._file.close()
