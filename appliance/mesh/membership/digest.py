"""All that a box knows as sums over buckets: equal sums, nothing to talk about."""

from __future__ import annotations

import hashlib
import struct
import zlib
from functools import lru_cache

LEAVES = 256
_ALL = (1 << 64) - 1
_SPLIT = 8  # entries in a bucket, about


class Digest:
    """Sums of hashes of (key, incarnation, version), kept while entries come and go."""

    def __init__(self) -> None:
        self.total = 0
        self._leaves = [0] * LEAVES

    def add(self, key: str, incarnation: int, version: int) -> None:
        self._change(key, _hash(key, incarnation, version))

    def remove(self, key: str, incarnation: int, version: int) -> None:
        self._change(key, -_hash(key, incarnation, version))

    def sums(self, bits: int) -> bytes:
        """2**bits sums, each of neighbouring leaves, eight bytes each."""
        width = LEAVES >> bits
        folded = [sum(self._leaves[at : at + width]) & _ALL for at in range(0, LEAVES, width)]
        return struct.pack(f">{len(folded)}Q", *folded)

    def differing(self, bits: int, theirs: bytes) -> list[int]:
        own = self.sums(bits)
        if len(theirs) != len(own):
            return []
        return [at // 8 for at in range(0, len(own), 8) if own[at : at + 8] != theirs[at : at + 8]]

    def _change(self, key: str, by: int) -> None:
        self.total = (self.total + by) & _ALL
        leaf = leaf_of(key)
        self._leaves[leaf] = (self._leaves[leaf] + by) & _ALL


@lru_cache(maxsize=4096)
def leaf_of(key: str) -> int:
    return zlib.crc32(key.encode()) & (LEAVES - 1)


def bucket_of(key: str, bits: int) -> int:
    return leaf_of(key) >> (8 - bits)


def bits_for(entries: int) -> int:
    """As many buckets as make each of them short."""
    return min(max(entries // _SPLIT, 1).bit_length() - 1, 8)


@lru_cache(maxsize=4096)
def _hash(key: str, incarnation: int, version: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{key}\0{incarnation}\0{version}".encode(), digest_size=8).digest(), "big")
