"""What was tried on the devices of this box, kept over a restart."""

from __future__ import annotations

import logging
import sqlite3

import msgspec

from appliance.hardware.trials import Trial
from appliance.storage.database import Database

log = logging.getLogger("meshbox.trials")


class TrialRecords:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> dict[str, Trial]:
        """What cannot be read any more is left out. Raises StorageFailed."""
        rows: list[tuple[str, str]] = await self._database.read(
            lambda c: c.execute("SELECT device, document FROM device_trials").fetchall()
        )
        return {device: trial for device, document in rows if (trial := _decoded(document)) is not None}

    async def save(self, device: str, trial: Trial) -> None:
        """Raises StorageFailed."""
        row = (device, msgspec.json.encode(trial).decode())

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO device_trials (device, document) VALUES (?, ?)", row)

        await self._database.write(write)


def _decoded(document: str) -> Trial | None:
    try:
        return msgspec.json.decode(document, type=Trial)
    except msgspec.DecodeError as error:
        log.warning("a result of an earlier version is forgotten: %s", error)
        return None
