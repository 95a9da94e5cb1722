"""SQLite with one writer thread: every access is a function that runs there, so nothing waits on a lock."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from appliance.storage.errors import StorageFailed

T = TypeVar("T")

MIGRATIONS = (
    """
    CREATE TABLE sessions (
        token_hash BLOB PRIMARY KEY,
        made_at REAL NOT NULL,
        used_at REAL NOT NULL,
        address TEXT NOT NULL,
        password_mark TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
)

_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM})


class Database:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    async def open(self) -> None:
        await self._run(self._open)

    def _open(self) -> None:
        try:
            self._connection = _connect(self._path)
        except sqlite3.DatabaseError:
            # Logins and history are not worth a box that does not start: the damaged file is kept aside.
            if self._path.exists():
                self._path.replace(self._path.with_name(self._path.name + ".broken"))
            self._connection = _connect(self._path)

    async def close(self) -> None:
        await self._run(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._run(lambda: work(self._opened()))

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in a transaction; raises StorageFailed, with nothing changed, when it cannot be stored."""
        return await self._run(lambda: self._write(work))

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._opened()
        try:
            with connection:
                return work(connection)
        except sqlite3.OperationalError as error:
            code = "disk_full" if error.sqlite_errorcode in _FULL else "not_writable"
            raise StorageFailed(code, f"{self._path} could not be written: {error}") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageFailed("not_writable", f"{self._path} is not open")
        return self._connection

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _migrate(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
