"""Keys and what was used with them, in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from appliance.keys.types import Grant, Key, Use
from appliance.storage.database import Database


class _Document(msgspec.Struct):
    hint: str
    grant: Grant


_DOCUMENT = msgspec.json.Decoder(_Document)


@dataclass(frozen=True, slots=True)
class Stored:
    digest: bytes
    key: Key
    used_at: float | None
    days: Mapping[int, Use]


@dataclass(frozen=True, slots=True)
class Spent:
    """What is to be written of one key: the days that changed."""

    used_at: float | None
    days: Mapping[int, Use]


class KeyStore:
    """Every method raises StorageFailed when the database cannot do it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> list[Stored]:
        return await self._database.read(_read_all)

    async def add(self, digest: bytes, key: Key) -> None:
        row = (key.id, digest, key.made_at, _document(key))
        await self._database.write(
            lambda c: c.execute("INSERT INTO api_keys (id, digest, made_at, document) VALUES (?, ?, ?, ?)", row)
        )

    async def change(self, key: Key) -> None:
        row = (_document(key), key.id)
        await self._database.write(lambda c: c.execute("UPDATE api_keys SET document = ? WHERE id = ?", row))

    async def remove(self, key_ids: Iterable[str]) -> None:
        rows = [(key_id,) for key_id in key_ids]
        await self._database.write(lambda c: _remove(c, rows))

    async def spend(self, spent: Mapping[str, Spent], oldest: int) -> None:
        """Writes use in one transaction, and forgets days before `oldest`."""
        await self._database.write(lambda c: _spend(c, spent, oldest))


def _document(key: Key) -> str:
    return msgspec.json.encode(_Document(key.hint, key.grant)).decode()


def _read_all(connection: sqlite3.Connection) -> list[Stored]:
    """A row that makes no sense is left out: its key then opens nothing."""
    days: dict[str, dict[int, Use]] = {}
    for key_id, day, *use in connection.execute(
        "SELECT key_id, day, requests, tokens_in, tokens_out FROM api_key_days"
    ):
        days.setdefault(key_id, {})[day] = Use(*use)
    found: list[Stored] = []
    for key_id, digest, made_at, document, used_at in connection.execute(
        "SELECT id, digest, made_at, document, used_at FROM api_keys"
    ):
        try:
            told = _DOCUMENT.decode(document)
        except (msgspec.DecodeError, RecursionError):
            continue
        key = Key(key_id, told.hint, made_at, told.grant)
        found.append(Stored(digest, key, used_at, days.get(key_id, {})))
    return found


def _remove(connection: sqlite3.Connection, rows: list[tuple[str]]) -> None:
    connection.executemany("DELETE FROM api_keys WHERE id = ?", rows)
    connection.executemany("DELETE FROM api_key_days WHERE key_id = ?", rows)


def _spend(connection: sqlite3.Connection, spent: Mapping[str, Spent], oldest: int) -> None:
    used = [(one.used_at, key_id) for key_id, one in spent.items()]
    days = [
        (key_id, day, use.requests, use.tokens_in, use.tokens_out)
        for key_id, one in spent.items()
        for day, use in one.days.items()
    ]
    connection.executemany("UPDATE api_keys SET used_at = ? WHERE id = ?", used)
    connection.executemany("INSERT OR REPLACE INTO api_key_days VALUES (?, ?, ?, ?, ?)", days)
    connection.execute("DELETE FROM api_key_days WHERE day < ?", (oldest,))
