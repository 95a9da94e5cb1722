"""Looking around: what is new is told, once; a failed look is not the last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from appliance import watchers
from appliance.models.types import Library
from appliance.node.events import Event, LibraryScanned, TroubleEnded, TroubleFound
from appliance.node.snapshot import TroubleKind
from appliance.storage.errors import StorageFailed
from appliance.tasks import TaskGroup
from appliance.watchers import report_storage, watch_library

EMPTY, AWAY = Library(), Library(unreadable="It is not there.")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "LIBRARY_SECONDS", 0.0)


def looks(*results: Library | Exception) -> Callable[[], Library]:
    """One result after the other; the last one for ever."""
    waiting: Iterator[Library | Exception] = iter(results)
    last: list[Library | Exception] = []

    def look() -> Library:
        last[:] = [next(waiting, *last)]
        if isinstance(last[0], Exception):
            raise last[0]
        return last[0]

    return look


async def told(look: Callable[[], Library], count: int) -> list[Event]:
    events: list[Event] = []
    enough, tasks = asyncio.Event(), TaskGroup()

    def post(event: Event) -> None:
        events.append(event)
        if len(events) >= count:
            enough.set()

    tasks.start("watch", watch_library(look, post))
    async with asyncio.timeout(5):
        await enough.wait()
    await tasks.close()
    return events


async def test_only_what_is_new_is_told() -> None:
    """The same library twice is told once; its trouble comes and goes with it."""
    assert await told(looks(EMPTY, EMPTY, AWAY, AWAY, EMPTY), 6) == [
        LibraryScanned(EMPTY),
        TroubleEnded(TroubleKind.MODELS_UNREADABLE),
        LibraryScanned(AWAY),
        TroubleFound(TroubleKind.MODELS_UNREADABLE, "It is not there."),
        LibraryScanned(EMPTY),
        TroubleEnded(TroubleKind.MODELS_UNREADABLE),
    ]


async def test_a_look_that_fails_is_not_the_last() -> None:
    """A fault of the scan does not leave the box blind."""
    events = await told(looks(RuntimeError("odd file"), EMPTY), 1)
    assert events[0] == LibraryScanned(EMPTY)


@pytest.mark.parametrize(
    ("failure", "disk_full", "not_writable"),
    [
        (None, None, None),
        (StorageFailed("disk_full", "x"), "x", None),
        (StorageFailed("not_writable", "y"), None, "y"),
    ],
)
def test_each_way_of_not_storing_is_its_own_trouble(
    failure: StorageFailed | None, disk_full: str | None, not_writable: str | None
) -> None:
    """And both are over once something could be stored."""
    events: list[Event] = []
    report_storage(events.append, failure)
    expected = {TroubleKind.DISK_FULL: disk_full, TroubleKind.DATA_NOT_WRITABLE: not_writable}
    assert events == [TroubleEnded(k) if detail is None else TroubleFound(k, detail) for k, detail in expected.items()]
