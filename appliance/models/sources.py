"""Who offers a file, and who of them is asked first. Pure.

A file comes from its origin: the hub, or an address of the web. Somebody nearer may have it as well; he is asked first
when he has the very file that is wanted, which only its checksum can tell, and whatever he sends is believed only when
its checksum is right.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from appliance.models.failed import TransferFailed


class Distance(IntEnum):
    """The nearest are asked first."""

    HOUSE = 10  # the same network
    WEB = 20


@dataclass(frozen=True, slots=True)
class Offer:
    name: str  # who offers it, for a person
    size: int | None = None
    sha256: str | None = None
    distance: int = Distance.WEB


class Reading(Protocol):
    """An answer that has begun."""

    @property
    def begin(self) -> int:
        """Its first byte's place in the file: where it was asked to begin, or 0."""

    @property
    def total(self) -> int | None:
        """How long the whole file is."""

    @property
    def mark(self) -> str | None:
        """By what the source can tell later that the file is still the same."""

    def pieces(self) -> AsyncGenerator[bytes, None]:
        """Raises TransferFailed when it breaks off and the source notices."""


class Source(Protocol):
    """Somebody who can send a file, or the rest of it."""

    @property
    def offer(self) -> Offer: ...

    def read(self, begin: int, mark: str | None) -> AbstractAsyncContextManager[Reading]:
        """From a byte on; with a mark only if the file is still the marked one. Raises TransferFailed, Unfit."""


class Unfit(TransferFailed):
    """What is here of a file and what the source has do not belong together."""


Finder = Callable[[Offer], Awaitable[Iterable[Source]]]
"""Who else has a file; raises nothing."""


async def nobody(_wanted: Offer) -> Iterable[Source]:
    return ()


def in_order(origin: Source, others: Iterable[Source]) -> tuple[Source, ...]:
    """Those that are worth asking, the origin last: what it offers is what is wanted."""
    wanted = origin.offer
    near = [source for source in others if _has(source.offer, wanted) and source.offer.distance < wanted.distance]
    return (*sorted(near, key=lambda source: (source.offer.distance, source.offer.name)), origin)


def _has(offer: Offer, wanted: Offer) -> bool:
    same_size = wanted.size is None or offer.size == wanted.size
    return wanted.sha256 is not None and offer.sha256 == wanted.sha256 and same_size
