"""Is it the others who are slow, or this box? A slow box waits longer before it accuses anybody."""

from __future__ import annotations

WORST = 6


class Health:
    """0 is well. Missed answers that helpers did not miss, late wake-ups and accusations by others make it worse."""

    def __init__(self) -> None:
        self.score = 0

    @property
    def patience(self) -> float:
        """How many times longer than usual to wait."""
        return 1.0 + self.score * 0.5

    def worse(self, by: int = 1) -> None:
        self.score = min(WORST, self.score + by)

    def better(self) -> None:
        self.score = max(0, self.score - 1)
