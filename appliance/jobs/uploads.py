"""Files that somebody sends: written as they come, gone on with later, looked at before they are taken in."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.jobs.fetch import PARTS
from appliance.jobs.plan import key_of, model_id
from appliance.jobs.shelf import UPLOADED, ManagedFile, Shelf
from appliance.jobs.tidy import UPLOAD
from appliance.models.disk import FreeBytes, check_room, free_bytes
from appliance.models.failed import ModelProblem
from appliance.models.gguf_header import GgufError, Truncated, read_header
from appliance.models.library import examine
from appliance.models.pace import TooSlow, at_a_pace
from appliance.models.part_file import PartFile
from appliance.models.places import BadName, safe_name
from appliance.models.refs import ENDING
from appliance.models.transfer import disk_failed

log = logging.getLogger("meshbox.models")

CHUNK = 1 << 20
SILENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Received:
    """How far an upload is; `model` once it was taken in."""

    name: str
    size: int
    total: int | None = None
    model: str | None = None


class Uploads:
    def __init__(
        self,
        models_folder: Path,
        shelf: Shelf,
        free: FreeBytes = free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = models_folder
        self._shelf = shelf
        self._free = free
        self._clock = clock
        self._busy: set[str] = set()

    async def received(self, name: str, mark: str | None = None) -> Received:
        """How much of a file is here already; nothing when a file with another `mark` was begun. Raises BadName."""
        name = _checked(name)
        part = self._part(name)
        begun = await asyncio.to_thread(part.known_mark)
        same = None in (mark, begun) or mark == begun
        return Received(name, await asyncio.to_thread(part.present) if same else 0)

    async def receive(
        self, name: str, offset: int, total: int | None, body: AsyncIterator[bytes], mark: str | None = None
    ) -> Received:
        """Takes bytes from `offset` on; with the last of them the file is taken in. Raises ModelProblem.

        Without a `total` the file ends where the body does. By the `mark` its sender tells it from another file of
        the same name: the beginning of the one and the rest of the other would be neither.
        """
        name = _checked(name)
        if name in self._busy:
            raise ModelProblem("upload_running", f"{name} is being sent already.")
        self._busy.add(name)
        part = self._part(name)
        try:
            await self._prepare(name, part, offset, total, mark)
            await _store(part, total, at_a_pace(_unless_silent(body), self._clock))
            if total is not None and part.size < total:
                return Received(name, part.size, total)
            return await self._take_in(name, part)
        except OSError as error:
            raise disk_failed(error) from error
        finally:
            self._busy.discard(name)
            await asyncio.shield(asyncio.to_thread(part.close))

    def _part(self, name: str) -> PartFile:
        return PartFile(self._models / PARTS, UPLOAD + key_of(name), hashed=False)

    async def _prepare(self, name: str, part: PartFile, offset: int, total: int | None, mark: str | None) -> None:
        if await asyncio.to_thread((self._models / name).exists):
            raise ModelProblem("file_exists", f"{name} is in the models folder already. Give the new one another name.")
        await asyncio.to_thread(part.open)
        if offset == 0:
            await asyncio.to_thread(part.restart, mark)
        if None not in (mark, part.mark) and mark != part.mark:
            raise ModelProblem("wrong_offset", f"Another file called {name} was begun; begin this one anew.", offset=0)
        if offset != part.size:
            raise ModelProblem(
                "wrong_offset", f"{part.size} bytes of this file are here; go on from there.", offset=part.size
            )
        if total is not None and total < offset:
            raise ModelProblem("bad_range", "The whole file cannot be shorter than what comes before this part.")
        await asyncio.to_thread(check_room, self._models, (total or offset) - offset, self._free)

    async def _take_in(self, name: str, part: PartFile) -> Received:
        contents = await asyncio.to_thread(examine, part.path)
        if isinstance(contents, str):
            await asyncio.to_thread(part.discard)
            raise _no_model(name, contents)
        await asyncio.to_thread(part.seal)
        target = self._models / name
        await asyncio.to_thread(part.whole.replace, target)
        await self._shelf.add([ManagedFile(name, part.size, None, UPLOADED, None, time.time())])
        log.info("took in %s: %d bytes", name, part.size)
        return Received(name, part.size, part.size, model_id(name))


async def _store(part: PartFile, total: int | None, body: AsyncIterator[bytes]) -> None:
    """What came is kept, however it ends."""
    pending = bytearray()
    try:
        async for piece in body:
            pending += piece
            if total is not None and part.size + len(pending) > total:
                raise ModelProblem("bad_range", "More was sent than the file was said to have.")
            if len(pending) >= CHUNK:
                await _append(part, pending)
    except TooSlow:
        raise ModelProblem("too_slow", "Next to nothing came for minutes. Go on from where it stopped.") from None
    finally:
        await asyncio.shield(_append(part, pending))


async def _append(part: PartFile, pending: bytearray) -> None:
    data, first = bytes(pending), part.size == 0
    pending.clear()
    if first and data:
        _check_beginning(data)
    await asyncio.to_thread(part.append, data)


def _check_beginning(data: bytes) -> None:
    """What is no model at all is refused before gigabytes of it came."""
    try:
        read_header(data)
    except Truncated:
        return
    except GgufError as error:
        raise ModelProblem("not_gguf", f"This is not a model that the engine reads: {error}.") from error


async def _unless_silent(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                piece = await anext(body, None)
        except TimeoutError:
            raise ModelProblem("too_slow", "Nothing more came for a minute. Go on from where it stopped.") from None
        if piece is None:
            return
        yield piece


def _checked(name: str) -> str:
    safe = safe_name(name)
    if not safe.casefold().endswith(ENDING) or len(safe) == len(ENDING):
        raise BadName("Only .gguf files can be taken in; the engine reads no others.")
    return safe


def _no_model(name: str, why: str) -> ModelProblem:
    return ModelProblem("not_gguf", f"{name} was not taken in. {why}")
