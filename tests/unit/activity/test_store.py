"""The history in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.activity.series import RANGES, History
from appliance.activity.store import ActivityStore
from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed
from tests.unit.activity.builders import NOON, ended, gpu, reading


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    one = Database(tmp_path / "state.db")
    await one.open()
    yield one
    await one.close()


def rows(database: Database) -> int:
    with sqlite3.connect(database._path) as connection:
        count: int = connection.execute("SELECT count(*) FROM activity").fetchone()[0]
    return count


async def restarted(database: Database, now: float = NOON) -> History:
    history = History()
    await ActivityStore(database).load(history, now)
    return history


async def test_a_restart_keeps_the_history(database: Database) -> None:
    """Minutes and quarter hours with all that is in them; a minute that goes on is gone on with."""
    history, store = History(), ActivityStore(database)
    history.add_request(ended(NOON - 60, tokens_in=5, tokens_out=7, first_token=0.2))
    history.add_reading(NOON - 60, reading(memory=3.0, gpus=(gpu(),)))
    await store.save(history)
    again = await restarted(database)
    for wanted in RANGES[1:]:
        assert again.window(wanted, NOON) == history.window(wanted, NOON)
    again.add_request(ended(NOON - 60, tokens_in=1))
    await ActivityStore(database).save(again)
    assert (await restarted(database)).since(0, NOON).tokens_in == 6


async def test_only_what_changed_is_written_and_what_was_dropped_is_deleted(database: Database) -> None:
    """So the file does not grow for ever."""
    history, store = History(1), ActivityStore(database)
    for hour in range(40):
        history.add_reading(NOON + hour * 3600, reading())
        await store.save(history)
    history.keep_days(1, NOON + 40 * 3600)
    assert rows(database) == len(history.minutes) + len(history.quarters)
    await store.save(history)
    assert rows(database) == len(history.minutes) + len(history.quarters)


async def test_a_row_that_makes_no_sense_is_left_out(database: Database) -> None:
    """The rest is read."""
    history, store = History(), ActivityStore(database)
    history.add_request(ended(NOON))
    await store.save(history)
    await database.write(lambda c: c.execute("INSERT INTO activity VALUES (60, 1, ?), (60, 2, '[]')", ("{" * 5000,)))
    assert (await restarted(database)).since(0, NOON).answered == 1


async def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    """The page says why; nothing is lost meanwhile."""
    folder, told = tmp_path / "data", list[StorageFailed | None]()
    database = Database(folder / "state.db")
    await database.open()
    history, store = History(), ActivityStore(database, told.append)
    await store.load(history, NOON)
    history.add_request(ended(NOON))
    await store.save(history)
    folder.mkdir()
    await store.save(history)
    codes = [failure.code if failure else None for failure in told]
    assert (codes, (await restarted(database)).since(0, NOON).answered) == (["not_writable"] * 2 + [None], 1)
    await database.close()
