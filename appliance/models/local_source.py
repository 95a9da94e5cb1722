"""A file that lies elsewhere on this box as a source: it is copied, as a file of the web is fetched.

Only regular files are read: a pipe or a device would never end.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.models.failed import TransferFailed
from appliance.models.files import in_words
from appliance.models.gguf_header import GgufError, Header, Truncated, read_header
from appliance.models.sources import Offer, Unfit

PIECE = 1 << 20
FIRST_READ = 1 << 20
GROWTH = 4


@dataclass(frozen=True, slots=True)
class LocalReading:
    path: Path
    handle: int
    begin: int
    total: int | None
    mark: str | None

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        at = self.begin
        try:
            while piece := await asyncio.to_thread(os.pread, self.handle, PIECE, at):
                yield piece
                at += len(piece)
        except OSError as error:
            raise unreadable(self.path, error) from error


@dataclass(frozen=True, slots=True)
class LocalSource:
    path: Path
    size: int | None

    @property
    def offer(self) -> Offer:
        return Offer(str(self.path), self.size)

    @asynccontextmanager
    async def read(self, begin: int, mark: str | None) -> AsyncIterator[LocalReading]:
        handle = await asyncio.to_thread(_open, self.path)
        try:
            facts = os.fstat(handle)
            now = f"{facts.st_ino}-{facts.st_mtime_ns}-{facts.st_size}"
            if mark is not None and mark != now:
                raise Unfit("changed", "The file was changed meanwhile.", temporary=True)
            yield LocalReading(self.path, handle, begin, facts.st_size, now)
        finally:
            await asyncio.shield(asyncio.to_thread(os.close, handle))


def read_local_header(path: Path) -> Header:
    """Raises TransferFailed. Blocking."""
    handle = _open(path)
    try:
        return _header(handle)
    except GgufError as error:
        raise TransferFailed("not_gguf", f"This is not a model that the engine reads: {error}.") from error
    except OSError as error:
        raise unreadable(path, error) from error
    finally:
        os.close(handle)


def _header(handle: int) -> Header:
    wanted = FIRST_READ
    while True:
        data = os.pread(handle, wanted, 0)
        try:
            return read_header(data)
        except Truncated as error:
            if len(data) < wanted:
                raise
            wanted = max(error.needed, wanted * GROWTH)


def _open(path: Path) -> int:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise TransferFailed("not_found", f"{path} cannot be taken. It is not a regular file.")
    return handle


def unreadable(path: Path, error: OSError) -> TransferFailed:
    return TransferFailed("not_found", f"{path} cannot be taken. {in_words(error)}")
