"""Gathers what is to be booked, and has it booked a moment later, all at once: that costs much less for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

MOMENT = 0.2  # seconds
MOST = 200  # that wait

T = TypeVar("T")
Later = Callable[[float, Callable[[], None]], object]  # calls a function after so many seconds


class Batch(Generic[T]):
    """Without `later` everything is booked at once. Whoever reads the books has to call `settle` before."""

    def __init__(self, book: Callable[[Sequence[T]], None], later: Later | None) -> None:
        self._book, self._later = book, later
        self._entries: list[T] = []
        self._planned = False

    def add(self, entry: T) -> None:
        self._entries.append(entry)
        if self._later is None or len(self._entries) >= MOST:
            self.settle()
        elif not self._planned:
            self._planned = True
            self._later(MOMENT, self._moment_over)

    def settle(self) -> None:
        if self._entries:
            entries, self._entries = self._entries, []
            self._book(entries)

    def _moment_over(self) -> None:
        self._planned = False
        self.settle()
