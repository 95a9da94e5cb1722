"""Takes objects in as they come, lends them to requests, and forgets them in time.

An id leads to an object only through the ledger in memory: none is ever made into a path.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from appliance.models.disk import MARGIN, FreeBytes, free_bytes, in_units
from appliance.objects.ledger import Entry, Ledger, Upload
from appliance.objects.sniff import SNIFFED, sniff
from appliance.objects.spool import Spool
from appliance.objects.tally import Tally
from appliance.objects.types import LARGEST, Blob, ObjectProblem, Party
from appliance.storage.errors import storage_failed

log = logging.getLogger("meshbox.objects")

CHUNK = 1 << 20
UPLOAD_SECONDS = 300.0  # for all of one object
SWEEP_SECONDS = 5.0
AROUND = 64 << 10  # bytes of a form around its file


class Loan:
    """An object that a request has taken. `give_back` has to be called."""

    def __init__(self, store: ObjectStore, entry: Entry, spool: Spool) -> None:
        self._store, self._entry, self._spool = store, entry, spool
        self.size, self.type = entry.size, entry.type

    def read(self, offset: int, size: int) -> bytes:
        """Blocks: for a thread."""
        return self._spool.read(offset, size)

    def give_back(self, *, used: bool) -> None:
        self._store.over(self._entry, used=used)


class ObjectStore:
    """`room` is how many bytes all objects may take together."""

    def __init__(
        self,
        folder: Path,
        room: Callable[[], int],
        clock: Callable[[], float] = time.time,
        free: FreeBytes = free_bytes,
    ) -> None:
        self._folder, self._room, self._clock, self._free = folder, room, clock, free
        self._ledger = Ledger()
        self._spools: dict[str, Spool] = {}
        self.upload_seconds = UPLOAD_SECONDS

    @property
    def count(self) -> int:
        return self._ledger.count

    @property
    def filled(self) -> int:
        """Bytes, also of those that are coming in."""
        return self._ledger.filled

    @property
    def tally(self) -> Tally:
        return self._ledger.tally

    async def run(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep()

    def close(self) -> None:
        for spool in self._spools.values():
            spool.close()
        self._spools.clear()

    def sweep(self) -> None:
        for object_id in self._ledger.sweep(self._clock()):
            self._spools.pop(object_id).close()

    async def take_in(self, pieces: AsyncIterator[bytes], owner: Party, announced: int | None = None) -> Blob:
        """Stores what comes. `announced` is the length of the whole body, when it was told. Raises ObjectProblem."""
        try:
            return await self._told(pieces, owner, announced)
        except ObjectProblem as problem:
            self.tally.refused[problem.code] += 1
            raise

    async def _told(self, pieces: AsyncIterator[bytes], owner: Party, announced: int | None) -> Blob:
        """With the troubles of clocks and disks in words."""
        try:
            return await self._take_in(pieces, owner, announced)
        except TimeoutError as error:
            minutes = round(self.upload_seconds / 60)
            raise ObjectProblem(408, "too_slow", f"The object did not come within {minutes} minutes.") from error
        except OSError as error:
            failure = storage_failed(error, self._folder)
            log.warning("an object could not be stored: %s", failure.detail)
            what = "The disk of this box cannot take the object. Its page says more."
            raise ObjectProblem(507, failure.code, what) from error

    async def _take_in(self, pieces: AsyncIterator[bytes], owner: Party, announced: int | None) -> Blob:
        self.sweep()
        upload, spool = self._ledger.begin(owner.share), None
        try:
            self._refuse_early(upload, announced)
            spool = await asyncio.to_thread(self._spool, LARGEST if announced is None else announced)
            async with asyncio.timeout(self.upload_seconds):
                await self._store(upload, spool, pieces)
            kind = sniff(await asyncio.to_thread(spool.read, 0, SNIFFED))
        except BaseException:  # whatever ended it, a cancellation too: nothing of it stays
            self._ledger.abandon(upload)
            if spool is not None:
                await asyncio.shield(asyncio.to_thread(_close, spool))
            raise
        entry = self._ledger.keep(upload, secrets.token_urlsafe(24), owner, kind, self._clock())
        self._spools[entry.id] = spool
        return entry.blob

    def lend(self, object_id: str, asker: Party) -> Loan:
        """Counts one use. Raises ObjectProblem."""
        try:
            entry = self._ledger.take(object_id, asker, self._clock())
        except ObjectProblem as problem:
            self.tally.refused[problem.code] += 1
            raise
        return Loan(self, entry, self._spools[object_id])

    def over(self, entry: Entry, *, used: bool) -> None:
        self._ledger.give_back(entry, used=used)
        self.sweep()

    def remove(self, object_id: str, asker: Party) -> None:
        """Raises ObjectProblem."""
        self._ledger.remove(object_id, asker, self._clock())
        self.sweep()

    def _refuse_early(self, upload: Upload, announced: int | None) -> None:
        if announced is not None:
            self._ledger.check(upload, max(0, min(announced - AROUND, LARGEST + 1)), self._room())

    def _spool(self, coming: int) -> Spool:
        """Blocks. What else the box has to write must still find room on the disk."""
        spool = Spool(self._folder)
        if self._free(self._folder) < coming + MARGIN:
            spool.close()
            what = f"The disk of this box is too full for objects: {in_units(MARGIN)} of it stay free for other things."
            raise ObjectProblem(507, "disk_full", what)
        return spool

    async def _store(self, upload: Upload, spool: Spool, pieces: AsyncIterator[bytes]) -> None:
        pending = bytearray()
        async for piece in pieces:
            self._ledger.grow(upload, len(piece), self._room())
            pending += piece
            if len(pending) >= CHUNK:
                await asyncio.to_thread(spool.append, bytes(pending))
                pending.clear()
        if not upload.size:
            raise ObjectProblem(422, "empty_object", "The object is empty. Send its bytes as the body of the request.")
        await asyncio.to_thread(spool.append, bytes(pending))
        await asyncio.to_thread(spool.finish)


def _close(spool: Spool) -> None:
    with contextlib.suppress(OSError):  # what could not be written before cannot be written now
        spool.close()
