"""What was sent of a stream, for the case that its engine dies. Packed now and then: events repeat themselves a lot."""

from __future__ import annotations

import zlib

BLOCK = 16 << 10  # packed by itself: a packer that stayed open would hold a quarter of a megabyte for each stream
WINDOW_BITS, MEMORY_LEVEL = 13, 6  # enough for a block, and three times as fast as the usual
MOST_BYTES = 16 << 20  # of a stream; a longer one cannot be gone on with


class Kept:
    def __init__(self) -> None:
        self._packed: list[bytes] = []
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
            self._packed.append(_packed(b"".join(self._open)))
            self._open.clear()
            self._open_size = 0

    def all(self) -> bytes | None:
        """Everything, or None when it was too much to keep."""
        if self._size > MOST_BYTES:
            return None
        return b"".join([*map(zlib.decompress, self._packed), *self._open])


def _packed(block: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, WINDOW_BITS, MEMORY_LEVEL)
    return packer.compress(block) + packer.flush()
