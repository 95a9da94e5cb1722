"""The body of a request, from whatever pieces it comes in. What follows it is left over for the next request."""

from __future__ import annotations

import re
from enum import Enum, auto

from appliance.proxy.wire.head import CHUNKED, malformed

LONGEST_TRAILER = 8 * 1024
FREE_CHUNKS = 4096  # so many may be of any size; after them a chunk has to carry something
LEAST_MEAN = 16  # bytes

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{1,8}\r?|")
_TRAILER = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+\r\n)*+\r\n")
_NEVER_SOUND = re.compile(rb"\r\n\r\n|(?<!\r)\n")  # in a trailer that is not whole
_FRAMES = re.compile(rb"^(?:transfer-encoding|content-length):", re.IGNORECASE | re.MULTILINE)


class Body:
    """Bytes of a known number."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.rest = b""

    @property
    def complete(self) -> bool:
        return not self._left

    def feed(self, data: bytes) -> bytes:
        """What of it belongs to the body; once that is complete, the rest is in `rest`."""
        if len(data) <= self._left:
            self._left -= len(data)
            return data
        mine, self.rest = data[: self._left], self.rest + data[self._left :]
        self._left = 0
        return mine


class _Step(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    DONE = auto()


class ChunkedBody:
    """Bytes in chunks: a size in hexadecimal and nothing else on its line, no bare line feeds, no endless trailer."""

    def __init__(self) -> None:
        self._step = _Step.SIZE
        self._held = b""
        self._left = 0
        self._chunks = self._size = 0
        self.rest = b""

    @property
    def complete(self) -> bool:
        return self._step is _Step.DONE

    def feed(self, data: bytes) -> bytes:
        """As of `Body`. Raises ApiError when the chunks are not sound."""
        data, at, pieces = self._held + data, 0, []
        while self._step is not _Step.DONE:
            if self._step is _Step.DATA:
                piece = data[at : at + self._left]
                pieces.append(piece)
                after = at + len(piece)
                self._left -= len(piece)
                self._step = _Step.DATA if self._left else _Step.DATA_END
            else:
                after = self._framing(data, at)
            if after == at:
                break
            at = after
        self._held, self.rest = (b"", data[at:]) if self.complete else (data[at:], b"")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _framing(self, data: bytes, at: int) -> int:
        """Reads one piece of framing; returns where it ends, or `at` when it is not whole yet."""
        if self._step is _Step.SIZE:
            return self._read_size(data, at)
        if self._step is _Step.DATA_END:
            end = data[at : at + 2]
            if not b"\r\n".startswith(end):
                raise malformed("a chunk is longer than it says")
            if len(end) < 2:
                return at
            self._step = _Step.SIZE
            return at + 2
        return self._read_trailer(data, at)

    def _read_size(self, data: bytes, at: int) -> int:
        line = _SIZE_LINE.match(data, at)
        if line is None:
            if _SIZE_BEGUN.fullmatch(data, at) is None:
                raise malformed("the size of a chunk is no plain number")
            return at
        self._left = int(line[1], 16)
        self._chunks, self._size = self._chunks + 1, self._size + self._left
        if self._left and self._chunks > FREE_CHUNKS and self._size < self._chunks * LEAST_MEAN:
            raise malformed("its chunks are too small")
        self._step = _Step.DATA if self._left else _Step.TRAILER
        return line.end()

    def _read_trailer(self, data: bytes, at: int) -> int:
        """Trailing fields are checked and thrown away: nobody here has a use for them."""
        trailer = _TRAILER.match(data, at)
        if trailer is not None:
            if _FRAMES.search(trailer[0]):
                raise malformed("what follows its last chunk says again how long it is")
            self._step = _Step.DONE
            return trailer.end()
        if len(data) - at > LONGEST_TRAILER or _NEVER_SOUND.search(data, at):
            raise malformed("what follows its last chunk is broken")
        return at


def body_of(length: int) -> Body | ChunkedBody:
    return ChunkedBody() if length == CHUNKED else Body(length)
