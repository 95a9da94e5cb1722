"""Who may in: the claim of a new box, and logins, both throttled.

The password's hash is read from its file again and again, so that `reset-password` takes effect while the box runs.
Tries are looked at one after the other: many at once must not pass the throttle together, and hashing takes memory.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from appliance.storage.errors import storage_failed
from appliance.storage.passwords import MAX_LENGTH, MIN_LENGTH, mark_of, password_matches, read_hash, store_password
from appliance.storage.sessions import Session, Sessions, session_id

TRIES_PER_ADDRESS = 8
TRIES_IN_ALL = 60
WINDOW_SECONDS = 300.0
REREAD_SECONDS = 1.0  # so soon a reset password is noticed by those who are logged in


class Refused(Exception):
    """Access is refused; `code` is stable, the text is for a person."""

    def __init__(self, code: str, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.retry_after = code, detail, retry_after


@dataclass
class Throttle:
    """Failed tries of the last minutes, by address and in all."""

    clock: Callable[[], float]
    failures: list[tuple[float, str]] = field(default_factory=list)

    def check(self, address: str) -> None:
        now = self.clock()
        self.failures = [(at, a) for at, a in self.failures if now - at < WINDOW_SECONDS]
        own = [at for at, a in self.failures if a == address]
        if len(own) >= TRIES_PER_ADDRESS or len(self.failures) >= TRIES_IN_ALL:
            oldest = own[0] if len(own) >= TRIES_PER_ADDRESS else self.failures[0][0]
            wait = int(WINDOW_SECONDS - (now - oldest)) + 1
            raise Refused("too_many_tries", f"Too many failed tries. Try again in {wait} seconds.", wait)

    def failed(self, address: str) -> None:
        self.failures.append((self.clock(), address))


class Access:
    def __init__(self, secrets_dir: Path, sessions: Sessions, setup_code: str, clock: Callable[[], float]) -> None:
        self._secrets_dir = secrets_dir
        self._sessions = sessions
        self._throttle = Throttle(clock)
        self._one_try = asyncio.Lock()
        self._changing = asyncio.Lock()
        self._clock = clock
        self._stored = read_hash(secrets_dir)
        self._read_at = clock()
        self.setup_code = setup_code

    @property
    def claimed(self) -> bool:
        return self._stored is not None

    async def _hash(self, *, newer_than: float = REREAD_SECONDS) -> str | None:
        """The hash as it is in its file, which another process may have changed just now."""
        if self._stored is None or self._clock() - self._read_at >= newer_than:
            self._stored = await asyncio.to_thread(read_hash, self._secrets_dir)
            self._read_at = self._clock()
        return self._stored

    async def claim(self, code: str, password: str, address: str = "") -> None:
        """Makes the box belong to whoever knows the code from its log."""
        async with self._one_try:
            if await self._hash(newer_than=0) is not None:
                raise Refused("already_claimed", "This box has an owner already. Log in instead.")
            self._throttle.check(address)
            if not hmac.compare_digest(_normal(code), _normal(self.setup_code)):
                self._throttle.failed(address)
                raise Refused("wrong_code", "This is not the code. It stands in the log of the box.")
            check_password(password)
            await self._store(password)

    async def login(self, password: str, address: str, agent: str = "") -> str:
        """Returns the token of a new session."""
        async with self._one_try:
            stored = await self._hash(newer_than=0)
            if stored is None:
                raise Refused("not_claimed", "This box has no owner yet. Claim it first.")
            self._throttle.check(address)
            if len(password) > MAX_LENGTH or not await password_matches(stored, password):
                self._throttle.failed(address)
                raise Refused("wrong_password", "The password is not right.")
        return await self._sessions.create(address, mark_of(stored), agent)

    async def change_password(self, current: str, new: str, token: str, address: str) -> int:
        """Ends every login but that of the token; tells how many."""
        async with self._one_try:
            stored = await self._hash(newer_than=0)
            self._throttle.check(address)
            if stored is None or len(current) > MAX_LENGTH or not await password_matches(stored, current):
                self._throttle.failed(address)
                raise Refused("wrong_current_password", "This is not the current password.")
            check_password(new)
            async with self._changing:  # who is logged in and asks meanwhile waits, and is not thrown out
                ended = len(self._sessions.listed(mark_of(stored)).keys() - {session_id(token)})
                await self._store(new)
                await self._sessions.follow(token, await self._mark())
        await self._sessions.end_others(token, await self._mark())
        return ended

    async def _store(self, password: str) -> None:
        try:
            await store_password(self._secrets_dir, password)
        except OSError as error:
            raise storage_failed(error, self._secrets_dir) from error
        await self._hash(newer_than=0)

    async def _mark(self) -> str:
        return mark_of(await self._hash() or "")

    async def session(self, token: str) -> Session | None:
        if self._changing.locked():
            async with self._changing:
                pass
        stored = await self._hash()
        return None if stored is None else await self._sessions.find(token, mark_of(stored))

    async def sessions(self) -> dict[str, Session]:
        """Every login that holds, by its id."""
        return self._sessions.listed(await self._mark())

    async def end_session(self, session_id: str) -> bool:
        return await self._sessions.end(session_id)

    async def end_other_sessions(self, token: str) -> int:
        return await self._sessions.end_others(token, await self._mark())

    async def logout(self, token: str) -> None:
        await self._sessions.revoke(token)


def check_password(password: str) -> None:
    if len(password) < MIN_LENGTH:
        raise Refused("password_too_short", f"The password needs at least {MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        raise Refused("password_too_long", f"The password may have at most {MAX_LENGTH} characters.")


def _normal(code: str) -> bytes:
    """Codes are typed by hand: case, blanks and the dash do not matter."""
    return code.upper().replace("-", "").replace(" ", "").strip().encode()
