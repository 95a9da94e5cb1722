"""Minutes and quarter hours in the database, so that a restart keeps them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

import msgspec

from appliance.activity.bins import Bin
from appliance.activity.series import History, Slot
from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed

_BIN = msgspec.json.Decoder(Bin)


class ActivityStore:
    def __init__(self, database: Database, wrote: Callable[[StorageFailed | None], None] = lambda _: None) -> None:
        self._database = database
        self._wrote = wrote

    async def load(self, history: History, now: float) -> None:
        """Takes over what an earlier run has recorded."""
        try:
            stored = await self._database.read(_read_all)
        except StorageFailed as failure:
            self._wrote(failure)
            return
        for series in history.stored:
            series.load({number: one for (span, number), one in stored.items() if span == series.span}, now)

    async def save(self, history: History) -> None:
        """Writes what has changed in one transaction; what cannot be written now is written later."""
        taken = [(series, *series.take_changes()) for series in history.stored]
        rows = [
            (series.span, number, msgspec.json.encode(one).decode())
            for series, changed, _ in taken
            for number, one in changed.items()
        ]
        gone = [(series.span, number) for series, _, dropped in taken for number in dropped]
        try:
            await self._database.write(lambda connection: _write(connection, rows, gone))
        except StorageFailed as failure:
            for series, changed, dropped in taken:
                series.give_back(changed, dropped)
            self._wrote(failure)
        else:
            self._wrote(None)


def _read_all(connection: sqlite3.Connection) -> dict[Slot, Bin]:
    """A row that makes no sense is left out."""
    found: dict[Slot, Bin] = {}
    for span, number, content in connection.execute("SELECT span, number, bin FROM activity"):
        try:
            found[span, number] = _BIN.decode(content)
        except (msgspec.DecodeError, RecursionError):
            continue
    return found


def _write(connection: sqlite3.Connection, rows: Iterable[tuple[int, int, str]], gone: Iterable[Slot]) -> None:
    connection.executemany("DELETE FROM activity WHERE span = ? AND number = ?", gone)
    connection.executemany("INSERT OR REPLACE INTO activity VALUES (?, ?, ?)", rows)
