"""Frames on a byte stream: four bytes of length, most significant first, then as many bytes."""

from __future__ import annotations

from appliance.mesh.identity.errors import Malformed

BEFORE_TRUST = 64 << 10  # the longest frame until both ends know each other
_HEAD = 4


def framed(payload: bytes, limit: int = BEFORE_TRUST) -> bytes:
    if not 0 < len(payload) <= limit:
        raise ValueError(f"a frame of {len(payload)} bytes; 1 to {limit} are allowed")
    return len(payload).to_bytes(_HEAD, "big") + payload


class FrameReader:
    """Takes bytes as they come, gives whole frames. What is announced as too long is refused before it comes."""

    def __init__(self, limit: int = BEFORE_TRUST) -> None:
        self.limit = limit
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        self._held += data

    def next(self) -> bytes | None:
        """The next whole frame; None until more has come."""
        if len(self._held) < _HEAD:
            return None
        length = int.from_bytes(self._held[:_HEAD], "big")
        if not 0 < length <= self.limit:
            raise Malformed(f"a frame of {length} bytes; 1 to {self.limit} are allowed")
        if len(self._held) < _HEAD + length:
            return None
        frame = bytes(self._held[_HEAD : _HEAD + length])
        del self._held[: _HEAD + length]
        return frame

    def rest(self) -> bytes:
        """What came after the last frame, for whoever takes the stream over."""
        rest = bytes(self._held)
        self._held.clear()
        return rest
