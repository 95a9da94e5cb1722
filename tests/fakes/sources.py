"""Somebody who has a file, for breaks and lies that no real source can be made to show."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from appliance.models.failed import TransferFailed
from appliance.models.sources import Offer


@dataclass
class Answer:
    data: bytes
    begin: int
    total: int | None
    breaks: TransferFailed | None
    mark: str | None = None
    drips: Callable[[], None] | None = None  # a byte at a time, and what happens before each

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        step = 65_536 if self.drips is None else 1
        for at in range(0, len(self.data), step):
            if self.drips is not None:
                self.drips()
            yield self.data[at : at + step]
        if self.breaks is not None:
            raise self.breaks


@dataclass
class Holder:
    """Has a file in memory; sends at most so much of it for each question."""

    offer: Offer
    data: bytes
    most: int = 1 << 40
    ranges: bool = True
    silent: bool = False  # breaks off without a word
    drips: Callable[[], None] | None = None
    asked: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def read(self, begin: int, mark: str | None) -> AsyncIterator[Answer]:
        self.asked.append(begin)
        begin = begin if self.ranges else 0
        sent = self.data[begin : begin + self.most]
        broken = begin + len(sent) < len(self.data) and not self.silent
        failure = TransferFailed("unreachable", "It is gone.", temporary=True) if broken else None
        yield Answer(sent, begin, len(self.data), failure, drips=self.drips)
