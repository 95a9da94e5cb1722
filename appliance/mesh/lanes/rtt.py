"""How long a word takes there and back, smoothed as TCP does it (pure)."""

from __future__ import annotations

from dataclasses import dataclass

NEW = 0.125


@dataclass(slots=True)
class Rtt:
    """Seconds; None until measured."""

    smoothed: float | None = None
    least: float | None = None
    count: int = 0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.least = seconds if self.least is None else min(self.least, seconds)
        self.smoothed = seconds if self.smoothed is None else self.smoothed + NEW * (seconds - self.smoothed)

    @property
    def milliseconds(self) -> float | None:
        return None if self.smoothed is None else self.smoothed * 1000
