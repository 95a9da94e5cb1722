"""Makes everything that has to do with models coming and going, and wires it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.jobs.downloads import PLANNING, Downloads, Tools
from appliance.jobs.fetch import Fetcher
from appliance.jobs.planner import Planner
from appliance.jobs.records import Records
from appliance.jobs.shelf import Shelf
from appliance.jobs.uploads import Uploads
from appliance.jobs.usage import Usage
from appliance.models.disk import FreeBytes, free_bytes
from appliance.models.hub import Hub
from appliance.models.hub_token import HubToken
from appliance.models.sources import Finder, nobody
from appliance.models.throttle import Throttle
from appliance.models.transfer import PATIENCE, Patience, Transfer
from appliance.node.fitting import resources_to_choose_for
from appliance.placement.advice import suits
from appliance.run_loop import RunLoop
from appliance.settings.schema import ModelsSettings
from appliance.storage.database import Database
from appliance.tasks import TaskGroup

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelWork:
    """`open` after the run loop runs; `close` before the database does."""

    models_folder: Path
    hub: Hub
    planner: Planner
    downloads: Downloads
    uploads: Uploads
    shelf: Shelf
    usage: Usage
    free: FreeBytes
    tasks: TaskGroup

    async def open(self, loop: RunLoop) -> None:
        await self.shelf.open()
        await self.usage.open()
        await self.downloads.open()
        self.tasks.start("note which models are used", self.usage.follow(loop))

    async def close(self) -> None:
        await self.downloads.close()
        await self.tasks.close()
        await self.usage.close()


def make_model_work(  # noqa: PLR0913 - what it takes from the box, then what tests take the place of
    *,
    models_folder: Path,
    secrets: Path,
    endpoint: str | None,
    database: Database,
    loop: RunLoop,
    settings: Callable[[], ModelsSettings],
    patience: Patience = PATIENCE,
    planning: Patience = PLANNING,
    free: FreeBytes = free_bytes,
    others: Finder = nobody,
) -> ModelWork:
    hub = Hub(endpoint, HubToken(secrets))
    planner = Planner(hub, settings, lambda: suits(resources_to_choose_for(loop.outlook.snapshot)), models_folder)
    shelf = Shelf(database, models_folder)
    transfer = Transfer(Throttle(lambda: settings().download_mib_s * MIB), patience)
    fetcher = Fetcher(models_folder, planner, transfer, shelf, free, others)
    tools = Tools(Records(database), planner, fetcher, loop.post, lambda: settings().downloads_at_once, planning)
    return ModelWork(
        models_folder=models_folder,
        hub=hub,
        planner=planner,
        downloads=Downloads(tools),
        uploads=Uploads(models_folder, shelf, free),
        shelf=shelf,
        usage=Usage(database, time.time),
        free=free,
        tasks=TaskGroup(),
    )
