"""Logins: how long they last, and that they outlive a restart but not a new password."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.storage.database import MIGRATIONS, Database
from appliance.storage.errors import StorageFailed
from appliance.storage.sessions import Session, Sessions, session_id

LIFETIME = 1000.0


@dataclass
class Desk:
    """Sessions on a database, with a clock that the test turns."""

    path: Path
    now: float = 0.0
    wrote: list[StorageFailed | None] = field(default_factory=list)
    database: Database | None = None

    async def open(self) -> Sessions:
        await self.close()
        self.database = Database(self.path)
        await self.database.open()
        sessions = Sessions(self.database, lambda: LIFETIME, lambda: self.now, self.wrote.append)
        await sessions.open()
        return sessions

    async def close(self) -> None:
        if self.database is not None:
            await self.database.close()
            self.database = None


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    one = Desk(tmp_path / "state.db")
    yield one
    await one.close()


async def test_a_login_is_found_by_its_token(desk: Desk) -> None:
    """And by nothing else."""
    sessions = await desk.open()
    token = await sessions.create("1.2.3.4", "mark")
    found = await sessions.find(token, "mark")
    assert found is not None
    assert found.address == "1.2.3.4"
    assert await sessions.find(token + "x", "mark") is None


async def test_use_prolongs_a_login(desk: Desk) -> None:
    """It ends a lifetime after its last use, not after its making."""
    sessions = await desk.open()
    token = await sessions.create("a", "mark")
    for desk.now in (900.0, 1800.0, 2700.0):
        assert await sessions.find(token, "mark") is not None
    desk.now = 3701.0
    assert await sessions.find(token, "mark") is None


async def test_a_new_password_ends_every_login(desk: Desk) -> None:
    """The mark of the password belongs to the login."""
    sessions = await desk.open()
    token = await sessions.create("a", "mark")
    assert await sessions.find(token, "other mark") is None


async def test_logins_outlive_a_restart(desk: Desk) -> None:
    """With the time of their last use."""
    token = await (await desk.open()).create("a", "mark")
    desk.now = 999.0
    assert await (await desk.open()).find(token, "mark") is not None


async def test_a_revoked_login_stays_ended_after_a_restart(desk: Desk) -> None:
    """Logged out is logged out."""
    sessions = await desk.open()
    token = await sessions.create("a", "mark")
    await sessions.revoke(token)
    assert await sessions.find(token, "mark") is None
    assert await (await desk.open()).find(token, "mark") is None


async def test_expired_logins_leave_the_database(desk: Desk) -> None:
    """It does not grow for ever."""
    sessions = await desk.open()
    await sessions.create("old", "mark")
    desk.now = LIFETIME + 1
    await sessions.create("new", "mark")
    assert desk.database is not None
    assert await desk.database.read(lambda c: c.execute("SELECT address FROM sessions").fetchall()) == [("new",)]


async def test_the_token_itself_is_stored_nowhere(desk: Desk) -> None:
    """Who reads the database cannot log in."""
    token = await (await desk.open()).create("a", "mark")
    await desk.close()
    stored = b"".join(path.read_bytes() for path in desk.path.parent.iterdir())
    assert token.encode() not in stored


async def test_a_login_works_when_nothing_can_be_stored(desk: Desk) -> None:
    """It is kept in memory, and the trouble is told; that it is over is told only after a real write."""
    desk.path.mkdir()
    sessions = await desk.open()
    token = await sessions.create("a", "mark")
    assert await sessions.find(token, "mark") is not None
    assert [failure and failure.code for failure in desk.wrote] == ["not_writable", "not_writable"]
    desk.path.rmdir()
    await sessions.revoke("nobody")
    assert desk.wrote[2:] == []
    await sessions.create("b", "mark")
    assert desk.wrote[2:] == [None]


async def test_logins_of_an_older_version_go_on(desk: Desk) -> None:
    """An update of the box throws nobody out."""
    older = next(number for number, script in enumerate(MIGRATIONS) if "agent" in script)
    connection = sqlite3.connect(desk.path)
    connection.executescript("".join(MIGRATIONS[:older]) + f"PRAGMA user_version = {older};")
    key = hashlib.sha256(b"token").digest()
    connection.execute("INSERT INTO sessions VALUES (?, 1, 1, 'a', 'mark')", (key,))
    connection.commit()
    connection.close()
    assert await (await desk.open()).find("token", "mark") == Session(1.0, 1.0, "a", "mark", "")


async def test_logins_are_listed_by_an_id_that_is_no_token(desk: Desk) -> None:
    """The latest used first; those of an older password and the expired are not among them."""
    sessions = await desk.open()
    old = await sessions.create("old", "mark")
    desk.now = LIFETIME
    first, second = await sessions.create("a", "mark", "one"), await sessions.create("b", "mark", "two")
    await sessions.create("c", "other mark")
    desk.now = LIFETIME + 100
    await sessions.find(second, "mark")
    assert list(sessions.listed("mark")) == [session_id(second), session_id(first)]
    assert session_id(old) not in sessions.listed("mark")


async def test_all_other_logins_end_for_good(desk: Desk) -> None:
    """Also after a restart."""
    sessions = await desk.open()
    mine, other = await sessions.create("a", "mark"), await sessions.create("b", "mark")
    assert await sessions.end_others(mine, "mark") == 1
    again = await desk.open()
    assert (await again.find(mine, "mark") is None, await again.find(other, "mark") is None) == (False, True)


async def test_a_login_follows_a_new_password(desk: Desk) -> None:
    """After a restart too."""
    sessions = await desk.open()
    token = await sessions.create("a", "mark")
    await sessions.follow(token, "new mark")
    assert await sessions.find(token, "mark") is None
    assert await (await desk.open()).find(token, "new mark") is not None
