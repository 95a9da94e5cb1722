"""The database: nothing it meets keeps the box from starting, and a failed write changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.storage.database import MIGRATIONS, Database
from appliance.storage.errors import StorageFailed

ROW = (b"hash", 1.0, 1.0, "address", "mark", "agent")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    one = Database(tmp_path / "state.db")
    await one.open()
    yield one
    await one.close()


def insert(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)", ROW)


def rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT * FROM sessions").fetchall()


async def test_what_is_written_is_there_after_a_restart(tmp_path: Path) -> None:
    """Written means stored."""
    first, second = Database(tmp_path / "state.db"), Database(tmp_path / "state.db")
    await first.open()
    await first.write(insert)
    await first.close()
    await second.open()
    assert await second.read(rows) == [ROW]
    await second.close()


async def test_the_schema_is_brought_up_to_date_once(database: Database, tmp_path: Path) -> None:
    """Opening twice runs no migration twice."""
    again = Database(tmp_path / "state.db")
    await again.open()
    version = await again.read(lambda c: c.execute("PRAGMA user_version").fetchone())
    await again.close()
    assert version == (len(MIGRATIONS),)


async def test_a_write_that_fails_half_way_changes_nothing(database: Database) -> None:
    """All of it or none."""

    def broken(connection: sqlite3.Connection) -> None:
        insert(connection)
        raise KeyError

    with pytest.raises(KeyError):
        await database.write(broken)
    assert await database.read(rows) == []


async def test_a_full_disk_is_called_so(database: Database) -> None:
    """The caller can tell the owner what to do."""
    await database.read(lambda c: c.execute("PRAGMA max_page_count = 1").fetchone())
    large = (b"hash", 1.0, 1.0, "x" * 100_000, "mark", "agent")
    with pytest.raises(StorageFailed) as caught:
        await database.write(lambda c: c.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)", large))
    assert caught.value.code == "disk_full"
    assert await database.read(rows) == []


async def test_a_mistake_in_the_work_is_no_trouble_of_the_disk(database: Database) -> None:
    """The owner is not sent to free space that is there."""
    await database.write(insert)
    with pytest.raises(sqlite3.IntegrityError):
        await database.write(insert)


async def test_a_damaged_file_is_kept_aside(tmp_path: Path) -> None:
    """The box starts with an empty one; nothing of the damaged file gets into it."""
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database at all" * 100)
    (tmp_path / "state.db-wal").write_bytes(b"of another time")
    database = Database(path)
    await database.open()
    await database.write(insert)
    assert await database.read(rows) == [ROW]
    await database.close()
    assert (tmp_path / "state.db.broken").read_bytes().startswith(b"not a database")


async def test_a_file_that_cannot_be_opened_is_tried_again(tmp_path: Path) -> None:
    """The box starts without; once the cause is gone the database works, with nothing lost."""
    path = tmp_path / "state.db"
    path.mkdir()
    database = Database(path)
    await database.open()
    with pytest.raises(StorageFailed) as caught:
        await database.write(insert)
    assert caught.value.code == "not_writable"
    path.rmdir()
    await database.write(insert)
    assert await database.read(rows) == [ROW]
    await database.close()
