"""Carries a plan out: every file is brought, checked and kept aside; when all are there they take their places."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

from appliance.jobs.plan import Plan, PlannedFile
from appliance.jobs.planner import Planner
from appliance.jobs.progress import Progress
from appliance.jobs.shelf import ManagedFile, Shelf
from appliance.models.disk import FreeBytes, check_room, free_bytes
from appliance.models.failed import TransferFailed
from appliance.models.local_source import LocalSource
from appliance.models.part_file import PartFile
from appliance.models.requests import make_session
from appliance.models.sources import Finder, in_order, nobody
from appliance.models.transfer import Transfer, Watcher, disk_failed
from appliance.models.web_source import WebSource

PARTS = ".downloads"  # hidden: not looked at by the library


class Fetcher:
    def __init__(
        self,
        models_folder: Path,
        planner: Planner,
        transfer: Transfer,
        shelf: Shelf,
        free: FreeBytes = free_bytes,
        others: Finder = nobody,
    ) -> None:
        self._models = models_folder
        self.parts_folder = models_folder / PARTS
        self._planner = planner
        self._transfer = transfer
        self._shelf = shelf
        self._free = free
        self._others = others
        self._progress: dict[int, Progress] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def carry_out(self, plan: Plan, progress: Progress, changed: Callable[[], None]) -> None:
        """Raises ModelProblem; what came is kept for the next try."""
        missing = [file for file in plan.files if not await self._is_there(file)]
        progress.sizes = {file.key: file.size for file in missing}
        progress.received = {file.key: await asyncio.to_thread(self.part(file).present) for file in missing}
        self._progress[id(progress)] = progress
        try:
            await self._check_room()
            hashes: dict[str, str | None] = {}
            for file in missing:
                async with self._locks[file.key]:  # two plans may share a file
                    hashes[file.key] = await self._bring(file, progress, changed)
            await self._put_in_place(plan, missing, hashes)
        finally:
            del self._progress[id(progress)]

    def part(self, file: PlannedFile) -> PartFile:
        return PartFile(self.parts_folder, file.key)

    async def discard(self, plan: Plan, still_wanted: AbstractSet[str]) -> None:
        """Removes what came of a plan that is not wanted any more, but for files of these keys. Raises OSError."""
        for file in plan.files:
            if file.key not in still_wanted:
                await asyncio.to_thread(self.part(file).discard)

    async def _is_there(self, file: PlannedFile) -> bool:
        """Whether it was fetched before, and is the same. Raises TransferFailed when something else has its place."""
        known = self._shelf.managed(file.target)
        size = await asyncio.to_thread(_size, self._models / file.target)
        if size is None:
            return False
        if known is None:
            raise TransferFailed(
                "file_exists",
                f"{file.target} is in the models folder already and was not fetched by Meshbox, so it is not replaced. "
                "Move it away, then try again.",
            )
        return file.sha256 is not None and known.sha256 == file.sha256 and size == known.size

    async def _check_room(self) -> None:
        """For this plan and for what the others still have to write."""
        needed = sum(progress.outstanding for progress in self._progress.values())
        try:
            await asyncio.to_thread(self.parts_folder.mkdir, parents=True, exist_ok=True)
            await asyncio.to_thread(check_room, self._models, needed, self._free)
        except OSError as error:
            raise disk_failed(error) from error

    async def _bring(self, file: PlannedFile, progress: Progress, changed: Callable[[], None]) -> str | None:
        part = self.part(file)
        if await asyncio.to_thread(part.whole.exists):
            return file.sha256

        def received(count: int) -> None:
            progress.file(file.key, count, time.monotonic())
            changed()

        def total(count: int) -> None:
            progress.sizes[file.key] = count

        def waiting(why: str, seconds: float) -> None:
            progress.waits(why, seconds)
            changed()

        watcher = Watcher(received, total, waiting)
        if file.local is not None:
            return await self._transfer.fetch([LocalSource(file.local, file.size)], part, watcher)
        remote = await self._planner.remote(file)
        async with make_session(guarded=remote.guarded) as session:
            origin = WebSource(session, remote)
            sources = in_order(origin, await self._others(origin.offer))
            return await self._transfer.fetch(sources, part, watcher)

    async def _put_in_place(self, plan: Plan, files: list[PlannedFile], hashes: dict[str, str | None]) -> None:
        """The first file of a model last: it is not seen before the others are there."""
        moves = [(self.part(file).whole, self._models / file.target) for file in reversed(files)]
        try:
            sizes = await asyncio.to_thread(_move_all, moves)
        except OSError as error:
            raise disk_failed(error) from error
        now, told = time.time(), " ".join(plan.told)
        await self._shelf.add(
            ManagedFile(file.target, size, hashes[file.key], plan.source, plan.revision, now, told)
            for file, size in zip(reversed(files), sizes, strict=True)
        )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_failed(error) from error


def _move_all(moves: list[tuple[Path, Path]]) -> list[int]:
    sizes = []
    for source, target in moves:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.replace(target)
        except FileNotFoundError:
            if not target.exists():  # another plan with the same file may have been quicker
                raise
        sizes.append(target.stat().st_size)
    return sizes
