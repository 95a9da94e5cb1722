"""Brings one remote file here: goes on where it stopped, tries again, and believes only a right hash."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from appliance.models.part_file import PartFile
from appliance.models.requests import Remote, TransferFailed, opened, unreachable
from appliance.models.throttle import Throttle
from appliance.storage.errors import FULL

T = TypeVar("T")

CHUNK = 1 << 20
LONGEST_PAUSE_ASKED = 3600
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a transfer goes on trying: pauses grow to the longest; what brought bytes counts as no failure."""

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
    ) -> None:
        self._throttle = throttle
        self._patience = patience
        self._sleep = sleep

    async def fetch(self, session: aiohttp.ClientSession, remote: Remote, part: PartFile, watcher: Watcher) -> str:
        """Fetches the file and seals it; returns its hash. Raises TransferFailed; what came is kept."""
        await _disk(part.open)
        try:
            resumed = part.size > 0
            await self._receive_all(session, remote, part, watcher)
            if resumed and _wrong(remote, part):  # what was kept from before may be what is wrong
                await _disk(part.restart)
                await self._receive_all(session, remote, part, watcher)
            if _wrong(remote, part):
                await _disk(part.restart)
                raise _mismatch(remote)
            await _disk(part.seal)
            return part.sha256
        finally:
            await asyncio.shield(asyncio.to_thread(part.close))

    async def _receive_all(
        self, session: aiohttp.ClientSession, remote: Remote, part: PartFile, watcher: Watcher
    ) -> None:
        failures = 0
        while True:
            before = part.size
            try:
                await self._receive(session, remote, part, watcher)
            except TransferFailed as failure:
                failures = 1 if part.size > before else failures + 1
                if not failure.temporary or failures >= self._patience.tries:
                    raise
                pause = self._pause(failure, failures)
                watcher.waiting(failure.detail, pause)
                await self._sleep(pause)
            else:
                return

    def _pause(self, failure: TransferFailed, failures: int) -> float:
        asked = min(failure.retry_after or 0, LONGEST_PAUSE_ASKED)
        return max(float(asked), self._patience.pause(failures))

    async def _receive(self, session: aiohttp.ClientSession, remote: Remote, part: PartFile, watcher: Watcher) -> None:
        """One try."""
        if remote.sha256 is not None and part.size == remote.size:
            return
        headers = await _resume_headers(remote, part)
        async with opened(session, remote, headers) as response:
            if response.status == 416:
                await _disk(part.restart)
                raise TransferFailed("changed", "The file is not as long as it was.", temporary=True)
            total = await _line_up(response, remote, part)
            if total is not None:
                watcher.total(total)
            watcher.received(part.size)
            await self._store(response, remote, part, total, watcher)

    async def _store(
        self, response: aiohttp.ClientResponse, remote: Remote, part: PartFile, total: int | None, watcher: Watcher
    ) -> None:
        pending, broken = bytearray(), None
        try:
            async for piece in response.content.iter_any():
                await self._throttle.take(len(piece))
                pending += piece
                if total is not None and part.size + len(pending) > total:
                    raise TransferFailed("bad_answer", f"{remote.host} sends more than the file has.")
                watcher.received(part.size + len(pending))
                if len(pending) >= CHUNK:
                    await _append(part, pending)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            broken = error
        finally:  # what came is kept, also when nobody wants the rest now
            await asyncio.shield(_append(part, pending))
        if broken is not None:
            raise unreachable(remote, broken) from broken
        if total is not None and part.size < total:
            raise TransferFailed("interrupted", f"{remote.host} broke off in the middle of the file.", temporary=True)


async def _resume_headers(remote: Remote, part: PartFile) -> dict[str, str]:
    """Asks for what is missing; a file without a hash only when the server can tell that it is still the same."""
    if part.size == 0:
        return {}
    if remote.sha256 is not None:
        if remote.size is None or part.size < remote.size:
            return {"Range": f"bytes={part.size}-"}
    elif part.mark is not None:
        return {"Range": f"bytes={part.size}-", "If-Range": part.mark}
    await _disk(part.restart)
    return {}


async def _line_up(response: aiohttp.ClientResponse, remote: Remote, part: PartFile) -> int | None:
    """Makes the part end where the answer begins; returns how long the whole file is."""
    if response.status == 206:
        match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != part.size or _changed(response, remote, part):
            await _disk(part.restart)
            raise TransferFailed("bad_answer", f"{remote.host} sent another part than was asked for.", temporary=True)
        total = None if match[2] == "*" else int(match[2])
    else:
        await _disk(part.restart, _mark(response))
        total = response.content_length
    if remote.sha256 is not None and None not in (remote.size, total) and total != remote.size:
        raise TransferFailed("changed", "The file is not the one that was chosen: it has another length. Start again.")
    return total if total is not None else remote.size if remote.sha256 is not None else None


def _changed(response: aiohttp.ClientResponse, remote: Remote, part: PartFile) -> bool:
    """Some servers send a part of the new file although only the old one was asked for."""
    mark = _mark(response)
    return remote.sha256 is None and None not in (mark, part.mark) and mark != part.mark


def _mark(response: aiohttp.ClientResponse) -> str | None:
    """By what the server can tell that a file is still the same; weak marks do not count."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _wrong(remote: Remote, part: PartFile) -> bool:
    return remote.sha256 is not None and part.sha256 != remote.sha256


def _mismatch(remote: Remote) -> TransferFailed:
    return TransferFailed(
        "hash_mismatch",
        f"What {remote.host} sent is not the file that was asked for: its checksum differs. Nothing of it was kept.",
    )


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
