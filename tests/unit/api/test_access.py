"""Claim and login: what many at once can do, and how long a throttle lasts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.api.access import TRIES_IN_ALL, TRIES_PER_ADDRESS, WINDOW_SECONDS, Access, Refused, Throttle
from appliance.storage.database import Database
from appliance.storage.sessions import Sessions

CODE = "ABCD-EFGH"
PASSWORD = "correct horse battery"


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def access(tmp_path: Path) -> AsyncIterator[Access]:
    database, clock = Database(tmp_path / "state.db"), Clock()
    await database.open()
    yield Access(tmp_path / "secrets", Sessions(database, lambda: 1000.0, clock), CODE, clock)
    await database.close()


async def outcome(attempt: Awaitable[object]) -> str:
    try:
        await attempt
    except Refused as refused:
        return refused.code
    return "in"


async def test_many_wrong_passwords_at_once_do_not_pass_the_throttle_together(access: Access) -> None:
    """Guessing side by side is no faster than one after the other."""
    await access.claim(CODE, PASSWORD)
    codes = await asyncio.gather(*(outcome(access.login(f"guess {n}", "a")) for n in range(30)))
    assert Counter(codes) == {"wrong_password": TRIES_PER_ADDRESS, "too_many_tries": 30 - TRIES_PER_ADDRESS}


async def test_many_right_passwords_at_once_all_get_in(access: Access) -> None:
    """A script with several workers is not an attack."""
    await access.claim(CODE, PASSWORD)
    codes = await asyncio.gather(*(outcome(access.login(PASSWORD, "a")) for _ in range(TRIES_PER_ADDRESS + 2)))
    assert set(codes) == {"in"}


async def test_of_many_claims_at_once_one_wins(access: Access) -> None:
    """The others are told, and the winner's password is the one that counts."""
    codes = await asyncio.gather(*(outcome(access.claim(CODE, f"password number {n}")) for n in range(4)))
    assert codes == ["in", "already_claimed", "already_claimed", "already_claimed"]
    assert await outcome(access.login("password number 0", "a")) == "in"


async def test_who_changes_the_password_is_at_no_moment_thrown_out(access: Access) -> None:
    """His other requests wait until it is done."""
    await access.claim(CODE, PASSWORD)
    token = await access.login(PASSWORD, "a")
    change = asyncio.gather(access.change_password(PASSWORD, "quite another one", token, "a"))
    found = []
    while not change.done():
        found.append(await access.session(token))
        await asyncio.sleep(0)
    assert None not in found
    assert await access.session(token) is not None
    assert await outcome(access.login(PASSWORD, "a")) == "wrong_password"


async def test_of_two_changes_at_once_one_wins(access: Access) -> None:
    """The other no longer knows the current password."""
    await access.claim(CODE, PASSWORD)
    token = await access.login(PASSWORD, "a")
    changes = (access.change_password(PASSWORD, f"password number {n}", token, "a") for n in range(2))
    assert await asyncio.gather(*map(outcome, changes)) == ["in", "wrong_current_password"]
    assert await access.session(token) is not None


@dataclass
class Guesses:
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.throttle = Throttle(self.clock)

    def fail(self, address: str) -> str:
        try:
            self.throttle.check(address)
        except Refused as refused:
            return f"wait {refused.retry_after}"
        self.throttle.failed(address)
        return "tried"


def test_one_address_may_fail_only_so_often() -> None:
    """Others are not held up by it, and it may go on when its tries are old."""
    guesses = Guesses()
    assert [guesses.fail("a") for _ in range(TRIES_PER_ADDRESS)] == ["tried"] * TRIES_PER_ADDRESS
    assert guesses.fail("a") == f"wait {WINDOW_SECONDS + 1:.0f}"
    assert guesses.fail("b") == "tried"
    guesses.clock.now = WINDOW_SECONDS
    assert guesses.fail("a") == "tried"


def test_many_addresses_together_may_fail_only_so_often() -> None:
    """A swarm is throttled like a single one."""
    guesses = Guesses()
    assert {guesses.fail(f"address {n}") for n in range(TRIES_IN_ALL)} == {"tried"}
    assert guesses.fail("a new one").startswith("wait")
