"""What the other end is saying on its streams and did not finish yet, within bounds (no I/O)."""

from __future__ import annotations

from dataclasses import dataclass, field

MARKS = 256  # streams remembered as given up


@dataclass(slots=True)
class Incoming:
    """Collects streams. What grows beyond `longest`, or all together beyond `most`, is given up."""

    longest: int
    most: int
    total: int = 0
    _parts: dict[int, bytearray | None] = field(default_factory=dict)  # None: given up, its rest is thrown away

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, stream: int) -> bool:
        return stream in self._parts

    def add(self, stream: int, data: bytes, *, end: bool) -> bytes | None:
        """The whole of it when this was the end; None before, and of what was given up. Raises OverflowError once."""
        if stream not in self._parts:
            if end and len(data) <= self.longest:
                return data  # the usual case: it came in one piece
            self._parts[stream] = bytearray()
        part = self._parts[stream]
        if part is not None and not self._grow(part, data):
            self.give_up(stream)
            if end:
                self.drop(stream)
            raise OverflowError
        return self.drop(stream) if end else None

    def _grow(self, part: bytearray, data: bytes) -> bool:
        if len(part) + len(data) > self.longest or self.total + len(data) > self.most:
            return False
        part += data
        self.total += len(data)
        return True

    def give_up(self, stream: int) -> None:
        self.total -= len(self._parts.get(stream) or b"")
        self._parts[stream] = None
        if len(self._parts) > MARKS:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Some never say another word, and a late word of a forgotten one is only noise."""
        for stream in [each for each, part in self._parts.items() if part is None][: MARKS // 2]:
            del self._parts[stream]

    def drop(self, stream: int) -> bytes | None:
        part = self._parts.pop(stream, None)
        if part is None:
            return None
        self.total -= len(part)
        return bytes(part)

    def unfinished(self, stream: int) -> bool:
        return self._parts.get(stream) is not None
