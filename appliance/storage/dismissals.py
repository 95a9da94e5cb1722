"""Which issues a person has put out of sight, kept over a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed

MOST = 500


class Dismissals:
    def __init__(self, database: Database, wrote: Callable[[StorageFailed | None], None] = lambda _: None) -> None:
        self._database = database
        self._wrote = wrote
        self._stored: dict[str, bool] | None = None

    async def read(self) -> Mapping[str, bool]:
        """Ids of issues, and whether each was grave when it was dismissed."""
        try:
            self._stored = await self._database.read(_read_all)
        except StorageFailed as failure:
            self._wrote(failure)
        return self._stored or {}

    async def keep(self, hidden: Mapping[str, bool]) -> None:
        """Stores what differs from what is stored; tried again at the next call when it cannot be."""
        wanted = dict(list(hidden.items())[-MOST:])
        if wanted == (self._stored or {}):
            return
        try:
            await self._database.write(lambda connection: _replace_all(connection, wanted))
        except StorageFailed as failure:
            self._wrote(failure)
        else:
            self._stored = wanted
            self._wrote(None)


def _read_all(connection: sqlite3.Connection) -> dict[str, bool]:
    return {row[0]: bool(row[1]) for row in connection.execute("SELECT issue_id, grave FROM dismissals")}


def _replace_all(connection: sqlite3.Connection, wanted: Mapping[str, bool]) -> None:
    connection.execute("DELETE FROM dismissals")
    connection.executemany("INSERT INTO dismissals VALUES (?, ?)", wanted.items())
