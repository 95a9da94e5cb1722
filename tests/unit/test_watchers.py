"""Looking around: what is new is told, once; a failed look is not the last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

import pytest

from appliance import watchers
from appliance.hardware.engine_devices import EngineDevices
from appliance.hardware.trials import hardware_of
from appliance.hardware.types import Inventory
from appliance.models.types import Library
from appliance.node.decide import decide
from appliance.node.events import Event, LibraryScanned, TroubleEnded, TroubleFound
from appliance.node.reduce import reduce
from appliance.node.snapshot import Snapshot, TroubleKind
from appliance.run_loop import Outlook, RunLoop
from appliance.storage.errors import StorageFailed
from appliance.tasks import TaskGroup
from appliance.watchers import report_storage, watch_library
from tests.builders import make_snapshot
from tests.gpu_boxes import machine, nvidia

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


async def test_files_that_meshbox_moved_are_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that was fetched or removed is not waited for."""
    monkeypatch.setattr(watchers, "LIBRARY_SECONDS", 3600.0)
    touched, tasks, seen = asyncio.Event(), TaskGroup(), asyncio.Queue[Event]()
    tasks.start("watch", watch_library(looks(EMPTY, AWAY), seen.put_nowait, touched))
    async with asyncio.timeout(5):
        while await seen.get() != LibraryScanned(EMPTY):
            pass
        touched.set()
        while await seen.get() != LibraryScanned(AWAY):
            pass
    await tasks.close()


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


class Asked:
    """A run loop without a loop, and an engine whose answers are given."""

    def __init__(self, *troubles: str | None) -> None:
        self.outlook = Outlook(0, make_snapshot(), decide(make_snapshot(), 0.0))
        self.troubles = list(troubles)
        self.asked: list[Inventory] = []
        self.told = asyncio.Event()

    def read(self, inventory: Inventory) -> EngineDevices:
        self.asked.append(inventory)
        trouble = self.troubles.pop(0) if self.troubles else None
        return EngineDevices("e", hardware_of(inventory), trouble=trouble)

    def post(self, event: Event) -> None:
        self.show(reduce(self.outlook.snapshot, event))
        self.told.set()

    def show(self, snapshot: Snapshot) -> None:
        self.outlook = Outlook(self.outlook.revision + 1, snapshot, self.outlook.decision)

    async def answered(self) -> None:
        async with asyncio.timeout(10):
            await self.told.wait()
        self.told.clear()


async def test_the_engine_is_asked_once_for_each_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    """And again after a while when it could not be asked; readings that change do not matter."""
    monkeypatch.setattr(watchers, "LOAD_SECONDS", 0.0)
    monkeypatch.setattr(watchers, "ASK_AGAIN_SECONDS", 0.0)
    card = nvidia(0x65)
    box, tasks = Asked(None, "It hangs."), TaskGroup()
    tasks.start("watch", watchers.watch_engine_devices(cast("RunLoop", box), box.read))
    await box.answered()
    with_card = replace(box.outlook.snapshot, inventory=machine(card))
    box.show(with_card)
    await box.answered()  # in vain
    await box.answered()
    box.show(replace(box.outlook.snapshot, inventory=machine(replace(card, memory_used=5))))
    for _ in range(5):
        await asyncio.sleep(0)
    await tasks.close()
    assert box.asked == [make_snapshot().inventory, machine(card), machine(card)]


async def test_an_engine_that_is_not_there_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The missing engine is a trouble of its own."""
    monkeypatch.setattr(watchers, "LOAD_SECONDS", 0.0)
    box, tasks = Asked(), TaskGroup()
    box.show(make_snapshot(troubles={TroubleKind.ENGINE_MISSING: "x"}))
    tasks.start("watch", watchers.watch_engine_devices(cast("RunLoop", box), box.read))
    for _ in range(5):
        await asyncio.sleep(0)
    assert box.asked == []
    box.show(make_snapshot())
    await box.answered()
    await tasks.close()
