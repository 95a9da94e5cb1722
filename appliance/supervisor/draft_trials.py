"""Measures models with and without what drafts for them, and keeps what was found over a restart."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

import aiohttp
import msgspec

from appliance.models.draft_trials import DraftTrial
from appliance.node.drafting import measured, to_measure
from appliance.node.events import DraftTried, Event
from appliance.node.snapshot import EngineSpec, Snapshot
from appliance.routing.table import Endpoint
from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed
from appliance.supervisor.sample import sample

log = logging.getLogger("meshbox.drafting")


class DraftMeter:
    def __init__(self, database: Database, snapshot: Callable[[], Snapshot], post: Callable[[Event], None]) -> None:
        self._database = database
        self._snapshot = snapshot
        self._post = post

    async def open(self) -> None:
        """Tells what earlier runs of the box found."""
        try:
            rows: list[tuple[str, str]] = await self._database.read(
                lambda c: c.execute("SELECT model, document FROM draft_trials").fetchall()
            )
        except (StorageFailed, sqlite3.Error) as failure:
            log.warning("earlier measures of drafting cannot be read: %s", failure)
            return
        for model, document in rows:
            if (trial := _decoded(document)) is not None:
                self._post(DraftTried(model, trial))

    async def measure(self, session: aiohttp.ClientSession, endpoint: Endpoint, spec: EngineSpec) -> None:
        """Of an engine that nobody asks yet; nothing when it is known already."""
        known = to_measure(spec, self._snapshot())
        if known is None:
            return
        speed = await sample(session, endpoint, spec)
        if speed is None:
            return
        found = measured(known, spec, speed)
        helper = spec.drafting or "nothing"
        log.info("%s writes %.1f tokens a second with %s drafting", spec.model, speed.rate, helper)
        self._post(DraftTried(spec.model, found))
        if speed.rate:  # else it is tried once more when the box starts the next time
            await self._keep(spec.model, found)

    async def _keep(self, model: str, trial: DraftTrial) -> None:
        row = (model, msgspec.json.encode(trial).decode())

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO draft_trials (model, document) VALUES (?, ?)", row)

        try:
            await self._database.write(write)
        except StorageFailed as failure:
            log.warning("a measure of drafting is not kept over a restart: %s", failure.detail)


def _decoded(document: str) -> DraftTrial | None:
    try:
        return msgspec.json.decode(document, type=DraftTrial)
    except msgspec.DecodeError as error:
        log.warning("a measure of an earlier version is forgotten: %s", error)
        return None
