"""SQLite with one writer thread: every access is a function that runs there, so nothing waits on a lock.

A file that cannot be opened (a full disk, a folder without permission) is tried again at each use: logins and history
are not worth a box that does not start. A damaged one is kept aside.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from appliance.storage.errors import StorageFailed, storage_failed

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
    """
    CREATE TABLE downloads (
        id TEXT PRIMARY KEY,
        made_at REAL NOT NULL,
        document TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE managed_files (
        path TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        sha256 TEXT,
        source TEXT NOT NULL,
        revision TEXT,
        fetched_at REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE model_use (
        model TEXT PRIMARY KEY,
        used_at REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE dismissals (
        issue_id TEXT PRIMARY KEY,
        grave INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE activity (
        span INTEGER NOT NULL,
        number INTEGER NOT NULL,
        bin TEXT NOT NULL,
        PRIMARY KEY (span, number)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
    """,
    """
    CREATE TABLE device_trials (
        device TEXT PRIMARY KEY,
        document TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE api_keys (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        made_at REAL NOT NULL,
        document TEXT NOT NULL,
        used_at REAL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE api_key_days (
        key_id TEXT NOT NULL,
        day INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        tokens_in INTEGER NOT NULL,
        tokens_out INTEGER NOT NULL,
        PRIMARY KEY (key_id, day)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE draft_trials (
        model TEXT PRIMARY KEY,
        document TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE managed_files ADD COLUMN told TEXT NOT NULL DEFAULT '';
    """,
)

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF  # the low byte of a result code says what kind of error it is


class Database:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    async def open(self) -> None:
        with contextlib.suppress(StorageFailed):
            await self._run(self._opened)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(self._path)
        except sqlite3.Error as error:
            if _kind(error) not in _DAMAGED:
                raise self._failed(error) from error
        try:
            _put_aside(self._path)
            return _connect(self._path)
        except OSError as error:
            raise storage_failed(error, self._path) from error
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: sqlite3.Error) -> StorageFailed:
        code = "disk_full" if _kind(error) == sqlite3.SQLITE_FULL else "not_writable"
        return StorageFailed(code, f"{self._path} could not be written: {error}")

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
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise  # the work is wrong, not the disk
            raise self._failed(error) from error

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


def _kind(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY


def _put_aside(path: Path) -> None:
    path.replace(path.with_name(path.name + ".broken"))
    for companion in ("-wal", "-shm"):  # they belong to the damaged file and would spoil a new one
        path.with_name(path.name + companion).unlink(missing_ok=True)


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
