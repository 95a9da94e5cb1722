"""Power from counters of energy: some drivers tell only how much was used in all."""

from __future__ import annotations

import time
from collections.abc import Callable

_LEAST_SECONDS = 0.2  # between two looks: closer together they say nothing


class EnergyMeter:
    """Remembers the last look at each counter."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, tuple[int, float]] = {}

    def watts(self, counter: str, microjoules: int) -> float | None:
        """On average since the last look; None at the first one, and when the counter began anew."""
        now = self._clock()
        before, then = self._last.get(counter, (microjoules, now))
        self._last[counter] = microjoules, now
        if microjoules < before or now - then < _LEAST_SECONDS:
            return None
        return (microjoules - before) / 1e6 / (now - then)
