"""A head of HTTP that stays the same, byte for byte, around the length of the body."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_DIGITS = 8
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*+([0-9]++)[ \t]*+(?=\r\n)", re.IGNORECASE)
ANOTHER = (-1, 0)


@dataclass(frozen=True, slots=True)
class Around:
    before: bytes
    after: bytes  # to the end of the empty line
    at: int  # where the number stands

    def read(self, data: bytes) -> tuple[int, int]:
        """How long the body is, and where it begins; ANOTHER when it is another head, or not whole."""
        if not data.startswith(self.before):
            return ANOTHER
        at = self.at
        end = data.find(b"\r", at, at + MOST_DIGITS + 1)
        if end < 0 or not data.startswith(self.after, end):
            return ANOTHER
        digits = data[at:end]
        return (int(digits), end + len(self.after)) if digits.isdigit() else ANOTHER


def around_length(head: bytes) -> Around | None:
    """`head` is without the empty line. None when it gives no length, or several."""
    found = [match.span(1) for match in _LENGTH.finditer(head)]
    if len(found) != 1:
        return None
    ((start, end),) = found
    if head[end : end + 1] != b"\r":  # a space behind it, as nobody writes
        return None
    return Around(head[:start], head[end:] + b"\r\n", start)
