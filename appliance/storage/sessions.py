"""Logins: only the hash of a token is kept, each use prolongs it, a new password ends them all.

When the database cannot be written a login still works; it is then kept in memory and ends with the process.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed

TOUCH_SECONDS = 60.0  # how exactly the last use is remembered


@dataclass(frozen=True, slots=True)
class Session:
    made_at: float
    used_at: float
    address: str
    password_mark: str  # of the password it was made with; another password, no session


class Sessions:
    def __init__(
        self,
        database: Database,
        lifetime: Callable[[], float],
        clock: Callable[[], float],
        wrote: Callable[[StorageFailed | None], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._lifetime = lifetime
        self._clock = clock
        self._wrote = wrote
        self._known: dict[bytes, Session] = {}

    async def open(self) -> None:
        """Takes over the logins of an earlier run."""
        try:
            self._known = await self._database.read(_read_all)
        except StorageFailed as failure:
            self._wrote(failure)

    async def create(self, address: str, password_mark: str) -> str:
        """A new login; returns its token, which is kept nowhere."""
        token, now = secrets.token_urlsafe(32), self._clock()
        self._known = {k: s for k, s in self._known.items() if self._lives(s)}
        await self._keep(_hash(token), Session(now, now, address, password_mark))
        return token

    async def find(self, token: str, password_mark: str) -> Session | None:
        """The login of a token, prolonged; None when there is none any more."""
        key, now = _hash(token), self._clock()
        session = self._known.get(key)
        if session is None or session.password_mark != password_mark or not self._lives(session):
            return None
        if now - session.used_at >= TOUCH_SECONDS:
            await self._keep(key, replace(session, used_at=now))
        return session

    async def revoke(self, token: str) -> None:
        key = _hash(token)
        self._known.pop(key, None)
        try:
            await self._database.write(lambda c: c.execute("DELETE FROM sessions WHERE token_hash = ?", (key,)))
        except StorageFailed as failure:
            self._wrote(failure)

    def _lives(self, session: Session) -> bool:
        return self._clock() - session.used_at <= self._lifetime()

    async def _keep(self, key: bytes, session: Session) -> None:
        """Remembers a login, and forgets the expired. Only a row that was written proves that storing works."""
        self._known[key] = session
        row = (key, session.made_at, session.used_at, session.address, session.password_mark)
        oldest = self._clock() - self._lifetime()

        def store(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM sessions WHERE used_at < ?", (oldest,))
            connection.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)", row)

        try:
            await self._database.write(store)
        except StorageFailed as failure:
            self._wrote(failure)
        else:
            self._wrote(None)


def _read_all(connection: sqlite3.Connection) -> dict[bytes, Session]:
    rows = connection.execute("SELECT token_hash, made_at, used_at, address, password_mark FROM sessions")
    return {row[0]: Session(*row[1:]) for row in rows}


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
