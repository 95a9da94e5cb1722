"""A file that is not whole yet: grows, knows its hash, survives a restart, and takes its place at once when whole.

Blocking: to be called in threads. A call that was given up by its caller may still run when the next one comes, so the
calls wait for each other, and none does anything any more once the file was closed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from pathlib import Path

READ = 4 << 20
LONGEST_MARK = 500


class PartFile:
    """`path` is where it grows, `whole` where it lies once its last byte is there and its hash was right."""

    def __init__(self, folder: Path, key: str, *, hashed: bool = True) -> None:
        self.path = folder / f"{key}.part"
        self.whole = folder / f"{key}.whole"
        self._mark_path = folder / f"{key}.mark"
        self._lock = threading.Lock()
        self._file: int | None = None
        self._closed = False
        self._hash = hashlib.sha256()
        self._hashed = hashed
        self.size = 0
        self.mark: str | None = None  # what the server called this version of the file

    def present(self) -> int:
        """How many bytes are there, without opening it."""
        for path in (self.whole, self.path):
            with contextlib.suppress(OSError):
                return path.stat().st_size
        return 0

    def known_mark(self) -> str | None:
        """Without opening it."""
        return self._read_mark()

    def open(self) -> None:
        """Reads what is there already: the hash is of all its bytes."""
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            self.mark = self._read_mark()
            if not self._hashed:
                self.size = os.lseek(self._file, 0, os.SEEK_END)
            while not self._closed and (data := os.read(self._file, READ)):
                self._hash.update(data)
                self.size += len(data)

    def append(self, data: bytes) -> None:
        with self._lock:
            if self._file is None:
                return
            view = memoryview(data)
            while view:
                written = os.write(self._file, view)
                if self._hashed:
                    self._hash.update(view[:written])
                self.size += written
                view = view[written:]

    def restart(self, mark: str | None = None) -> None:
        """From the first byte again."""
        with self._lock:
            if self._file is None:
                return
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            self._hash, self.size = hashlib.sha256(), 0
            self._write_mark(mark)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def seal(self) -> None:
        """All of it is there and right: safe on the disk, under the name that says so."""
        with self._lock:
            if self._file is None:
                return
            os.fsync(self._file)
            self.path.replace(self.whole)
            self._mark_path.unlink(missing_ok=True)

    def close(self) -> None:
        self._closed = True  # ends a long reading
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def discard(self) -> None:
        self.close()
        for path in (self.path, self.whole, self._mark_path):
            path.unlink(missing_ok=True)

    def _read_mark(self) -> str | None:
        try:
            return self._mark_path.read_text()[:LONGEST_MARK] or None
        except (OSError, UnicodeDecodeError):
            return None

    def _write_mark(self, mark: str | None) -> None:
        self.mark = mark if mark and len(mark) <= LONGEST_MARK else None
        if self.mark is None:
            self._mark_path.unlink(missing_ok=True)
        else:
            self._mark_path.write_text(self.mark)
