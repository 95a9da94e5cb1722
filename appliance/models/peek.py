"""Reads the header of a file that is not here: a little of its beginning tells what it is and what it needs."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import aiohttp

from appliance.models.failed import TransferFailed
from appliance.models.gguf_header import GgufError, Header, Truncated, read_header
from appliance.models.requests import Remote, opened, unreachable

FIRST_READ = 256 << 10
GROWTH = 4
MOST = 64 << 20
DEADLINE_SECONDS = 40.0
_TOTAL = re.compile(r"bytes \d+-\d+/(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Peeked:
    header: Header
    size: int | None  # of the whole file, as the server says


async def read_remote_header(session: aiohttp.ClientSession, remote: Remote) -> Peeked:
    """Raises TransferFailed."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await _read(session, remote)
    except TimeoutError as error:
        raise unreachable(remote, error) from error
    except GgufError as error:
        raise TransferFailed("not_gguf", f"This is not a model that the engine reads: {error}.") from error


async def _read(session: aiohttp.ClientSession, remote: Remote) -> Peeked:
    data, wanted = bytearray(), FIRST_READ
    while True:
        size = await _grow(session, remote, data, wanted)
        try:
            return Peeked(await asyncio.to_thread(read_header, bytes(data)), size)
        except Truncated as error:
            wanted = min(max(error.needed, wanted * GROWTH), MOST)
            if len(data) >= wanted or len(data) == size:
                raise


async def _grow(session: aiohttp.ClientSession, remote: Remote, data: bytearray, wanted: int) -> int | None:
    """Reads on until `wanted` bytes are there; returns how long the file is."""
    headers = {"Range": f"bytes={len(data)}-{wanted - 1}"}
    async with opened(session, remote, headers) as response:
        if response.status == 416:
            raise TransferFailed("not_gguf", "This is not a model: the file is empty or cut short.")
        if response.status == 200:  # a server that gives all or nothing
            data.clear()
        try:
            while len(data) < wanted and (piece := await response.content.read(wanted - len(data))):
                data += piece
        except (aiohttp.ClientError, OSError) as error:
            raise unreachable(remote, error) from error
        total = _TOTAL.match(response.headers.get("Content-Range", ""))
        return int(total[1]) if total else response.content_length if response.status == 200 else None
