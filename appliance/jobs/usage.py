"""When each model was last in use: as long as it is to be served, now; else when that ended."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

from appliance.node.serving import ServingState
from appliance.run_loop import Outlook, RunLoop
from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed

log = logging.getLogger("meshbox.models")

IN_USE = frozenset({ServingState.LOADING, ServingState.PROBING, ServingState.READY, ServingState.RECOVERING})


class Usage:
    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._used_at: dict[str, float] = {}
        self._now: frozenset[str] = frozenset()

    async def open(self) -> None:
        try:
            rows = await self._database.read(lambda c: c.execute("SELECT model, used_at FROM model_use").fetchall())
        except StorageFailed as failure:
            log.error("when models were last used could not be read: %s", failure)
            return
        self._used_at = dict(rows)

    def last(self, model: str) -> float | None:
        return self._clock() if model in self._now else self._used_at.get(model)

    async def follow(self, loop: RunLoop) -> None:
        async for outlook in loop.watch():
            await self.see(outlook)

    async def see(self, outlook: Outlook) -> None:
        used = frozenset(entry.model for entry in outlook.decision.serving if entry.state in IN_USE)
        if used != self._now:
            touched, self._now = used | self._now, used
            await self._store(touched)

    async def close(self) -> None:
        await self._store(self._now)

    async def _store(self, models: frozenset[str]) -> None:
        now = self._clock()
        self._used_at |= dict.fromkeys(models, now)
        rows = [(model, now) for model in sorted(models)]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO model_use (model, used_at) VALUES (?, ?)", rows)

        try:
            await self._database.write(write)
        except StorageFailed as failure:
            log.warning("when models were last used could not be stored: %s", failure)


def wanted(outlook: Outlook) -> frozenset[str]:
    """Models that the box serves or shall serve, and those whose engine has not ended yet."""
    return frozenset(entry.model for entry in outlook.decision.serving) | outlook.snapshot.children.keys()
