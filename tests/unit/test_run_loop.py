"""The run loop: events in, decisions out, watchers told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from appliance.hardware.types import Cpu, Inventory, Memory
from appliance.models.types import Ability, Library, Model
from appliance.node.commands import Command, RunEngine
from appliance.node.events import HardwareProbed, LibraryScanned, LoadMeasured
from appliance.node.snapshot import NodeFacts, RequestLoad, Snapshot
from appliance.run_loop import Outlook, RunLoop
from appliance.settings.schema import Settings
from appliance.tasks import TaskGroup

MODEL = Model("mesh-tiny-dense-Q8_0", "/m.gguf", 1, "qwen3", 1024, frozenset({Ability.CHAT}), bundled=True)
LIBRARY = LibraryScanned(Library((MODEL,)))
HARDWARE = HardwareProbed(Inventory(Cpu("cpu", 2), Memory(8, 4)))


def snapshot() -> Snapshot:
    return Snapshot(NodeFacts("id", "0", "cpu", 0.0, 9337, 3131), Settings())


@pytest.fixture
async def run() -> AsyncIterator[Callable[[RunLoop], RunLoop]]:
    tasks = TaskGroup()

    def start(loop: RunLoop) -> RunLoop:
        tasks.start("loop", loop.run())
        return loop

    yield start
    await tasks.close()


async def outlook_where(loop: RunLoop, condition: Callable[[Outlook], bool]) -> Outlook:
    async with asyncio.timeout(5):
        async for outlook in loop.watch():
            if condition(outlook):
                return outlook
    raise AssertionError("the loop stopped watching")


async def test_an_event_leads_to_a_command(run: Callable[[RunLoop], RunLoop]) -> None:
    """A model file that shall be served is started."""
    told: list[Command] = []
    loop = run(RunLoop(snapshot(), told.append, lambda: 0.0))
    loop.post(HARDWARE)
    loop.post(LIBRARY)
    await outlook_where(loop, lambda o: o.snapshot.library is not None)
    assert isinstance(told[0], RunEngine)
    assert told[0].spec.model == MODEL.id


async def test_a_burst_of_events_costs_one_round(run: Callable[[RunLoop], RunLoop]) -> None:
    """Events that wait together are decided on together."""
    loop = RunLoop(snapshot(), lambda _: None, lambda: 0.0)
    loop.post(HARDWARE)
    loop.post(LIBRARY)
    run(loop)
    outlook = await outlook_where(loop, lambda o: o.revision > 0)
    assert outlook.revision == 1


async def test_nothing_new_is_not_published(run: Callable[[RunLoop], RunLoop]) -> None:
    """Watchers wake for changes only."""
    loop = run(RunLoop(snapshot(), lambda _: None, lambda: 0.0))
    loop.post(LIBRARY)
    first = await outlook_where(loop, lambda o: o.revision > 0)
    loop.post(LIBRARY)
    loop.post(HARDWARE)
    second = await outlook_where(loop, lambda o: o.snapshot.inventory is not None)
    assert second.revision == first.revision + 1
    assert first.snapshot.library == second.snapshot.library


async def test_a_failing_adapter_does_not_stop_the_loop(run: Callable[[RunLoop], RunLoop]) -> None:
    """A command that fails is told again in the next round."""
    tries: list[Command] = []

    def dispatch(command: Command) -> None:
        tries.append(command)
        if len(tries) == 1:
            raise RuntimeError("adapter fell over")

    loop = run(RunLoop(snapshot(), dispatch, lambda: 0.0))
    loop.post(HARDWARE)
    loop.post(LIBRARY)
    await outlook_where(loop, lambda o: o.snapshot.library is not None)
    loop.post(LoadMeasured(RequestLoad(in_flight=1)))
    await outlook_where(loop, lambda o: o.snapshot.requests.in_flight == 1)
    assert len(tries) == 2


async def test_a_slow_watcher_gets_the_latest(run: Callable[[RunLoop], RunLoop]) -> None:
    """What lies between may be missed, the last state never."""
    loop = run(RunLoop(snapshot(), lambda _: None, lambda: 0.0))
    watcher = loop.watch()
    assert (await anext(watcher)).revision == 0
    for cores in range(1, 50):
        loop.post(HardwareProbed(Inventory(Cpu("cpu", cores), Memory(8, 4))))
    latest = await outlook_where(
        loop, lambda o: o.snapshot.inventory is not None and o.snapshot.inventory.cpu.cores == 49
    )
    async with asyncio.timeout(5):
        assert await anext(watcher) == latest


async def test_a_loop_that_is_told_to_end_ends_though_events_wait() -> None:
    """The end does not get lost between two events."""
    loop, tasks = RunLoop(snapshot(), lambda _: None, lambda: 0.0), TaskGroup()
    tasks.start("loop", loop.run())
    await asyncio.sleep(0)
    loop.post(LIBRARY)
    async with asyncio.timeout(5):
        await tasks.close()


async def test_who_waits_for_a_change_is_woken_by_it(run: Callable[[RunLoop], RunLoop]) -> None:
    """At once, or when its time is over."""
    loop = run(RunLoop(snapshot(), lambda _: None, lambda: 0.0))
    await loop.changed_within(0.0)
    loop.post(HARDWARE)
    async with asyncio.timeout(5):
        await loop.changed_within(3600.0)
    assert loop.outlook.snapshot.inventory is not None
