"""A network that can do everything a network does: lose, delay, double, overtake, break in two, work one way only."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Network:
    rng: random.Random
    delay: float = 0.001  # seconds, at the least
    jitter: float = 0.002
    loss: float = 0.0
    doubled: float = 0.0
    straggling: float = 0.0  # share of messages that take up to a second more, and are overtaken
    sides: Mapping[str, int] = field(default_factory=dict)  # who is on which side of a broken network
    closed: set[tuple[str, str]] = field(default_factory=set)  # (from, to) that do not pass

    def arrivals(self, source: str, target: str, at: float) -> list[float]:
        """When one message arrives: not at all, once, twice."""
        if self.sides and self.sides.get(source, 0) != self.sides.get(target, 0):
            return []
        if self.closed and (source, target) in self.closed:
            return []
        rng = self.rng
        if self.loss and rng.random() < self.loss:
            return []
        copies = 2 if self.doubled and rng.random() < self.doubled else 1
        return [at + self._takes() for _ in range(copies)]

    def split(self, *sides: Iterable[str]) -> None:
        self.sides = {node: number for number, side in enumerate(sides) for node in side}

    def heal(self) -> None:
        """Whole, and quiet."""
        self.sides = {}
        self.closed.clear()
        self.loss = self.doubled = self.straggling = 0.0

    def _takes(self) -> float:
        takes = self.delay + self.rng.random() * self.jitter
        if self.straggling and self.rng.random() < self.straggling:
            takes += self.rng.random()
        return takes
