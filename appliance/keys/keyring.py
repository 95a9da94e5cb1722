"""Every key in memory, so that a request pays microseconds for it; changes count at once and are stored first.

Use is written behind, every few seconds and at the end. A key that was revoked opens nothing from that moment on, even
when the database cannot be told just now; it is told as soon as it can.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from appliance.keys.quota import KEPT_DAYS, Account, Limit, Refusal, Room
from appliance.keys.secret import digest, hint_of, new_secret
from appliance.keys.store import KeyStore, Spent
from appliance.keys.types import Grant, Instant, Key, Standing
from appliance.storage.errors import StorageFailed

log = logging.getLogger("meshbox.keys")

STORE_SECONDS = 10.0
MOST_KEYS = 500


class KeyProblem(Exception):
    """A change that cannot be made. `code` is unknown_key, name_taken or too_many_keys."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class Keyring:
    def __init__(
        self,
        store: KeyStore,
        wrote: Callable[[StorageFailed | None], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._wrote, self._clock, self._ticks = store, wrote, clock, ticks
        self._by_digest: dict[bytes, Key] = {}
        self._accounts: dict[str, Account] = {}
        self._changed: dict[str, set[int]] = {}  # days to be written, by key
        self._gone: set[str] = set()  # revoked, but still in the database
        self._changing = asyncio.Lock()
        self.loaded = False  # False: nobody knows which keys there are

    async def open(self) -> None:
        """Takes over the keys of an earlier run; tried again later when the database cannot be read."""
        try:
            stored = await self._store.read()
        except StorageFailed as failure:
            self._wrote(failure)
            return
        self._by_digest = {one.digest: one.key for one in stored}
        self._accounts = {one.key.id: Account(one.days, one.used_at) for one in stored}
        self.loaded = True

    def find(self, secret: str) -> Key | None:
        return self._by_digest.get(digest(secret))

    def now(self) -> Instant:
        return Instant(self._clock(), self._ticks())

    def rooms(self, key: Key) -> Mapping[Limit, Room]:
        """What is left of its limits; of a key that was revoked meanwhile nothing is known."""
        account = self._accounts.get(key.id)
        return {} if account is None else account.rooms(key.grant.limits, self.now())

    def start(self, key: Key) -> Refusal | None:
        """Lets a request with this key begin; whoever gets None calls `end` once it is over."""
        now = self.now()
        refusal = self._accounts[key.id].start(key.grant.limits, now)
        if refusal is None:
            self._changed.setdefault(key.id, set()).add(now.day)
        return refusal

    def end(self, key: Key, tokens_in: int, tokens_out: int) -> None:
        account, now = self._accounts.get(key.id), self.now()
        if account is not None:  # it may have been revoked meanwhile
            account.end(tokens_in, tokens_out, now)
            self._changed.setdefault(key.id, set()).add(now.day)

    def listed(self) -> tuple[Standing, ...]:
        """The latest made first."""
        keys = sorted(self._by_digest.values(), key=lambda key: (-key.made_at, key.id))
        return tuple(self.standing(key) for key in keys)

    def standing(self, key: Key) -> Standing:
        account, now = self._accounts[key.id], self.now()
        return Standing(
            key=key,
            today=account.today(now),
            days=dict(account.days),
            running=account.running,
            used_at=account.used_at,
            total=account.total,
            refused=account.refused,
            expired=key.grant.expired(now.wall),
        )

    def get(self, key_id: str) -> Key:
        return self._entry(key_id)[1]

    async def create(self, grant: Grant) -> tuple[Key, str]:
        """A new key, and its secret, which is kept nowhere."""
        async with self._changing:
            await self._must_be_loaded()
            self._check_name(grant.name)
            if len(self._by_digest) >= MOST_KEYS:
                raise KeyProblem("too_many_keys", f"A box has at most {MOST_KEYS} keys. Revoke one that is not used.")
            secret = new_secret()
            key = Key(secrets.token_hex(8), hint_of(secret), self._clock(), grant)
            await self._store.add(digest(secret), key)
            self._accounts[key.id] = Account()
            self._by_digest[digest(secret)] = key
        log.info("API key %r (%s) was made", key.name, key.id)
        return key, secret

    async def change(self, key_id: str, change: Callable[[Grant], Grant]) -> Key:
        async with self._changing:
            mark, key = self._entry(key_id)
            changed = replace(key, grant=change(key.grant))
            self._check_name(changed.name, key_id)
            await self._store.change(changed)
            if mark in self._by_digest:
                self._by_digest[mark] = changed
        log.info("API key %r (%s) was changed", changed.name, key.id)
        return changed

    async def revoke(self, key_id: str) -> Key:
        """Raises StorageFailed when the database could not be told yet; the key opens nothing all the same."""
        mark, key = self._entry(key_id)
        del self._by_digest[mark]
        del self._accounts[key_id]
        self._changed.pop(key_id, None)
        self._gone.add(key_id)
        log.info("API key %r (%s) was revoked", key.name, key.id)
        await self._forget_gone()
        return key

    async def run(self) -> None:
        while True:
            await asyncio.sleep(STORE_SECONDS)
            await self.save()

    async def save(self) -> None:
        """Writes what has changed in one transaction; what cannot be written now is written later."""
        if not self.loaded:
            await self.open()
        taken, self._changed = self._changed, {}
        spent = {key_id: self._spent(self._accounts[key_id], days) for key_id, days in taken.items()}
        try:
            await self._forget_gone()
            if spent:
                await self._store.spend(spent, self.now().day - KEPT_DAYS)
                self._wrote(None)
        except StorageFailed as failure:
            self._give_back(taken)
            self._wrote(failure)

    def _spent(self, account: Account, days: set[int]) -> Spent:
        return Spent(account.used_at, {day: account.days[day] for day in days if day in account.days})

    def _give_back(self, taken: Mapping[str, set[int]]) -> None:
        for key_id, days in taken.items():
            if key_id in self._accounts:
                self._changed.setdefault(key_id, set()).update(days)

    async def _forget_gone(self) -> None:
        gone = frozenset(self._gone)
        if gone:
            await self._store.remove(gone)
            self._gone -= gone

    async def _must_be_loaded(self) -> None:
        """A key that is made now must not take the place of one that could not be read."""
        if not self.loaded:
            await self.open()
        if not self.loaded:
            raise StorageFailed("not_writable", "The keys of this box cannot be read at the moment")

    def _check_name(self, name: str, own_id: str = "") -> None:
        wanted = name.casefold()
        if any(key.name.casefold() == wanted and key.id != own_id for key in self._by_digest.values()):
            raise KeyProblem("name_taken", "There is a key of this name already. Choose another name.")

    def _entry(self, key_id: str) -> tuple[bytes, Key]:
        found = next(((mark, key) for mark, key in self._by_digest.items() if key.id == key_id), None)
        if found is None:
            raise KeyProblem("unknown_key", "There is no such key; it may have been revoked.")
        return found
