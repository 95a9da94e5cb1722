"""The downloads that were asked for, kept over a restart of the box."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass

import msgspec

from appliance.jobs.plan import Plan
from appliance.node.jobs import ENDED, JobState
from appliance.storage.database import Database

log = logging.getLogger("meshbox.downloads")


@dataclass(frozen=True, slots=True)
class Record:
    id: str
    ref: str  # what the person wrote
    subject: str  # the same, fit to be shown
    made_at: float
    state: JobState = JobState.QUEUED
    plan: Plan | None = None  # once it is known what to fetch
    error_code: str | None = None
    error_detail: str | None = None
    ended_at: float | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class Records:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> list[Record]:
        """The oldest first; what cannot be read any more is left out. Raises StorageFailed."""
        rows: list[tuple[str]] = await self._database.read(
            lambda c: c.execute("SELECT document FROM downloads ORDER BY made_at, id").fetchall()
        )
        return [record for (document,) in rows if (record := _decoded(document)) is not None]

    async def save(self, record: Record) -> None:
        """Raises StorageFailed."""
        row = (record.id, record.made_at, msgspec.json.encode(record).decode())

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO downloads (id, made_at, document) VALUES (?, ?, ?)", row)

        await self._database.write(write)

    async def forget(self, record_id: str) -> None:
        """Raises StorageFailed."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM downloads WHERE id = ?", (record_id,))

        await self._database.write(write)


def _decoded(document: str) -> Record | None:
    try:
        return msgspec.json.decode(document, type=Record)
    except msgspec.DecodeError as error:
        log.warning("a download of an earlier version is forgotten: %s", error)
        return None
