"""Keys in memory and in a real database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.keys import keyring
from appliance.keys.keyring import KeyProblem, Keyring
from appliance.keys.store import KeyStore, Spent, Stored
from appliance.keys.types import DAY_SECONDS, Grant, Group, Key, Limits, Use
from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed

GRANT = Grant("Laptop", ("qwen*",), frozenset({Group.CHAT}), Limits(5, 1000, 2), 4e9)


class Clock:
    def __init__(self) -> None:
        self.now = 20_000.5 * DAY_SECONDS

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(path: Path, clock: Clock, wrote: Callable[[StorageFailed | None], None]) -> AsyncIterator[Keyring]:
    database = Database(path)
    await database.open()
    keys = Keyring(KeyStore(database), wrote, clock, clock)
    await keys.open()
    try:
        yield keys
    finally:
        await database.close()


class Store:
    """The same database, run after run."""

    def __init__(self, folder: Path) -> None:
        self.path, self.clock = folder / "state.db", Clock()
        self.wrote: list[StorageFailed | None] = []


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@asynccontextmanager
async def box(store: Store) -> AsyncIterator[Keyring]:
    async with opened(store.path, store.clock, store.wrote.append) as keys:
        yield keys


async def test_a_key_opens_at_once_and_after_a_restart(store: Store) -> None:
    """With everything that was allowed with it."""
    async with box(store) as keys:
        key, secret = await keys.create(GRANT)
        assert keys.find(secret) == key
    async with box(store) as keys:
        assert keys.find(secret) == key
        assert (key.grant, key.hint) == (GRANT, secret[-4:])


async def test_the_secret_is_stored_nowhere(store: Store) -> None:
    """Neither in the database nor in its journal."""
    async with box(store) as keys:
        _, secret = await keys.create(GRANT)
        files = await asyncio.to_thread(lambda: [path.read_bytes() for path in store.path.parent.iterdir()])
    assert files
    assert not any(secret.encode() in content or secret[4:].encode() in content for content in files)


@pytest.mark.parametrize("sent", ["", "mbx_", "sk-none", "mbx_" + "0" * 43, "ü"])
async def test_other_secrets_open_nothing(store: Store, sent: str) -> None:
    """Whatever they are."""
    async with box(store) as keys:
        _, secret = await keys.create(GRANT)
        assert keys.find(sent) is None
        assert keys.find(secret[:-1]) is None
        assert keys.find(secret.swapcase()) is None


async def test_a_revoked_key_opens_nothing_ever_again(store: Store) -> None:
    """From the same moment on."""
    async with box(store) as keys:
        key, secret = await keys.create(GRANT)
        keys.start(key)
        await keys.revoke(key.id)
        assert keys.find(secret) is None
        keys.end(key, 5, 5)  # a request that was under way
        await keys.save()
    async with box(store) as keys:
        assert (keys.find(secret), keys.listed()) == (None, ())
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("SELECT count(*) FROM api_key_days").fetchone() == (0,)


async def test_a_change_counts_at_once_and_stays(store: Store) -> None:
    """The secret remains what it was."""
    async with box(store) as keys:
        key, secret = await keys.create(GRANT)
        await keys.change(key.id, lambda grant: replace(grant, limits=Limits(1)))
        changed = keys.find(secret)
        assert changed is not None
        assert changed.grant == replace(GRANT, limits=Limits(1))
        assert (keys.start(changed), keys.start(changed) is None) == (None, False)
    async with box(store) as keys:
        assert keys.find(secret) == changed


async def test_use_outlives_a_restart(store: Store) -> None:
    """So that nobody gets a new day by it."""
    async with box(store) as keys:
        key, _ = await keys.create(GRANT)
        keys.start(key)
        keys.end(key, 600, 400)
        await keys.save()
    async with box(store) as keys:
        (standing,) = keys.listed()
        assert (standing.today, standing.used_at) == (Use(1, 600, 400), store.clock.now)
        refusal = keys.start(standing.key)
        assert refusal is not None
        store.clock.now += DAY_SECONDS / 2
        assert keys.start(standing.key) is None


async def test_days_are_kept_apart_and_old_ones_go(store: Store) -> None:
    """In memory as in the database."""
    async with box(store) as keys:
        key, _ = await keys.create(replace(GRANT, limits=Limits()))
        for _ in range(40):
            keys.start(key)
            keys.end(key, 1, 0)
            store.clock.now += DAY_SECONDS
            await keys.save()
    async with box(store) as keys:
        (standing,) = keys.listed()
        assert len(standing.days) <= 32
        assert set(standing.days.values()) == {Use(1, 1, 0)}


async def test_use_is_written_in_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with every request, and without anybody asking for it."""
    monkeypatch.setattr(keyring, "STORE_SECONDS", 0.01)
    async with box(store) as keys:
        key, _ = await keys.create(replace(GRANT, limits=Limits()))
        for _ in range(100):
            keys.start(key)
            keys.end(key, 1, 1)
        task = asyncio.get_running_loop().create_task(keys.run())
        async with asyncio.timeout(5):
            while not store.wrote:  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.01)
        task.cancel()
    async with box(store) as keys:
        assert keys.listed()[0].today == Use(100, 100, 100)


async def test_two_keys_do_not_share_a_name(store: Store) -> None:
    """In whatever case; a key may keep its own."""
    async with box(store) as keys:
        key, _ = await keys.create(GRANT)
        other, _ = await keys.create(Grant("Phone"))
        with pytest.raises(KeyProblem, match="this name"):
            await keys.create(Grant("LAPTOP"))
        with pytest.raises(KeyProblem, match="this name"):
            await keys.change(other.id, lambda grant: replace(grant, name="laptop"))
        assert (await keys.change(key.id, lambda grant: replace(grant, name="laptop"))).name == "laptop"


async def test_names_are_checked_also_when_two_ask_at_once(store: Store) -> None:
    """One of them gets it."""
    async with box(store) as keys:
        made = await asyncio.gather(keys.create(GRANT), keys.create(GRANT), return_exceptions=True)
        assert sorted(isinstance(one, KeyProblem) for one in made) == [False, True]


async def test_there_is_an_end_to_the_number_of_keys(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are kept in memory."""
    monkeypatch.setattr(keyring, "MOST_KEYS", 2)
    async with box(store) as keys:
        for name in ("a", "b"):
            await keys.create(Grant(name))
        with pytest.raises(KeyProblem, match="at most 2"):
            await keys.create(Grant("c"))


@pytest.mark.parametrize("act", ["change", "revoke"])
async def test_an_unknown_key_is_named_so(store: Store, act: str) -> None:
    """It may have been revoked in another window."""
    async with box(store) as keys:
        acts = {"change": lambda: keys.change("x", lambda grant: grant), "revoke": lambda: keys.revoke("x")}
        with pytest.raises(KeyProblem) as told:
            await acts[act]()
        with pytest.raises(KeyProblem):
            keys.get("x")
    assert told.value.code == "unknown_key"


class Faulty(KeyStore):
    """A disk that is full while `full` is set."""

    full = False

    def _check(self) -> None:
        if self.full:
            raise StorageFailed("disk_full", "full")

    async def read(self) -> list[Stored]:
        self._check()
        return await super().read()

    async def add(self, digest: bytes, key: Key) -> None:
        self._check()
        await super().add(digest, key)

    async def remove(self, key_ids: Iterable[str]) -> None:
        self._check()
        await super().remove(key_ids)

    async def spend(self, spent: Mapping[str, Spent], oldest: int) -> None:
        self._check()
        await super().spend(spent, oldest)


@asynccontextmanager
async def faulty(store: Store, *, full: bool = False) -> AsyncIterator[tuple[Keyring, Faulty]]:
    database = Database(store.path)
    await database.open()
    disk = Faulty(database)
    disk.full = full
    keys = Keyring(disk, store.wrote.append, store.clock, store.clock)
    await keys.open()
    try:
        yield keys, disk
    finally:
        await database.close()


async def test_a_key_that_cannot_be_stored_is_none(store: Store) -> None:
    """Nobody shall get a secret that a restart would make worthless."""
    async with faulty(store) as (keys, disk):
        disk.full = True
        with pytest.raises(StorageFailed):
            await keys.create(GRANT)
        assert keys.listed() == ()


async def test_a_key_is_revoked_also_on_a_full_disk(store: Store) -> None:
    """It opens nothing from then on; the disk is told when there is room."""
    async with faulty(store) as (keys, disk):
        key, secret = await keys.create(GRANT)
        disk.full = True
        with pytest.raises(StorageFailed):
            await keys.revoke(key.id)
        assert keys.find(secret) is None
        await keys.save()
        disk.full = False
        await keys.save()
    async with box(store) as keys:
        assert keys.find(secret) is None


async def test_use_that_cannot_be_written_is_written_later(store: Store) -> None:
    """Nothing of it is lost."""
    async with faulty(store) as (keys, disk):
        key, _ = await keys.create(GRANT)
        keys.start(key)
        keys.end(key, 7, 3)
        disk.full = True
        await keys.save()
        assert isinstance(store.wrote[-1], StorageFailed)
        disk.full = False
        await keys.save()
    async with box(store) as keys:
        assert keys.listed()[0].today == Use(1, 7, 3)


async def test_keys_that_could_not_be_read_are_read_later(store: Store) -> None:
    """Until then nobody knows who may come in, and no key is made in their place."""
    async with box(store) as keys:
        _, secret = await keys.create(GRANT)
    async with faulty(store, full=True) as (late, disk):
        assert (late.loaded, late.find(secret)) == (False, None)
        with pytest.raises(StorageFailed):
            await late.create(Grant("Phone"))
        disk.full = False
        await late.save()
        assert (late.loaded, late.find(secret) is None) == (True, False)


async def test_a_row_that_makes_no_sense_opens_nothing(store: Store) -> None:
    """And does not take the other keys with it."""
    async with box(store) as keys:
        _, secret = await keys.create(GRANT)
        _, broken = await keys.create(Grant("Broken"))
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE api_keys SET document = '{' WHERE document LIKE '%Broken%'")
    async with box(store) as keys:
        assert (keys.find(broken), keys.find(secret) is None) == (None, False)


async def test_changes_are_logged_without_the_secret(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Who reads the log learns what happened, and nothing that opens a door."""
    with caplog.at_level("INFO", "meshbox.keys"):
        async with box(store) as keys:
            key, secret = await keys.create(GRANT)
            await keys.change(key.id, lambda grant: grant)
            await keys.revoke(key.id)
    assert [record.getMessage().rsplit(" ", 1)[1] for record in caplog.records] == ["made", "changed", "revoked"]
    assert secret not in caplog.text
