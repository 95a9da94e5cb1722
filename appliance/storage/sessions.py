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
LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Session:
    made_at: float
    used_at: float
    address: str
    password_mark: str  # of the password it was made with; another password, no session
    agent: str = ""  # what the browser or program calls itself


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

    async def create(self, address: str, password_mark: str, agent: str = "") -> str:
        """A new login; returns its token, which is kept nowhere."""
        token, now = secrets.token_urlsafe(32), self._clock()
        self._known = {k: s for k, s in self._known.items() if self._lives(s)}
        await self._keep(_hash(token), Session(now, now, address, password_mark, _short(agent)))
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
        await self._forget([_hash(token)])

    def listed(self, password_mark: str) -> dict[str, Session]:
        """Every login that still holds, by its id, the latest used first."""
        alive = [(k, s) for k, s in self._known.items() if s.password_mark == password_mark and self._lives(s)]
        return {_id(key): session for key, session in sorted(alive, key=lambda one: -one[1].used_at)}

    async def end(self, session_id: str) -> bool:
        """Ends the login of that id; False when there is none."""
        keys = [key for key in self._known if _id(key) == session_id]
        await self._forget(keys)
        return bool(keys)

    async def end_others(self, token: str, password_mark: str) -> int:
        """Ends every login but that of the token; tells how many."""
        own, ended = _hash(token), self.listed(password_mark)
        await self._forget([key for key in self._known if key != own])
        return len(ended.keys() - {_id(own)})

    async def follow(self, token: str, password_mark: str) -> None:
        """Lets a login go on under a new password."""
        key = _hash(token)
        if (session := self._known.get(key)) is not None:
            await self._keep(key, replace(session, password_mark=password_mark, used_at=self._clock()))

    async def _forget(self, keys: list[bytes]) -> None:
        for key in keys:
            self._known.pop(key, None)
        rows = [(key,) for key in keys]
        try:
            await self._database.write(lambda c: c.executemany("DELETE FROM sessions WHERE token_hash = ?", rows))
        except StorageFailed as failure:
            self._wrote(failure)

    def _lives(self, session: Session) -> bool:
        return self._clock() - session.used_at <= self._lifetime()

    async def _keep(self, key: bytes, session: Session) -> None:
        """Remembers a login, and forgets the expired. Only a row that was written proves that storing works."""
        self._known[key] = session
        row = (key, session.made_at, session.used_at, session.address, session.password_mark, session.agent)
        oldest = self._clock() - self._lifetime()

        def store(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM sessions WHERE used_at < ?", (oldest,))
            connection.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?)", row)

        try:
            await self._database.write(store)
        except StorageFailed as failure:
            self._wrote(failure)
        else:
            self._wrote(None)


def _read_all(connection: sqlite3.Connection) -> dict[bytes, Session]:
    rows = connection.execute("SELECT token_hash, made_at, used_at, address, password_mark, agent FROM sessions")
    return {row[0]: Session(*row[1:]) for row in rows}


def session_id(token: str) -> str:
    """The id under which its login is listed; the token cannot be found from it."""
    return _id(_hash(token))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _id(key: bytes) -> str:
    return key.hex()[:16]


def _short(agent: str) -> str:
    return "".join(letter for letter in agent[:LONGEST_AGENT] if letter.isprintable())
