"""Downloads without pages: the real service, run loop, database and folders, and a hub on this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from blockbuster import blockbuster_ctx

from appliance.jobs.downloads import Downloads
from appliance.jobs.work import ModelWork, make_model_work
from appliance.models.disk import FreeBytes, free_bytes
from appliance.models.library import Scanner
from appliance.models.sources import Finder, nobody
from appliance.models.transfer import Patience
from appliance.models.types import Library
from appliance.node.events import Event, JobReported
from appliance.node.jobs import Job, JobState
from appliance.node.snapshot import Snapshot
from appliance.run_loop import RunLoop
from appliance.settings.schema import ModelsSettings
from appliance.storage.database import Database
from appliance.tasks import TaskGroup
from tests.builders import make_snapshot
from tests.fakes.hub import FakeHub

IMPATIENT = Patience(tries=4, first_s=0.01, longest_s=0.05)


class Loop(RunLoop):
    """Remembers what it was told of jobs."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot, lambda _: None, time.time)
        self.reports: list[JobReported] = []

    def post(self, event: Event) -> None:
        if isinstance(event, JobReported):
            self.reports.append(event)
        super().post(event)


@dataclass
class Bench:
    folder: Path
    work: ModelWork
    loop: Loop

    @property
    def reports(self) -> list[JobReported]:
        return self.loop.reports

    @property
    def downloads(self) -> Downloads:
        return self.work.downloads

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def parts(self) -> list[Path]:
        """What is not whole yet."""
        return sorted((self.models / ".downloads").glob("*"))

    def files(self) -> dict[str, bytes]:
        """What lies in the models folder for all to see."""
        found = (p for p in self.models.rglob("*") if p.is_file() and ".downloads" not in p.parts)
        return {str(p.relative_to(self.models)): p.read_bytes() for p in found}

    async def library(self) -> Library:
        scanner = Scanner(self.models, self.folder / "none", self.work.shelf.told_of)
        return await asyncio.to_thread(scanner.scan)

    async def ended(self, job: Job, seconds: float = 20) -> Job:
        return await self.until(job, lambda j: j.ended, seconds)

    async def until(self, job: Job, condition: Callable[[Job], bool], seconds: float = 20) -> Job:
        """The job as the run loop knows it, once the condition holds."""
        async with asyncio.timeout(seconds):
            async for outlook in self.loop.watch():
                seen = outlook.snapshot.jobs.get(job.id)
                if seen is not None and condition(seen):
                    return seen
        raise AssertionError

    async def has_grown_to(self, size: int, seconds: float = 20) -> None:
        """Waits until so much of a file is on the disk."""
        async with asyncio.timeout(seconds):
            while max((part.stat().st_size for part in self.parts), default=0) < size:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def fetch(self, ref: str) -> Job:
        """Starts a download and waits for its end."""
        return await self.ended(await self.downloads.start(ref))


@asynccontextmanager
async def bench(
    folder: Path,
    hub: FakeHub | str,
    *,
    free: FreeBytes = free_bytes,
    patience: Patience = IMPATIENT,
    others: Finder = nobody,
    **settings: int,
) -> AsyncIterator[Bench]:
    """A box as far as downloads go; opened on the same folder again it is the same box after a restart."""
    (folder / "secrets").mkdir(exist_ok=True)
    (folder / "models").mkdir(exist_ok=True)
    database, tasks = Database(folder / "state.db"), TaskGroup()
    await database.open()
    loop = Loop(make_snapshot())
    chosen = ModelsSettings.model_validate(settings)
    work = make_model_work(
        models_folder=folder / "models",
        secrets=folder / "secrets",
        endpoint=hub if isinstance(hub, str) else hub.url,
        database=database,
        loop=loop,
        settings=lambda: chosen,
        patience=patience,
        planning=patience,
        free=free,
        others=others,
    )
    tasks.start("run loop", loop.run())
    await work.open(loop)
    try:
        with blockbuster_ctx(["appliance"]):  # what blocks the loop fails its test
            yield Bench(folder, work, loop)
    finally:
        await work.close()
        await tasks.close()
        await database.close()


def failure_code(job: Job) -> str | None:
    assert job.state is JobState.FAILED, job
    return job.error.code if job.error else None
