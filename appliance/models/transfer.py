"""Brings one file here: goes on where it stopped, tries again, and believes only a right hash.

Several may offer the file: who fails is followed by the next, who goes on where the other stopped.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from appliance.models.failed import TransferFailed
from appliance.models.pace import SLOWEST, TooSlow, at_a_pace
from appliance.models.part_file import PartFile
from appliance.models.sources import Offer, Reading, Source, Unfit
from appliance.models.throttle import Throttle
from appliance.storage.errors import FULL

log = logging.getLogger("meshbox.downloads")

T = TypeVar("T")

CHUNK = 1 << 20
LONGEST_PAUSE_ASKED = 3600
SLOW_TRIES = 3  # in a row: another connection is often a faster one
TOO_SLOW = "too_slow"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a transfer goes on trying: pauses grow to the longest; a try that got on begins the count anew."""

    tries: int = 30
    first_s: float = 1.0
    longest_s: float = 120.0

    def pause(self, failures: int) -> float:
        return min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Watcher:
    """Is told how a transfer goes."""

    received: Callable[[int], None]  # how many bytes of the file are here
    total: Callable[[int], None]  # how many it has
    waiting: Callable[[str, float], None]  # why nothing comes, and for how many seconds nothing will


class Transfer:
    def __init__(
        self,
        throttle: Throttle,
        patience: Patience = PATIENCE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._throttle = throttle
        self._patience = patience
        self._sleep = sleep
        self._clock = clock

    async def fetch(self, sources: Sequence[Source], part: PartFile, watcher: Watcher) -> str:
        """Fetches the file and seals it; returns its hash. The last source is the origin: what it offers is wanted,
        and it is asked again with patience. Raises TransferFailed; what came is kept.
        """
        origin = sources[-1]
        await _disk(part.open)
        try:
            doubtful = part.size > 0 or len(sources) > 1
            await self._receive_all(sources, part, watcher)
            if doubtful and _wrong(origin.offer, part):  # what was kept from before, or came from others, may be wrong
                await _disk(part.restart)
                await self._receive_all([origin], part, watcher)
            if _wrong(origin.offer, part):
                await _disk(part.restart)
                raise _mismatch(origin.offer)
            await _disk(part.seal)
            return part.sha256
        finally:
            await asyncio.shield(asyncio.to_thread(part.close))

    async def _receive_all(self, sources: Sequence[Source], part: PartFile, watcher: Watcher) -> None:
        failures = slow = 0
        while True:
            before, began = part.size, self._clock()
            try:
                await self._receive_from_any(sources, part, watcher)
            except TransferFailed as failure:
                least = SLOWEST * (1 + self._clock() - began)  # a byte at each try is no progress
                failures = 1 if part.size - before >= least else failures + 1
                slow = slow + 1 if failure.code == TOO_SLOW else 0
                if not failure.temporary or failures >= self._patience.tries or slow >= SLOW_TRIES:
                    raise
                pause = self._pause(failure, failures)
                watcher.waiting(failure.detail, pause)
                await self._sleep(pause)
            else:
                return

    async def _receive_from_any(self, sources: Sequence[Source], part: PartFile, watcher: Watcher) -> None:
        """One try of each."""
        *near, origin = sources
        for source in near:
            try:
                await self._receive(source, origin.offer, part, watcher, may_restart=False)
            except TransferFailed as failure:
                log.info("%s did not send all of a file: %s", source.offer.name, failure.detail)
            else:
                return
        await self._receive(origin, origin.offer, part, watcher, may_restart=True)

    def _pause(self, failure: TransferFailed, failures: int) -> float:
        asked = min(failure.retry_after or 0, LONGEST_PAUSE_ASKED)
        return max(float(asked), self._patience.pause(failures))

    async def _receive(
        self, source: Source, wanted: Offer, part: PartFile, watcher: Watcher, *, may_restart: bool
    ) -> None:
        """One try. Only the origin may have what is here thrown away."""
        if wanted.sha256 is not None and part.size == wanted.size:
            return
        begin = _resume_from(wanted, part)
        if begin != part.size:
            await _disk(part.restart)
        try:
            async with source.read(begin, None if wanted.sha256 else part.mark) as reading:
                await _line_up(reading, begin, part, may_restart=may_restart)
                total = _total(reading, wanted)
                if total is not None:
                    watcher.total(total)
                watcher.received(part.size)
                await self._store(reading, source.offer.name, part, total, watcher)
        except Unfit:
            if may_restart:
                await _disk(part.restart)
            raise

    async def _store(self, reading: Reading, name: str, part: PartFile, total: int | None, watcher: Watcher) -> None:
        pending = bytearray()
        try:
            async with aclosing(reading.pieces()) as pieces, aclosing(at_a_pace(pieces, self._clock)) as paced:
                async for piece in paced:
                    await self._throttle.take(len(piece))
                    pending += piece
                    if total is not None and part.size + len(pending) > total:
                        raise TransferFailed("bad_answer", f"{name} sends more than the file has.")
                    watcher.received(part.size + len(pending))
                    if len(pending) >= CHUNK:
                        await _append(part, pending)
        except TooSlow:
            raise _too_slow(name) from None
        finally:  # what came is kept, also when nobody wants the rest now
            await asyncio.shield(_append(part, pending))
        if total is not None and part.size < total:
            raise TransferFailed("interrupted", f"{name} broke off in the middle of the file.", temporary=True)


def _resume_from(wanted: Offer, part: PartFile) -> int:
    """A file without a hash is gone on with only when its source can tell that it is still the same."""
    if wanted.sha256 is None:
        return part.size if part.mark is not None else 0
    return part.size if wanted.size is None or part.size < wanted.size else 0


async def _line_up(reading: Reading, begin: int, part: PartFile, *, may_restart: bool) -> None:
    """Makes the part end where the answer begins."""
    if reading.begin != begin and not may_restart:
        raise Unfit("bad_answer", "All of the file was sent instead of its rest.", temporary=True)
    if reading.begin == 0:
        await _disk(part.restart, reading.mark)


def _total(reading: Reading, wanted: Offer) -> int | None:
    """How long the whole file is."""
    if wanted.sha256 is None:
        return reading.total
    if None not in (wanted.size, reading.total) and reading.total != wanted.size:
        raise TransferFailed("changed", "The file is not the one that was chosen: it has another length. Start again.")
    return reading.total if reading.total is not None else wanted.size


def _wrong(wanted: Offer, part: PartFile) -> bool:
    return wanted.sha256 is not None and part.sha256 != wanted.sha256


def _mismatch(wanted: Offer) -> TransferFailed:
    return TransferFailed(
        "hash_mismatch",
        f"What {wanted.name} sent is not the file that was asked for: its checksum differs. Nothing of it was kept.",
    )


def _too_slow(name: str) -> TransferFailed:
    return TransferFailed(TOO_SLOW, f"{name} sends next to nothing. What came is kept.", temporary=True)


async def _append(part: PartFile, pending: bytearray) -> None:
    data = bytes(pending)
    pending.clear()
    await _disk(part.append, data)


async def _disk(work: Callable[..., T], *arguments: object) -> T:
    """In a thread; a disk that does not take it is told apart from a network that does not give."""
    try:
        return await asyncio.to_thread(work, *arguments)
    except OSError as error:
        raise disk_failed(error) from error


def disk_failed(error: OSError) -> TransferFailed:
    if error.errno in FULL:
        words = "The disk of the models folder became full. Free some space, then try again: what came is kept."
        return TransferFailed("disk_full", words)
    why = error.strerror or str(error)
    return TransferFailed("not_writable", f"The models folder cannot be written: {why}.")
