"""The way of most of a stream: a chunk of whole events goes on with the very bytes that came, framing and all.

Engines write each event as one chunk, and it comes in one piece. Such a piece is not parsed, and of most no more is
kept than what they do not share with those before: an event of a chat differs from the last one by a word. The books
hear of many at once, in a `Run`. Everything else takes the long way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

LONGEST = 2048  # bytes of a chunk that takes this way
_LONGEST_LINE = 5  # of a size up to that
MOST_UNTOLD = 64  # events that the books have not heard of: with LONGEST the bound of what waits here
MOST_LESSONS = 16  # a stream of which so often something else was learned has no pattern
_END_OF_CHUNK = b"\r\n"
_END = b"\n\n" + _END_OF_CHUNK  # of an event, and of its chunk
_SEPARATOR = b"\r"  # in no line of JSON, nor in the name of an event
_SIZE_LINE = re.compile(rb"([1-9a-f][0-9a-f]{0,3})\r\n")
_STRING_BEGINS = (b':"', b': "', b'["', b',"')
_STRING_END, _NUMBER_END = re.compile(rb'"'), re.compile(rb"[],}]")
_NO_CHUNK = b"?" * (LONGEST + 1)


def _size_lines() -> tuple[bytes, ...]:
    """How a chunk begins, by its length with all its framing. Sizes written in other ways take the long way."""
    lines = [_NO_CHUNK] * (LONGEST + 1)
    for size in range(2, LONGEST):
        line = b"%x\r\n" % size
        whole = len(line) + size + 2
        if whole <= LONGEST:
            lines[whole] = line
    return tuple(lines)


_SIZE_LINES = _size_lines()


class Run(NamedTuple):
    """Pieces of a stream, without framing, that begin and end alike; `middles` is what stands between, separated."""

    front: bytes
    middles: bytes
    back: bytes
    number: int = 1

    @property
    def size(self) -> int:
        return len(self.middles) - self.number + 1 + self.number * (len(self.front) + len(self.back))

    def whole(self) -> bytes:
        return self.front + self.middles.replace(_SEPARATOR, self.back + self.front) + self.back

    def occurrences(self, mark: bytes) -> int:
        """How often it stands in all of them; none may reach over the ends of a middle."""
        return self.number * (self.front.count(mark) + self.back.count(mark)) + self.middles.count(mark)

    def last_two(self) -> list[bytes]:
        """Of a run of one it is the one."""
        middles = self.middles.rsplit(_SEPARATOR, 2)[-2:] if self.number > 1 else [self.middles]
        return [self.front + middle + self.back for middle in middles]


def run_of_one(piece: bytes) -> Run:
    return Run(piece, b"", b"")


class Shortcut:
    """`write` gets each piece at once; `told` hears of them now and then, and at the latest when it is to `settle`."""

    __slots__ = ("_at", "_back", "_end", "_front", "_least", "_lessons", "_middles", "_odd", "_told", "_write")

    def __init__(self, write: Callable[[bytes], None], told: Callable[[Run], None]) -> None:
        self._write, self._told = write, told
        self._middles: list[bytes] = []
        self._odd = b""  # the last one, when it was not like those before
        self._lessons = 0
        self._front = self._back = b""
        self._at, self._end, self._least = 0, 0, LONGEST + 1  # nothing is alike yet

    def take(self, data: bytes) -> bool:
        """Passes on what is fit for this way, and says whether it was. No calls of ours: this runs for every event."""
        size = len(data)
        if (
            self._least <= size <= LONGEST
            and data.startswith(line := _SIZE_LINES[size])
            and data.startswith(self._front, at := len(line))
            and data.endswith(self._back)
        ):
            self._middles.append(data[at + self._at : self._end])
            if len(self._middles) >= MOST_UNTOLD:
                self.settle()
            self._write(data)
            return True
        return self._take_unlike(data)

    def settle(self) -> None:
        """Tells the books of all that waits."""
        if middles := self._middles:
            front, back = self._front, self._back[: -len(_END_OF_CHUNK)]
            runs = [Run(front, _SEPARATOR.join(middles), back, len(middles))]
            if runs[0].middles.count(_SEPARATOR) >= len(
                middles
            ):  # no engine writes such events, but nothing forbids it
                runs = [run_of_one(front + middle + back) for middle in middles]
            middles.clear()
            for run in runs:
                self._told(run)

    def _take_unlike(self, data: bytes) -> bool:
        """What is not like those before, or several at once."""
        chunks = _cut(data)
        if len(chunks) == 1:
            self._learn(data[data.index(b"\n") + 1 : -2])
            self._write(data)
        else:
            for chunk in chunks:
                self.take(chunk)
        return bool(chunks)

    def _learn(self, piece: bytes) -> None:
        """The second one in a row shows what is common now."""
        before, self._odd = b"" if self._middles else self._odd, piece
        self.settle()
        self._told(run_of_one(piece))
        if before and before != piece and self._lessons < MOST_LESSONS:
            self._lessons += 1
            self._odd = b""
            self._front, back = _common_ends(before, piece)
            self._back = back + _END_OF_CHUNK
            self._at, self._end = len(self._front), -len(self._back)
            self._least = _LONGEST_LINE + self._at - self._end  # what is shorter could begin and end with the same


def _cut(data: bytes) -> list[bytes]:
    """Several chunks that came at once, which happens when the box has much to do; none when one of them is unfit."""
    at, chunks = 0, []
    while at < len(data):
        line = _SIZE_LINE.match(data, at)
        if line is None:
            return []
        chunk = data[at : line.end() + int(line[1], 16) + 2]
        if len(chunk) > LONGEST or not chunk.startswith(_SIZE_LINES[len(chunk)]) or not chunk.endswith(_END):
            return []
        chunks.append(chunk)
        at += len(chunk)
    return chunks


def _common_ends(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    """How both begin and end, up to a whole value of JSON: its letters may be alike by chance."""
    front = one[: _alike(one, other, "big")]
    front = front[: front.rfind(b'"') + 1]
    one, other = one[len(front) :], other[len(front) :]
    back = one[len(one) - _alike(one, other, "little") :]
    begin = (_STRING_END if front.endswith(_STRING_BEGINS) else _NUMBER_END).search(back)
    return front, back[begin.start() :] if begin else b"\n\n"


def _alike(one: bytes, other: bytes, order: Literal["big", "little"]) -> int:
    """How many bytes they share at their beginning (big) or their end (little): all before the first difference."""
    size = min(len(one), len(other))
    ends = [text[:size] if order == "big" else text[len(text) - size :] for text in (one, other)]
    different = int.from_bytes(ends[0], order) ^ int.from_bytes(ends[1], order)
    return size - (different.bit_length() + 7) // 8
