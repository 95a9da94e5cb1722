"""SVG has no line breaks and no ellipsis: texts are measured roughly and cut."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_BROAD = frozenset("mwMW@%&")


def shorten(text: str, room: float, tail: int = 0) -> str:
    """`text`, or what fits of it into `room` widths of a common letter, its last `tail` characters in any case."""
    if len(text) * 2 <= room or _length(text) <= room:
        return text
    end = text[-tail:] if tail else ""
    used, kept = 1 + _length(end), ""
    for character in text:
        used += width(character)
        if used > room:
            break
        kept += character
    return f"{kept.rstrip()}…{end}"


def _length(text: str) -> float:
    return sum(map(width, text))


@lru_cache(maxsize=4096)
def width(character: str) -> float:
    """Of one character, in widths of a common letter."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 2.0
    return 1.35 if character in _BROAD or character.isupper() else 1.0
