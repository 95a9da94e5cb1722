"""Names of boxes and meshes as people read them (pure)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

LONGEST = 64


def as_read(name: str) -> str:
    """Two names with the same result look alike to a person."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def free_name(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or the first of “wanted 2”, “wanted 3” … that nobody has."""
    used = {as_read(name) for name in taken}
    if as_read(wanted) not in used:
        return wanted
    numbered = (f"{wanted[: LONGEST - 5].rstrip()} {number}" for number in range(2, len(used) + 3))
    return next(name for name in numbered if as_read(name) not in used)
