"""What was sent of a stream, for the case that its engine dies. Packed now and then: events repeat themselves a lot."""

from __future__ import annotations

import zlib

import msgspec

from appliance.proxy.shortcut import Run, run_of_one

BLOCK = 16 << 10  # packed by itself: a packer that stayed open would hold a quarter of a megabyte for each stream
WINDOW_BITS, MEMORY_LEVEL = 13, 6  # enough for a block, and three times as fast as the usual
MOST_BYTES = 16 << 20  # of a stream; a longer one cannot be gone on with

_RUNS = msgspec.msgpack.Decoder(list[Run])


class Kept:
    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._open: list[Run] = []
        self._open_size = 0
        self._size = 0

    def add(self, piece: bytes) -> None:
        self.add_run(run_of_one(piece))

    def add_run(self, run: Run) -> None:
        self._size += run.size
        if self._size > MOST_BYTES:
            self._open.clear()
            self._packed.clear()
            return
        self._open.append(run)
        self._open_size += len(run.front) + len(run.middles) + len(run.back)
        if self._open_size >= BLOCK:
            self._packed.append(_packed(self._open))
            self._open.clear()
            self._open_size = 0

    def all(self) -> bytes | None:
        """Everything, or None when it was too much to keep."""
        if self._size > MOST_BYTES:
            return None
        packed = (run for block in self._packed for run in _RUNS.decode(zlib.decompress(block)))
        return b"".join(run.whole() for runs in (packed, self._open) for run in runs)


def _packed(runs: list[Run]) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, WINDOW_BITS, MEMORY_LEVEL)
    return packer.compress(msgspec.msgpack.encode(runs)) + packer.flush()
