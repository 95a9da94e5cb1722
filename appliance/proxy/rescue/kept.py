"""What was sent of a stream, for the case that its engine dies. Packed now and then: events repeat themselves a lot."""

from __future__ import annotations

import zlib

BLOCK = 16 << 10
MOST_BYTES = 16 << 20  # of a stream; a longer one cannot be gone on with


class Kept:
    def __init__(self) -> None:
        self._packer = zlib.compressobj(level=1)
        self._packed = bytearray()
        self._open: list[bytes] = []
        self._open_size = 0
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > MOST_BYTES:
            self._open.clear()
            self._packed.clear()
            return
        self._open.append(piece)
        self._open_size += len(piece)
        if self._open_size >= BLOCK:
            self._packed += self._packer.compress(b"".join(self._open))
            self._open.clear()
            self._open_size = 0

    def all(self) -> bytes | None:
        """Everything, or None when it was too much to keep."""
        if self._size > MOST_BYTES:
            return None
        packed = bytes(self._packed) + self._packer.copy().flush()
        return zlib.decompress(packed) + b"".join(self._open)
