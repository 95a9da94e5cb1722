"""How far a download is, how fast it goes, and when it will be done. The time is an argument."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 8.0
STEP_SECONDS = 0.2


@dataclass
class Progress:
    sizes: dict[str, int | None] = field(default_factory=dict)  # of each file, by its key
    received: dict[str, int] = field(default_factory=dict)
    note: str | None = None
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def done(self) -> int:
        return sum(self.received.values())

    @property
    def total(self) -> int | None:
        sizes = list(self.sizes.values())
        return None if not sizes or None in sizes else sum(size or 0 for size in sizes)

    @property
    def outstanding(self) -> int:
        """Bytes that are still to be written, as far as is known."""
        return sum(max(0, (size or 0) - self.received.get(key, 0)) for key, size in self.sizes.items())

    @property
    def share(self) -> float | None:
        return min(1.0, self.done / self.total) if self.total else None

    def file(self, key: str, received: int, now: float) -> None:
        self.received[key] = received
        self.note = None
        if not self._samples or now - self._samples[-1][0] >= STEP_SECONDS:
            self._samples.append((now, self.done))
        while len(self._samples) > 2 and now - self._samples[0][0] > WINDOW_SECONDS:
            self._samples.popleft()

    def waits(self, why: str, seconds: float) -> None:
        self.note = f"{why} Trying again in {seconds:.0f} s."
        self._samples.clear()

    def rate(self, now: float) -> float | None:
        """Bytes per second of the last seconds; None before there is a measure."""
        if len(self._samples) < 2:
            return None
        at, before = self._samples[0]
        passed = now - at
        return max(0.0, (self.done - before) / passed) if passed > 0 else None

    def eta(self, now: float) -> float | None:
        rate, total = self.rate(now), self.total
        return (total - self.done) / rate if rate and total is not None else None
