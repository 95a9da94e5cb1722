"""Dismissals on disk."""

from __future__ import annotations

from pathlib import Path

from appliance.storage.database import Database
from appliance.storage.dismissals import MOST, Dismissals
from appliance.storage.errors import StorageFailed


async def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """The whole set each time, no more than anybody can have hidden."""
    database = Database(tmp_path / "state.db")
    await database.open()
    store = Dismissals(database)
    assert await store.read() == {}
    await store.keep({"a": True, "b": False})
    assert await Dismissals(database).read() == {"a": True, "b": False}
    await store.keep({str(number): True for number in range(MOST + 10)})
    assert len(await Dismissals(database).read()) == MOST
    await store.keep({})
    assert await Dismissals(database).read() == {}
    await database.close()


async def test_a_disk_that_takes_nothing_is_told_and_tried_again(tmp_path: Path) -> None:
    """Nothing is lost from memory, and the next change stores it."""
    told: list[StorageFailed | None] = []
    folder = tmp_path / "missing"
    database = Database(folder / "state.db")
    await database.open()
    store = Dismissals(database, told.append)
    assert await store.read() == {}
    await store.keep({"a": True})
    assert [failure is None for failure in told] == [False, False]
    folder.mkdir()
    await store.keep({"a": True})
    assert (told[-1], await Dismissals(database).read()) == (None, {"a": True})
    await database.close()
