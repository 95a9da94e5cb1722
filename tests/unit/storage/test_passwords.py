"""The admin password: only its hash is kept, in a file of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from appliance.storage.passwords import FILE, mark_of, password_matches, read_hash, store_password
from appliance.tasks import TaskGroup

PASSWORD = "correct horse battery"


async def test_the_right_password_matches_and_no_other(tmp_path: Path) -> None:
    """Argon2id in a file that only its owner can read."""
    await store_password(tmp_path, PASSWORD)
    stored = read_hash(tmp_path)
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert await password_matches(stored, PASSWORD)
    assert not await password_matches(stored, PASSWORD + " ")


async def test_a_box_without_a_password_belongs_to_nobody(tmp_path: Path) -> None:
    """No file, or an empty one."""
    assert read_hash(tmp_path) is None
    (tmp_path / FILE).write_text("\n")
    assert read_hash(tmp_path) is None


async def test_a_damaged_hash_lets_nobody_in(tmp_path: Path) -> None:
    """It is not taken for an unclaimed box either."""
    (tmp_path / FILE).write_text("nonsense")
    stored = read_hash(tmp_path)
    assert stored == "nonsense"
    assert not await password_matches(stored, PASSWORD)


async def test_a_new_hash_has_a_new_mark(tmp_path: Path) -> None:
    """Even of the same password: whoever sets it anew ends every login."""
    await store_password(tmp_path, PASSWORD)
    before = read_hash(tmp_path)
    await store_password(tmp_path, PASSWORD)
    after = read_hash(tmp_path)
    assert before is not None
    assert after is not None
    assert mark_of(before) != mark_of(after)


async def test_hashing_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    """Pages and streams go on while a password is looked at."""
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.timeout(30):
        tasks = TaskGroup()
        tasks.start("turning", turning())
        await store_password(tmp_path, PASSWORD)
        await tasks.close()
    assert turns > 10
