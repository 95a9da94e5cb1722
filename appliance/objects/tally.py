"""What became of objects since the box was started. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class End(StrEnum):
    """Why an object is gone."""

    USED = "used"  # as often as it might be
    REMOVED = "removed"
    EXPIRED = "expired"


@dataclass(slots=True)
class Tally:
    taken: int = 0
    taken_bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # by the code of the problem
    ended: Counter[End] = field(default_factory=Counter)

    def take(self, size: int) -> None:
        self.taken += 1
        self.taken_bytes += size
