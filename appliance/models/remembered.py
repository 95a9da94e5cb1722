"""What small files said; each is opened again only when it changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from appliance.models.files import Stamp, stamp_of

T = TypeVar("T")


class Remembered(Generic[T]):
    def __init__(self, read: Callable[[bytes | None], T], most_bytes: int) -> None:
        """`read` is given None in place of what is longer than `most_bytes` or cannot be read."""
        self._read = read
        self._most_bytes = most_bytes
        self._known: dict[Path, tuple[Stamp, T]] = {}
        self._seen: set[Path] = set()

    def look(self, path: Path) -> T:
        """Raises NotThere, NotUsable."""
        stamp, known = stamp_of(path), self._known.get(path)
        self._seen.add(path)
        if known is not None and known[0] == stamp:
            return known[1]
        value = self._read(_content(path, self._most_bytes))
        self._known[path] = (stamp, value)
        return value

    def forget_unseen(self) -> None:
        """Ends a round: what was not looked at since the last one is gone."""
        self._known = {path: known for path, known in self._known.items() if path in self._seen}
        self._seen = set()


def _content(path: Path, most: int) -> bytes | None:
    """Follows no link, and waits for nothing that only looks like a file."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        with os.fdopen(number, "rb") as file:
            data = file.read(most + 1)
    except OSError:
        return None
    return data if len(data) <= most else None
