"""Pictures as the small model with eyes knows them."""

from __future__ import annotations

import struct
import zlib

SIDE = 32
GREY = (128, 128, 128)
RED, GREEN, BLUE = (220, 30, 30), (30, 170, 50), (40, 60, 220)


def png(colour: tuple[int, int, int], shape: str) -> bytes:
    """A coloured shape in the middle of a grey picture."""

    def inside(x: float, y: float) -> bool:
        if shape == "square":
            return abs(x) < 9 and abs(y) < 9
        return x * x + y * y < 100

    middle = (SIDE - 1) / 2
    rows = (
        bytes([0, *(part for x in range(SIDE) for part in (colour if inside(x - middle, y - middle) else GREY))])
        for y in range(SIDE)
    )
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(rows))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
