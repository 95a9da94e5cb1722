"""The tasks that note troubles and keep dismissals over a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.attention import SETTLED_SECONDS, keep_dismissals, note_issues, note_of
from appliance.node.events import IssueHidden, TroubleEnded, TroubleFound
from appliance.node.snapshot import TroubleKind
from appliance.run_loop import Outlook, RunLoop
from appliance.storage.database import Database
from appliance.storage.dismissals import Dismissals
from appliance.tasks import TaskGroup
from tests.builders import make_snapshot


@pytest.fixture
async def tasks() -> AsyncIterator[TaskGroup]:
    group = TaskGroup()
    yield group
    await group.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    one = Database(tmp_path / "state.db")
    await one.open()
    yield one
    await one.close()


async def until(loop: RunLoop, condition: Callable[[Outlook], object]) -> Outlook:
    async with asyncio.timeout(10):
        async for outlook in loop.watch():
            if condition(outlook):
                return outlook
    raise AssertionError


def running(tasks: TaskGroup) -> RunLoop:
    loop = RunLoop(make_snapshot(wanted=()), lambda _: None, lambda: 5.0)
    tasks.start("loop", loop.run())
    tasks.start("note", note_issues(loop, lambda: 5.0))
    return loop


async def test_an_issue_gets_its_time_and_loses_its_dismissal_when_it_ends(tasks: TaskGroup) -> None:
    """Through the run loop, as in a running box."""
    loop = running(tasks)
    loop.post(TroubleFound(TroubleKind.DISK_FULL, "full"))
    (issue,) = (await until(loop, lambda o: any(i.since for i in o.decision.issues))).decision.issues
    assert (issue.since, issue.dismissed) == (5.0, False)
    loop.post(IssueHidden("disk_full", grave=True))
    await until(loop, lambda o: o.decision.issues[0].dismissed)
    loop.post(TroubleEnded(TroubleKind.DISK_FULL))
    await until(loop, lambda o: not o.snapshot.attention.hidden)


def test_a_box_has_settled_after_a_while() -> None:
    """Then what was hidden before a restart and did not show up again is over."""
    snapshot = make_snapshot()
    loop = RunLoop(replace(snapshot, node=replace(snapshot.node, started_at=100.0)), lambda _: None, lambda: 0.0)
    assert not note_of(loop.outlook, 100.0 + SETTLED_SECONDS).settled
    assert note_of(loop.outlook, 101.0 + SETTLED_SECONDS).settled


async def test_dismissals_are_stored(tasks: TaskGroup, database: Database) -> None:
    """What is hidden now is hidden after a restart; what an earlier run had hidden is not lost at start."""
    await Dismissals(database).keep({"earlier": False})
    store = Dismissals(database)
    loop = running(tasks)
    for name, grave in (await store.read()).items():
        loop.post(IssueHidden(name, grave))
    tasks.start("keep", keep_dismissals(loop, store))
    loop.post(IssueHidden("disk_full", grave=True))
    await until(loop, lambda o: len(o.snapshot.attention.hidden) == 2)
    async with asyncio.timeout(10):
        while await Dismissals(database).read() != {"earlier": False, "disk_full": True}:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
